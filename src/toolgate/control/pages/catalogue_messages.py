"""`/messages`: what visitors of the catalogue wrote, for admins of the operator's organisation."""

from __future__ import annotations

from typing import Any, Final

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.routing import BaseRoute

from toolgate.control.identity.refusals import NotAllowed
from toolgate.control.pages.forms import one_of
from toolgate.control.pages.rendering import Page
from toolgate.control.pages.routing import Answer, action, actor, page, see_other, state
from toolgate.store import contact
from toolgate.store.contact import Message
from toolgate.store.described import when
from toolgate.store.errors import NotStored

PAGE: Final = 50
_DIGITS: Final = 18
_DONE: Final = {
    "answered": "The message is marked as answered.",
    "waiting": "The message waits for an answer again.",
    "removed": "The message is deleted.",
}


def _look(request: Request) -> Page:
    if not actor(request).operates:
        raise NotAllowed("messages", "are for the operator's admins", "ask one of them")
    engine = state(request).engine
    found = contact.newest(engine, before=_number(request.query_params.get("before", "")), limit=PAGE + 1)
    shown = found[:PAGE]
    following = shown[-1].id if len(found) > PAGE else None
    data = {"messages": [_told(message) for message in shown], "waiting": contact.waiting(engine), "next": following}
    return Page("catalogue_messages.html", "Messages", data)


def _told(message: Message) -> dict[str, Any]:
    return {
        "id": message.id,
        "time": when(message.time),
        "name": message.name,
        "email": message.email,
        "message": message.message,
        "about": message.about,
        "address": message.address,
        "answered": when(message.answered),
    }


def _mark(request: Request, form: FormData) -> Answer:
    number = contact.get(state(request).engine, _wanted(request)).id
    state_ = one_of(form, "state", ("answered", "waiting"))
    contact.mark(state(request).engine, actor(request).name, number, answered=state_ == "answered")
    return see_other("/messages", state_)


def _remove(request: Request, _form: FormData) -> Answer:
    contact.remove(state(request).engine, actor(request).name, _wanted(request))
    return see_other("/messages", "removed")


def _wanted(request: Request) -> int:
    """The number in the path. Raises NotStored, for others than the operator's admins, too: they have no messages."""
    number = _number(request.path_params["message"])
    if number is None or not actor(request).operates:
        raise NotStored("message", "there is none of this number", "the list shows those that there are")
    return number


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < _DIGITS else None


routes: list[BaseRoute] = [
    *page("/messages", _look, role="admin", done=_DONE),
    *action("/messages/{message}/state", _mark, role="admin"),
    *action("/messages/{message}/remove", _remove, role="admin"),
]
