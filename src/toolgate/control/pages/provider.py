"""`/sign-in/oidc` and its callback: to the identity provider and back."""

from __future__ import annotations

from typing import cast

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from toolgate.control.identity import cookies
from toolgate.control.identity.entry import browser_of
from toolgate.control.identity.needed import recognised
from toolgate.control.identity.oidc import LIFE, Flow, Vouched
from toolgate.control.identity.refusals import TooMany
from toolgate.control.pages.problems import NOTHING
from toolgate.control.pages.rendering import Page
from toolgate.control.pages.routing import Answer, see_other, state
from toolgate.control.pages.visiting import entry, let_in, local, open_page
from toolgate.errors import ToolgateError
from toolgate.store import entering
from toolgate.store.entering import NoEntry


async def _begin(request: Request) -> Answer:
    """A link leads here, not a form: forms may not end at another origin."""
    flow = _flow(request)
    if flow is None:
        return Page("problem.html", "Not found", {}, {"error": NOTHING}, status=404)
    try:
        url, cookie = await flow.begin(local(request.query_params.get("to", "/")))
    except ToolgateError as error:
        return _failed(flow, error, 502)
    response = RedirectResponse(url, status_code=303)
    cookies.put(request, response, cookies.ATTEMPT, cookie, LIFE)
    return response


async def _finish(request: Request) -> Answer:
    flow = _flow(request)
    if flow is None:
        return Page("problem.html", "Not found", {}, {"error": NOTHING}, status=404)
    browser = browser_of(request)
    try:
        good = entry(request).admit(browser.address)
        vouched = await flow.finish(cookies.read(request, cookies.ATTEMPT), _answer(request))
        if vouched.member:
            return await _bound(request, vouched)
        entered = await run_in_threadpool(
            entering.by_identity, state(request).engine, vouched.identity, browser, vouched.role
        )
    except NoEntry as error:
        entry(request).note_refused(flow.provider.name)
        return _failed(flow, error, 403)
    except TooMany as error:
        return _failed(flow, error, error.status)
    except ToolgateError as error:
        return _failed(flow, error, 400)
    good()
    response = let_in(request, entered, vouched.to)
    cookies.drop(request, response, cookies.ATTEMPT)
    return response


async def _bound(request: Request, vouched: Vouched) -> Response:
    """For a member who began this on their account page, and is signed in still."""
    actor = await recognised(request)
    if actor is None or actor.member_id != vouched.member:
        raise NoEntry("account", "is not signed in any more", "sign in and begin again")
    await run_in_threadpool(entering.bind, state(request).engine, vouched.member, vouched.identity)
    response = see_other("/account", "bound")
    cookies.drop(request, response, cookies.ATTEMPT)
    return response


def _answer(request: Request) -> dict[str, str]:
    """The parameters of the answer. One that is given twice could be read in two ways: then none of it counts."""
    pairs = request.query_params.multi_items()
    return dict(pairs) if len({name for name, _ in pairs}) == len(pairs) else {}


def _failed(flow: Flow, error: ToolgateError, status: int) -> Page:
    view = {"to": "/", "email": "", "error": error, "provider": flow.provider.name}
    return Page("sign_in.html", "Sign in", {}, view, status)


def _flow(request: Request) -> Flow | None:
    return cast("Flow | None", request.app.state.flow)


routes: list[BaseRoute] = [*open_page("/sign-in/oidc", _begin), *open_page("/sign-in/oidc/callback", _finish)]
