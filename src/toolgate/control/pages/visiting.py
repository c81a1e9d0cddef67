"""Routes for those who are not signed in yet. Their forms are bound to a visit: a random cookie, renewed at sign-in."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from toolgate.control.identity import cookies, csrf
from toolgate.control.identity.entry import KNOWN_FOR, Entry
from toolgate.control.identity.oidc import Flow
from toolgate.control.identity.refusals import Refusal, TooMany
from toolgate.control.pages.rendering import Page, render
from toolgate.control.pages.routing import Answer
from toolgate.errors import ToolgateError
from toolgate.store.entering import Entered
from toolgate.store.sessions import LIFE

Look = Callable[[Request], Awaitable[Answer]]
Act = Callable[[Request, FormData], Awaitable[Answer]]

_AT_MOST: Final = 2000
_FIELDS: Final = 32
_FIELD_AT_MOST: Final = 8192
"""Bytes of a field: strangers may send these forms."""


def open_page(path: str, look: Look) -> list[BaseRoute]:
    """The route of a page that everybody may see."""

    async def endpoint(request: Request) -> Response:
        visit = _visit(request)
        return await _finished(request, await look(request), visit)

    return [Route(path, endpoint, methods=["GET"])]


def open_action(
    path: str,
    act: Act,
    again: Callable[[Request, FormData, ToolgateError], Page],
    longest: int = _FIELD_AT_MOST,
) -> list[BaseRoute]:
    """The route of the form of such a page; `again` is the page that says what was wrong with what was sent.

    `longest` is how many bytes a field may have as it is sent.
    """

    async def endpoint(request: Request) -> Response:
        visit = _visit(request)
        form = await request.form(max_files=0, max_fields=_FIELDS, max_part_size=longest)
        try:
            await csrf.check(request, visit)
            answer = await act(request, form)
        except ToolgateError as error:
            answer = _telling(await run_in_threadpool(again, request, form, error), error)
        return await _finished(request, answer, visit)

    return [Route(path, endpoint, methods=["POST"])]


def entry(request: Request) -> Entry:
    """What lets people in; one for the process."""
    found: Entry = request.app.state.entry
    return found


def provider_name(request: Request) -> str:
    """What the identity provider is called on buttons; "" where there is none."""
    flow: Flow | None = request.app.state.flow
    return flow.provider.name if flow is not None else ""


def let_in(request: Request, entered: Entered, to: str) -> Response:
    """Hand the new session to the browser, and lead it where it wanted to go."""
    response = RedirectResponse(local(to), status_code=303)
    cookies.put(request, response, cookies.SESSION, entered.secret, LIFE)
    cookies.put(request, response, cookies.KNOWN, entry(request).known_browser(entered.member.email), KNOWN_FOR)
    cookies.drop(request, response, cookies.VISIT)
    return response


def local(to: str) -> str:
    """A path of this control plane, or `/` for whatever could lead elsewhere."""
    plain = to.isascii() and to.isprintable() and "\\" not in to and len(to) <= _AT_MOST
    if not plain or not to.startswith("/") or to.startswith("//"):
        return "/"
    try:
        parts = urlsplit(to)
    except ValueError:
        return "/"
    return "/" if parts.scheme or parts.netloc or parts.path.startswith("/sign-") else to


def _visit(request: Request) -> str:
    """The visit that the forms are bound to; begun where there is none."""
    visit = cookies.read(request, cookies.VISIT) or secrets.token_urlsafe(32)
    request.state.visit_csrf = csrf.token_for(request.app.state.toolgate, f"visit {visit}")
    request.state.csrf = request.state.visit_csrf
    return f"visit {visit}"


def _telling(page: Page, error: ToolgateError) -> Page:
    """The status that says what was wrong."""
    headers = {**page.headers, **({"retry-after": str(error.after)} if isinstance(error, TooMany) else {})}
    status = error.status if isinstance(error, Refusal) else 422 if page.status == 200 else page.status
    return replace(page, status=status, headers=headers)


async def _finished(request: Request, answer: Answer, visit: str) -> Response:
    if not isinstance(answer, Page):
        return answer
    response = await run_in_threadpool(render, request, answer)
    if not cookies.read(request, cookies.VISIT):
        cookies.put(request, response, cookies.VISIT, visit.removeprefix("visit "))
    return response
