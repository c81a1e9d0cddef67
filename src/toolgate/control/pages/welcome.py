"""`/welcome/{token}`: a link that lets somebody in once. To look at it uses nothing up: link previews look, too."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.routing import BaseRoute

from toolgate.control.identity import passwords
from toolgate.control.identity.entry import browser_of
from toolgate.control.pages.forms import placed, text
from toolgate.control.pages.rendering import Page
from toolgate.control.pages.routing import Answer, state
from toolgate.control.pages.visiting import entry, let_in, open_action, open_page, provider_name
from toolgate.errors import ToolgateError
from toolgate.store import entering, links, members
from toolgate.store.errors import BadInput, NotStored
from toolgate.store.links import Link
from toolgate.store.names import check_text

# The address of the page is a secret: it is told to nobody, not even to our own pages.
_QUIET: Final = {"referrer-policy": "no-referrer"}
_TITLES: Final = {"first": "Set up Toolgate", "invite": "Welcome to Toolgate", "reset": "Choose a new password"}
_FIELDS: Final = {"email": "email", "name": "name", "password": "password", "again": "again"}


async def _look(request: Request) -> Answer:
    return await run_in_threadpool(_page, request)


async def _enter(request: Request, form: FormData) -> Answer:
    secret, engine = request.path_params["token"], state(request).engine
    link = await run_in_threadpool(links.look, engine, secret, time.time())
    first = link.purpose == "first"
    email = members.check_email("email", text(form, "email")) if first else link.email
    name = check_text("name", text(form, "name")) if first else ""
    chosen = await entry(request).hashed(_password(form, email))
    browser = browser_of(request)
    entered = await run_in_threadpool(lambda: entering.by_link(engine, secret, chosen, browser, email=email, name=name))
    return let_in(request, entered, "/")


def _password(form: FormData, email: str) -> str:
    password, again = form.get("password", ""), form.get("again", "")
    assert isinstance(password, str)  # files are refused before
    passwords.check("password", password, email)
    if password != again:
        raise BadInput("again", "is not the same password", "type it twice alike")
    return password


def _again(request: Request, form: FormData, error: ToolgateError) -> Page:
    if isinstance(error, NotStored):
        return _gone(error)
    return _page(request, {"email": text(form, "email"), "name": text(form, "name")}, error)


def _page(request: Request, typed: dict[str, str] | None = None, error: ToolgateError | None = None) -> Page:
    try:
        link = links.look(state(request).engine, request.path_params["token"], time.time())
    except NotStored as gone:
        return _gone(gone)
    view = {
        "link": link,
        "typed": typed or {"email": "", "name": ""},
        "errors": placed(error, _FIELDS) if error else {},
        "provider": provider_name(request) if link.purpose == "invite" else "",
        "shortest": passwords.SHORTEST,
    }
    return _quiet(Page("welcome.html", _title(link), {}, view))


def _title(link: Link) -> str:
    return _TITLES[link.purpose]


def _gone(error: ToolgateError) -> Page:
    return _quiet(Page("problem.html", "This link does not hold", {}, {"error": error}, status=404))


def _quiet(page: Page) -> Page:
    return replace(page, headers=_QUIET)


routes: list[BaseRoute] = [
    *open_page("/welcome/{token}", _look),
    *open_action("/welcome/{token}", _enter, _again),
]
