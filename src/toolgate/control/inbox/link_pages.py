"""`/decide/{signed}`: what the link in a webhook's message opens. Looking never acts: previews and scanners open links.

No session is needed unless the webhook says so; then the decision is that of the member, with all that binds members.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from toolgate.control.identity.actor import Actor
from toolgate.control.identity.csrf import FIELD
from toolgate.control.identity.needed import actor_of
from toolgate.control.identity.refusals import Forged
from toolgate.control.inbox import deciding, links, showing
from toolgate.control.inbox.links import Link, Opened
from toolgate.control.pages.forms import placed, text
from toolgate.control.pages.problems import problem_page
from toolgate.control.pages.rendering import TWIN, Page, csrf_field, render
from toolgate.control.pages.routing import see_other
from toolgate.control.state import State
from toolgate.errors import ToolgateError
from toolgate.store.approvals import ApprovalStore, NotPending
from toolgate.store.errors import BadInput
from toolgate.store.verdicts import Verdict

_HEADERS: Final = {"referrer-policy": "no-referrer", "x-robots-tag": "noindex, nofollow", "cache-control": "no-store"}
# A browser that sends no referrer names no origin either, and forms of a session are checked by their origin.
_SIGNED_IN: Final = {**_HEADERS, "referrer-policy": "same-origin"}
_DONE: Final = {"approved": "Approved.", "denied": "Refused."}


async def _look(request: Request) -> Response:
    """Show the call while it waits, and afterwards what became of it."""
    try:
        asking = await _asking(request)
        return await run_in_threadpool(_shown, request, asking)
    except ToolgateError as error:
        return _hidden(problem_page(request, error))


async def _asking(request: Request) -> Actor | None:
    """The member, where the webhook wants its readers to sign in; None where the link alone decides."""
    if await run_in_threadpool(_wants_sign_in, request.app.state.toolgate, request.path_params["signed"]):
        return await actor_of(request)
    return None


def _wants_sign_in(state: State, signed: str) -> bool:
    with deciding.opened(state) as store:
        return links.follow(state, store, signed).webhook.options.links == "sign_in"


def _shown(request: Request, asking: Actor | None, error: ToolgateError | None = None, reason: str = "") -> Response:
    state: State = request.app.state.toolgate
    with deciding.opened(state) as store:
        opened = links.follow(state, store, request.path_params["signed"])
        if asking is not None:
            deciding.visible(store, asking, opened.approval.id)
        data = _data(state, store, opened)
    own = asking is not None and deciding.is_own(state, asking, opened.approval)
    view = {
        "own": own,
        "door": {name: f"{links.PATH}{opened.link.signed}/{name}" for name in ("approve", "deny")},
        "form_field": csrf_field(request.state.csrf if asking else links.form_token(state.master, opened.link)),
        "errors": placed(error, {"reason": "reason"}) if error else {},
        "reason": reason,
        "decider": (asking or opened.actor).name,
    }
    title = opened.approval.tool or opened.approval.method
    done = _DONE.get(request.query_params.get("done", ""), "")
    status = 200 if error is None else 409 if isinstance(error, NotPending) else 422
    headers = _HEADERS if asking is None else _SIGNED_IN
    return render(request, Page("decide.html", title, data, view, status, headers, done))


def _data(state: State, store: ApprovalStore, opened: Opened) -> dict[str, Any]:
    """A link that has done its work, or is too late, no longer shows what the call says."""
    if opened.approval.state == "pending":
        return showing.whole(state, store, opened.approval)
    return {"approval": showing.summary(opened.approval)}


def _act(verdict: Verdict) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            asking = await _asking(request)
            form = await request.form(max_files=0, max_fields=20)
            reason, given = text(form, "reason"), text(form, FIELD)
            return await run_in_threadpool(_decide, request, asking, verdict, (reason, given))
        except ToolgateError as error:
            return _hidden(problem_page(request, error))

    return endpoint


def _decide(request: Request, asking: Actor | None, verdict: Verdict, typed: tuple[str, str]) -> Response:
    state: State = request.app.state.toolgate
    reason, given = typed
    with deciding.opened(state) as store:
        opened = links.follow(state, store, request.path_params["signed"])
    if asking is None and opened.webhook.options.links != "open":
        raise Forged("link", "asks for sign-in since a moment ago", "open it again")
    if asking is None:
        _check_form(request, opened.link, given)
    try:
        deciding.decide(state, asking or opened.actor, opened.approval.id, verdict, reason)
    except (NotPending, BadInput) as error:
        return _shown(request, asking, error, reason)
    return _hidden(see_other(f"{links.PATH}{opened.link.signed}", verdict))


def _check_form(request: Request, link: Link, given: str) -> None:
    """Whoever decides has opened the page of this link and sent its form. Raises Forged."""
    state: State = request.app.state.toolgate
    site = request.headers.get("sec-fetch-site", "same-origin")
    if site not in {"same-origin", "none"} or not links.form_checks(state.master, link, given):
        raise Forged("form", "does not belong to this link", "open the link again and decide there")


def _hidden(response: Response) -> Response:
    """No search engine keeps it, no later page learns its address."""
    for name, value in _HEADERS.items():
        response.headers[name] = value
    return response


_PATH: Final = f"{links.PATH}{{signed}}"
routes: list[BaseRoute] = [
    Route(_PATH + TWIN, _look, methods=["GET"]),
    Route(_PATH, _look, methods=["GET"]),
    Route(f"{_PATH}/approve", _act("approved"), methods=["POST"]),
    Route(f"{_PATH}/deny", _act("denied"), methods=["POST"]),
]
