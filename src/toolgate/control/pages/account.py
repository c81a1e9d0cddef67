"""`/account`: one's own role, password and sessions."""

from __future__ import annotations

import time
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from toolgate.control.identity import cookies, passwords
from toolgate.control.identity.entry import browser_of
from toolgate.control.identity.oidc import LIFE, Flow
from toolgate.control.identity.refusals import NotAllowed, NotSignedIn
from toolgate.control.pages import approvers
from toolgate.control.pages.forms import placed
from toolgate.control.pages.rendering import Page, render
from toolgate.control.pages.routing import Answer, action, actor, page, see_other, state
from toolgate.control.pages.visiting import entry, let_in, provider_name
from toolgate.errors import ToolgateError
from toolgate.store import described, entering, members, sessions
from toolgate.store.database import writing
from toolgate.store.errors import BadInput

_SESSION_ID: Final = 16
_FIELDS: Final = {"proof": "proof", "present": "present", "password": "password", "again": "again"}
_DONE: Final = {
    "password": "The password is changed. Every other session of yours has ended.",
    "bound": "From now on you may sign in there, too.",
    "ended": "That session has ended.",
    "others": "Every other session of yours has ended.",
}


def _look(request: Request) -> Page:
    return _page(request)


def _page(request: Request, error: ToolgateError | None = None) -> Page:
    own, engine = _own(request), state(request).engine
    member = members.get(engine, own, organisation=actor(request).organisation)
    here = actor(request).session[:_SESSION_ID]
    living = [described.session(session) for session in sessions.of_member(engine, own, time.time())]
    data = {
        "member": described.member(member),
        "sessions": [{**session, "this": session["id"] == here} for session in living],
    }
    view = {
        "errors": placed(error, _FIELDS) if error else {},
        "names": dict(approvers.choices(request)),
        "shortest": passwords.SHORTEST,
        "provider": "" if member.bound else provider_name(request),
    }
    return Page("account.html", "Your account", data, view, status=422 if error else 200)


async def _change_password(request: Request, form: FormData) -> Answer:
    """The new session goes to this browser, so the answer is the redirect that carries its cookie."""
    present, password, again = (str(form.get(name, "")) for name in ("present", "password", "again"))
    own, engine = actor(request), state(request).engine
    try:
        passwords.check("password", password, own.email)
        if password != again:
            raise BadInput("again", "is not the same password", "type it twice alike")
        member_id, verified = await _verified(request, present)
        chosen = await entry(request).hashed(password)
        browser = browser_of(request)
        entered = await run_in_threadpool(entering.change_password, engine, member_id, verified, chosen, browser)
    except ToolgateError as error:
        return await run_in_threadpool(_page, request, error)
    return let_in(request, entered, "/account?done=password")


async def _bind(request: Request, form: FormData) -> Answer:
    """Lead a member who said the password again to the provider, by a link: forms may not end at another origin."""
    flow: Flow | None = request.app.state.flow
    try:
        if flow is None:
            raise NotAllowed("provider", "is none", "start `toolgate serve` with --oidc-issuer")
        member_id, _ = await _verified(request, str(form.get("proof", "")), "proof")
        url, cookie = await flow.begin("/account", member_id)
    except ToolgateError as error:
        return await run_in_threadpool(_page, request, error)
    page = Page("account_bind.html", "Your account", {}, {"url": url, "provider": flow.provider.name})
    response = await run_in_threadpool(render, request, page)
    cookies.put(request, response, cookies.ATTEMPT, cookie, LIFE)
    return response


async def _verified(request: Request, present: str, place: str = "present") -> tuple[str, str]:
    try:
        return await entry(request).verify_own(actor(request).email, present)
    except NotSignedIn as error:
        raise BadInput(place, error.cause, error.mend) from None


def _end(request: Request, _form: FormData) -> Response:
    asking, wanted = actor(request), request.path_params["session"]
    sessions.end(state(request).engine, asking.name, _own(request), wanted, asking.organisation)
    return see_other("/account", "ended")


def _end_others(request: Request, _form: FormData) -> Response:
    asking, own = actor(request), _own(request)
    with writing(state(request).engine, asking.name, asking.organisation) as change:
        sessions.end_all(change, own, but=bytes.fromhex(asking.session))
        change.event("sessions.end", "member", own)
    return see_other("/account", "others")


def _own(request: Request) -> str:
    """The member who asks: an API token has no account."""
    member_id = actor(request).member_id
    if member_id is None:
        raise NotAllowed("account", "an API token has none", "sign in as a member")
    return member_id


routes: list[BaseRoute] = [
    *page("/account", _look, done=_DONE),
    *action("/account/password", _change_password, role="viewer"),
    *action("/account/provider", _bind, role="viewer"),
    *action("/account/sessions/end-others", _end_others, role="viewer"),
    *action("/account/sessions/{session}/end", _end, role="viewer"),
]
