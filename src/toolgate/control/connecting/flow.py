"""The authorization code flow: from the Connect button to the authorization server and back."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import urlsplit

import msgspec
from starlette.concurrency import run_in_threadpool

from toolgate.control.connecting import parameters, tokens
from toolgate.control.connecting.asking import Asking
from toolgate.control.connecting.clients import CALLBACK, Typed, client_for, server_of
from toolgate.control.connecting.discovery import discover
from toolgate.control.connecting.failures import ConnectingError, Refused, quoted
from toolgate.control.identity.actor import Actor
from toolgate.control.state import State
from toolgate.keys import SealBroken, Sealer
from toolgate.store import oauth, oauth_attempts, servers
from toolgate.store.access_tokens import PURPOSE
from toolgate.store.database import writing
from toolgate.store.errors import NotStored
from toolgate.store.oauth import Client
from toolgate.store.oauth_attempts import Attempt
from toolgate.store.servers import Server

_OFFLINE: Final = "offline_access"
_AGAIN: Final = "begin again on the page of the server"


@dataclass(slots=True, frozen=True)
class Begun:
    """What a member should see before going on to `url`: who will ask for the consent, and for what."""

    url: str = field(repr=False)
    issuer: str
    host: str
    scopes: tuple[str, ...]
    resource: str
    client: Client


class _Kept(msgspec.Struct, frozen=True):
    """What a flow must still know when the browser comes back, sealed."""

    session: str
    verifier: str
    redirect_uri: str
    url: str
    client: Client


async def begin(state: State, actor: Actor, server: Server, grant_id: str, typed: Typed) -> Begun:
    """Find the authorization server, become its client, and open a flow that is this session's alone.

    Raises ConnectingError, OutboundError, or what the store raises.
    """
    if not server.url:
        raise ConnectingError("server", "is a command: OAuth is for servers over HTTP", "give it variables instead")
    if actor.member_id is None:
        raise ConnectingError("member", "is none: a browser has to go to the authorization server", "sign in")
    asking = Asking(server)
    stored = await run_in_threadpool(_stored, state, server.id)
    found = await discover(asking, typed.issuer, stored.issuer if stored is not None else "")
    client = await client_for(asking, found, state.url, typed, stored)
    before = await run_in_threadpool(_scope_before, state, server.id, grant_id)
    client = replace(client, scopes=_scope(found.scope, before, found.server.scopes_supported or ()))
    kept = _Kept(actor.session, secrets.token_urlsafe(48), state.url + CALLBACK, server.url, client)
    nonce = secrets.token_urlsafe(32)
    await run_in_threadpool(_open, state, actor, Attempt(server.id, grant_id, b""), kept, nonce)
    return _begun(client, kept, nonce)


def _stored(state: State, server_id: str) -> Client | None:
    """The client that is stored; one that no longer opens is none, so that it can be replaced."""
    try:
        return oauth.client_of(state.engine, server_id, state.master.sealer(PURPOSE))
    except SealBroken:
        return None


def _scope_before(state: State, server_id: str, grant_id: str) -> str:
    """What the connection has, and what the server asked for since: a step up must lose nothing."""
    known = (it for it in oauth.connections(state.engine, server_id) if it.grant_id == grant_id)
    return next((oauth.united(it.scope, it.wanted_scope) for it in known), "")


def _scope(wanted: str, before: str, offered: tuple[str, ...] | list[str]) -> str:
    """The scopes to ask for; a refresh token is asked for where the authorization server says how."""
    scope = oauth.united(before, wanted)
    return oauth.united(scope, _OFFLINE) if scope and _OFFLINE in offered else scope


def _open(state: State, actor: Actor, attempt: Attempt, kept: _Kept, nonce: str) -> None:
    sealer = state.master.sealer(PURPOSE)
    sealed = sealer.seal(msgspec.json.encode(kept), _binding(nonce, attempt))
    assert actor.member_id is not None
    with writing(state.engine, actor.name, actor.organisation) as change:
        oauth_attempts.begin(change, nonce, actor.member_id, replace(attempt, sealed=sealed))


def _begun(client: Client, kept: _Kept, nonce: str) -> Begun:
    endpoint = server_of(client).authorization_endpoint or ""
    scopes = tuple(client.scopes.split())
    asked = parameters.Asked(
        client_id=client.client_id,
        redirect_uri=kept.redirect_uri,
        scope=client.scopes,
        resource=client.resource,
        state=nonce,
        verifier=kept.verifier,
        prompt="consent" if _OFFLINE in scopes else None,
    )
    url = parameters.authorization_url(endpoint, asked)
    return Begun(url, client.issuer, urlsplit(endpoint).netloc, scopes, client.resource, client)


async def finish(state: State, actor: Actor, answer: Mapping[str, list[str]]) -> Attempt:
    """Take the answer of the authorization server (the query of the callback) and store the connection.

    The flow ends here, whatever comes of it. Raises ConnectingError, OutboundError, or what the store raises.
    """
    said = {name: _single(name, answer) for name in ("state", "iss", "code", "error", "error_description")}
    attempt, kept, server = await run_in_threadpool(_taken, state, actor, said["state"])
    _check_issuer(kept.client, said["iss"], answer)
    if said["error"]:
        raise _denied(kept.client, said["error"], said["error_description"])
    if not said["code"]:
        raise ConnectingError(quoted(kept.client.issuer), "sent the browser back without a code", _AGAIN)
    resource = kept.client.resource
    body = parameters.code_request(said["code"], kept.verifier, kept.redirect_uri, resource)
    granted = await tokens.redeem(Asking(server), kept.client, body, kept.client.scopes)
    await run_in_threadpool(_store, state, actor, attempt, kept, granted)
    return attempt


def _single(name: str, answer: Mapping[str, list[str]]) -> str:
    values = answer.get(name, [])
    if len(values) > 1:
        raise ConnectingError("callback", f"holds `{name}` more than once", _AGAIN)
    return values[0] if values else ""


def _taken(state: State, actor: Actor, nonce: str) -> tuple[Attempt, _Kept, Server]:
    """The flow that this browser began. Another session of the same member is not this browser."""
    with writing(state.engine, actor.name, actor.organisation) as change:
        attempt = oauth_attempts.take(change, nonce, actor.member_id or "") if nonce else None
    if attempt is None:
        cause = "belongs to no connection that you are making: it was used, is older than ten minutes, or not yours"
        raise ConnectingError("callback", cause, _AGAIN)
    kept = _kept(state.master.sealer(PURPOSE), nonce, attempt)
    if not actor.session or not hmac.compare_digest(kept.session, actor.session):
        raise ConnectingError("callback", "was begun in another session", _AGAIN)
    server = servers.get(state.engine, attempt.server_id, organisation=actor.organisation)
    _check_address(server, kept)
    return attempt, kept, server


def _kept(sealer: Sealer, nonce: str, attempt: Attempt) -> _Kept:
    return msgspec.json.decode(sealer.open(attempt.sealed, _binding(nonce, attempt)), type=_Kept)


def _check_address(server: Server, kept: _Kept) -> None:
    if server.url != kept.url:
        raise ConnectingError("server", "was moved to another address meanwhile", _AGAIN)


def _check_issuer(client: Client, issuer: str, answer: Mapping[str, list[str]]) -> None:
    """Refuse what another authorization server sent (RFC 9207 section 2.4), before anything else of it is looked at."""
    promised = server_of(client).authorization_response_iss_parameter_supported
    if "iss" in answer and issuer != client.issuer:
        cause = f"comes from `{quoted(issuer)}`, not from `{quoted(client.issuer)}`, which was asked"
        raise ConnectingError("callback", cause, "somebody may be mixing up two authorization servers; begin again")
    if promised and "iss" not in answer:
        cause = f"does not say who sent it, though `{quoted(client.issuer)}` always does"
        raise ConnectingError("callback", cause, _AGAIN)


def _denied(client: Client, error: str, description: str) -> Refused:
    place = quoted(client.issuer)
    said = f": {quoted(description)}" if description else ""
    if error == "access_denied":
        return Refused(place, f"was told not to give access{said}", "connect again and allow it", error)
    return Refused(place, f"refused with `{quoted(error)}`{said}", _AGAIN, error)


def _store(state: State, actor: Actor, attempt: Attempt, kept: _Kept, granted: oauth.Granted) -> None:
    with writing(state.engine, actor.name, actor.organisation) as change:
        if not oauth.stands(change, attempt.server_id, attempt.grant_id, kept.url):
            raise NotStored("server", "was moved or removed, or its grant revoked, by somebody else meanwhile")
        sealer = state.master.sealer(PURPOSE)
        oauth.connect(change, attempt.server_id, attempt.grant_id, kept.client, granted, sealer)
    state.changed()


def _binding(nonce: str, attempt: Attempt) -> bytes:
    return f"attempt {nonce} {attempt.server_id} {attempt.grant_id or '-'}".encode()
