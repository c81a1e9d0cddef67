"""Ending a connection: revoked at its authorization server where that is offered, and forgotten here in any case."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool

from toolgate.control.connecting.asking import Asking
from toolgate.control.connecting.tokens import revoke
from toolgate.control.identity.actor import Actor
from toolgate.control.state import State
from toolgate.errors import ToolgateError
from toolgate.store import oauth
from toolgate.store.access_tokens import PURPOSE, Tokens
from toolgate.store.database import writing
from toolgate.store.servers import Server


async def disconnect(state: State, actor: Actor, server: Server, grant_id: str) -> str:
    """End a connection of a server or of one of its grants.

    Returns "" where the tokens are worth nothing any more, else why they may still be until they end. The connection is
    gone from here first: a call that begins afterwards does not use it.
    """
    try:
        client, tokens = await run_in_threadpool(_known, state, server, grant_id)
        reason = ""
    except ToolgateError as error:
        client, tokens, reason = None, None, str(error)
    await run_in_threadpool(_forget, state, actor, server, grant_id)
    if client is None or tokens is None or tokens.issuer != client.issuer:
        return reason
    try:
        offered = await revoke(Asking(server), client, tokens)
    except ToolgateError as error:
        return str(error)
    return "" if offered else f"`{client.issuer}` offers no way to revoke tokens"


def _known(state: State, server: Server, grant_id: str) -> tuple[oauth.Client | None, Tokens | None]:
    sealer = state.master.sealer(PURPOSE)
    opened = oauth.tokens_of(state.engine, server.id, grant_id, sealer)
    return oauth.client_of(state.engine, server.id, sealer), opened[0] if opened else None


def _forget(state: State, actor: Actor, server: Server, grant_id: str) -> None:
    with writing(state.engine, actor.name, actor.organisation) as change:
        oauth.disconnect(change, server.id, grant_id)
    state.changed()
