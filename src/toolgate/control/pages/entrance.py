"""`/sign-in` and `/sign-out`."""

from __future__ import annotations

from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import BaseRoute

from toolgate.control.identity import cookies
from toolgate.control.identity.entry import browser_of
from toolgate.control.identity.needed import recognised
from toolgate.control.pages.forms import text
from toolgate.control.pages.rendering import Page
from toolgate.control.pages.routing import Answer, action, see_other, state
from toolgate.control.pages.visiting import entry, let_in, local, open_action, open_page, provider_name
from toolgate.errors import ToolgateError
from toolgate.store import entering, sessions

_DONE: Final = {"out": "You are signed out.", "changed": "Sign in with the new password."}


async def _look(request: Request) -> Answer:
    to = local(request.query_params.get("to", "/"))
    if await recognised(request) is not None:
        return RedirectResponse(to, status_code=303)
    return _page(request, to, done=_DONE.get(request.query_params.get("done", ""), ""))


async def _sign_in(request: Request, form: FormData) -> Answer:
    email, password = text(form, "email").lower(), form.get("password", "")
    assert isinstance(password, str)  # files are refused before
    known = cookies.read(request, cookies.KNOWN)
    entered = await entry(request).sign_in(email, password, browser_of(request), known)
    return let_in(request, entered, text(form, "to"))


def _again(request: Request, form: FormData, error: ToolgateError) -> Page:
    return _page(request, local(text(form, "to")), text(form, "email"), error)


def _page(request: Request, to: str, email: str = "", error: ToolgateError | None = None, done: str = "") -> Page:
    shown = {"to": to, "email": email, "error": error, "provider": provider_name(request)}
    return Page("sign_in.html", "Sign in", {}, shown, done=done)


async def _sign_out(request: Request, _form: FormData) -> Answer:
    secret = cookies.read(request, cookies.SESSION)
    await run_in_threadpool(entering.sign_out, state(request).engine, sessions.digest_of(secret))
    response = see_other("/sign-in", "out")
    cookies.drop(request, response, cookies.SESSION)
    return response


routes: list[BaseRoute] = [
    *open_page("/sign-in", _look),
    *open_action("/sign-in", _sign_in, _again),
    *action("/sign-out", _sign_out, role="viewer"),
]
