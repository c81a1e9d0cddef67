"""What a route needs of whoever asks. Without its line here a route of the control plane is open to everybody."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Annotated, Final

from fastapi import Depends
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from toolgate.control.identity import cookies, csrf
from toolgate.control.identity.actor import Actor, Role
from toolgate.control.identity.refusals import NotAllowed, NotSignedIn
from toolgate.control.state import State
from toolgate.keys import api_token_checks
from toolgate.store import entering, sessions, tokens
from toolgate.store.errors import Busy

_BEARER: Final = "bearer "


async def actor_of(request: Request, role: Role = "viewer") -> Actor:
    """Who asks, if they may do what needs `role`. Raises NotSignedIn, NotAllowed, Forged.

    Afterwards `request.state.actor` is who, and `request.state.csrf` the token for the forms of the page.
    """
    actor = await recognised(request)
    if actor is None:
        mend = "sign in, or send an API token as `Authorization: Bearer tgt_...`"
        raise NotSignedIn("credential", "is missing, or none that holds", mend)
    if actor.session and request.method not in csrf.SAFE:
        await csrf.check(request, actor.session)
    if not actor.may(role):
        raise NotAllowed("role", f"`{actor.role}` may not do this", f"ask somebody who is `{role}`")
    return actor


async def recognised(request: Request) -> Actor | None:
    """Who asks; None for nobody we know. An Authorization header is judged alone, whatever cookies come with it."""
    known: Actor | None = getattr(request.state, "actor", None)
    if known is not None:
        return known
    state: State = request.app.state.toolgate
    headers = request.headers.getlist("authorization")
    if headers:
        actor = await run_in_threadpool(_by_token, state, headers[0]) if len(headers) == 1 else None
    elif secret := cookies.read(request, cookies.SESSION):
        actor = await run_in_threadpool(_by_session, state, secret)
    else:
        actor = None
    if actor is not None:
        request.state.actor = actor
        request.state.csrf = csrf.token_for(state, actor.session) if actor.session else ""
    return actor


def _by_token(state: State, header: str) -> Actor | None:
    secret = header[len(_BEARER) :].strip()
    if not header.lower().startswith(_BEARER) or not api_token_checks(secret):
        return None
    now = time.time()
    token = tokens.who(state.engine, secret, now)
    if token is None:
        return None
    if token.last_used is None or now - token.last_used > tokens.TOUCH:
        _unless_busy(lambda: tokens.touch(state.engine, token.id, now))
    return Actor.token(token)


def _by_session(state: State, secret: str) -> Actor | None:
    now, digest = time.time(), sessions.digest_of(secret)
    found = entering.who(state.engine, digest, now)
    if found is None:
        return None
    member, session = found
    if now - session.last_used > sessions.TOUCH:
        _unless_busy(lambda: sessions.touch(state.engine, digest, now))
    return Actor.member(member, digest.hex())


def _unless_busy(note: Callable[[], None]) -> None:
    """Note the use of a credential. Another process may hold the database: then the next request notes it."""
    try:
        note()
    except Busy:
        return


def _needing(role: Role) -> Callable[[Request], Awaitable[Actor]]:
    async def needed(request: Request) -> Actor:
        return await actor_of(request, role)

    return needed


Viewer = Annotated[Actor, Depends(_needing("viewer"))]
PolicyManager = Annotated[Actor, Depends(_needing("policy_manager"))]
Admin = Annotated[Actor, Depends(_needing("admin"))]
