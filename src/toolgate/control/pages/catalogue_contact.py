"""`/catalogue/contact`: a form for whoever reads the catalogue; what is sent is kept for admins of the operator."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.routing import BaseRoute

from toolgate.control.identity.refusals import TooMany
from toolgate.control.identity.throttle import Rate, network_of
from toolgate.control.pages.catalogue_reading import PREFIX, Reader, around, reader_of, reading, shown
from toolgate.control.pages.forms import placed, text
from toolgate.control.pages.rendering import Page, csrf_field
from toolgate.control.pages.routing import Answer, see_other, state
from toolgate.control.pages.visiting import local, open_action, open_page
from toolgate.errors import ToolgateError
from toolgate.site.making import catalogue_page
from toolgate.store import contact
from toolgate.store.errors import BadInput

OF_ADDRESS: Final = Rate(burst=3, every=300)
OF_ALL: Final = Rate(burst=60, every=60)
"""Messages: of one stranger, and of everybody together."""
_LONGEST: Final = 12 * contact.MESSAGE_AT_MOST
"""Bytes of a field as it is sent: up to twelve for a character."""
_FIELDS: Final = {"name": "name", "email": "email", "message": "message", "website": "website"}
_DONE: Final = {"sent": "Thank you. Your message is kept, and the people who run this will read it."}


async def _look(request: Request) -> Answer:
    reader = await reader_of(request)
    about = local(request.query_params.get("about", ""))
    return _page(request, reader, {"about": "" if about == "/" else about})


async def _send(request: Request, form: FormData) -> Answer:
    await reader_of(request)
    await run_in_threadpool(_keep, request, _typed(form), text(form, "website"))
    return see_other(f"{PREFIX}/contact", "sent")


def _keep(request: Request, typed: dict[str, str], trapped: str) -> None:
    if trapped:
        raise BadInput("website", "is there for programs that fill in everything", "leave it empty")
    contact.check(typed["name"], typed["email"], typed["message"])
    address = request.client.host if request.client is not None else ""
    wait = request.app.state.readers.take([(f"write {network_of(address)}", OF_ADDRESS), ("write", OF_ALL)])
    if wait:
        raise TooMany(
            "message", "can not be taken now: several came shortly before", f"send it again in {wait} s", wait
        )
    contact.add(state(request).engine, **typed, address=address)


def _again(request: Request, form: FormData, error: ToolgateError) -> Page:
    """The form as it was filled in, with what was wrong."""
    actor = getattr(request.state, "actor", None)
    return _page(request, Reader(actor, around(request, actor)), _typed(form), error)


def _typed(form: FormData) -> dict[str, str]:
    return {name: text(form, name) for name in ("name", "email", "message", "about")}


def _page(request: Request, reader: Reader, typed: dict[str, str], error: ToolgateError | None = None) -> Page:
    page = catalogue_page(
        reader.here,
        "contact",
        "Contact",
        ("contact",),
        {"fields": {"name": contact.NAME_AT_MOST, "message": contact.MESSAGE_AT_MOST}},
        "Write to the people who run this catalogue.",
        typed={"name": "", "email": "", "message": "", "about": "", **typed},
        errors=placed(error, _FIELDS) if error else {},
        visit_field=csrf_field(getattr(request.state, "visit_csrf", "")),
    )
    return replace(shown(page, reader), done=_DONE.get(request.query_params.get("done", ""), ""))


def _twin(request: Request, reader: Reader) -> Page:
    return _page(request, reader, {})


routes: list[BaseRoute] = [
    *reading("/contact.json", _twin, twin=False),
    *open_page(f"{PREFIX}/contact", _look),
    *open_action(f"{PREFIX}/contact", _send, _again, _LONGEST),
]
