"""Ending a connection: revoked at its authorization server where that is offered, and forgotten here in any case."""

from __future__ import annotations

from typing import Literal

from starlette.concurrency import run_in_threadpool

from toolgate.control.connecting.asking import Asking
from toolgate.control.connecting.failures import Refused
from toolgate.control.connecting.tokens import revoke
from toolgate.control.identity.actor import Actor
from toolgate.control.state import State
from toolgate.errors import ToolgateError
from toolgate.keys import SealBroken
from toolgate.store import oauth
from toolgate.store.access_tokens import PURPOSE, Tokens
from toolgate.store.database import writing
from toolgate.store.servers import Server

Ended = Literal["revoked", "ending", "forgotten"]
"""The tokens are worth nothing any more; only the access token may be until it ends; both may be."""


async def disconnect(state: State, actor: Actor, server: Server, grant_id: str) -> Ended:
    """End a connection of a server or of one of its grants.

    It is gone from here before anybody is asked: a call that begins afterwards does not use it.
    """
    try:
        client, tokens = await run_in_threadpool(_known, state, server, grant_id)
    except SealBroken:
        client, tokens = None, None
    await run_in_threadpool(_forget, state, actor, server, grant_id)
    if client is None or tokens is None or tokens.issuer != client.issuer:
        return "forgotten"
    try:
        await revoke(Asking(server), client, tokens)
    except Refused as error:
        # RFC 7009 section 2.2.1: many servers revoke no access token that says all by itself.
        return "ending" if error.code == "unsupported_token_type" and tokens.refresh else "forgotten"
    except ToolgateError:
        return "forgotten"
    return "revoked"


def _known(state: State, server: Server, grant_id: str) -> tuple[oauth.Client | None, Tokens | None]:
    sealer = state.master.sealer(PURPOSE)
    opened = oauth.tokens_of(state.engine, server.id, grant_id, sealer)
    return oauth.client_of(state.engine, server.id, sealer), opened[0] if opened else None


def _forget(state: State, actor: Actor, server: Server, grant_id: str) -> None:
    with writing(state.engine, actor.name, actor.organisation) as change:
        oauth.disconnect(change, server.id, grant_id)
    state.changed()
