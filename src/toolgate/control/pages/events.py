"""`/events`: who changed what, newest first."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.routing import BaseRoute

from toolgate.control.pages.rendering import Page
from toolgate.control.pages.routing import actor, page, state
from toolgate.store import described, events
from toolgate.store.errors import BadInput
from toolgate.store.events import AdminEvent, EventFilter
from toolgate.store.moments import date

PAGE: Final = 50
_TEXTS: Final = ("actor", "action", "kind", "target")
_LONGEST: Final = 320
KINDS: Final = ("server", "definitions", "policy", "grant", "approval", "webhook", "member", "token", "organisation")
_PAGES: Final = {
    "server": "/servers/",
    "definitions": "/servers/",
    "policy": "/policies/",
    "grant": "/grants/",
    "approval": "/approvals/",
    "member": "/members/",
}


def _look(request: Request) -> Page:
    query = request.query_params
    typed = {name: query.get(name, "").strip()[:_LONGEST] for name in (*_TEXTS, "since", "until")}
    try:
        wanted = _filter(typed)
    except BadInput as error:
        view = {"typed": typed, "kinds": KINDS, "error": error, "filtered": True, "newer": "", "older": ""}
        return Page("events.html", "Admin events", {"events": [], "next": None}, view, status=422)
    before = query.get("before", "")
    found = events.newest(
        state(request).engine,
        wanted,
        organisation=actor(request).organisation,
        before=int(before) if before.isascii() and before.isdigit() and len(before) < 19 else None,
        limit=PAGE + 1,
    )
    return _page(typed, found)


def _filter(typed: dict[str, str]) -> EventFilter:
    """Raises BadInput for a moment that is none."""
    since = date("since", typed["since"]) if typed["since"] else 0.0
    until = date("until", typed["until"]) if typed["until"] else None
    return EventFilter(**{name: typed[name] for name in _TEXTS}, since=since, until=until)


def _page(typed: dict[str, str], found: list[AdminEvent]) -> Page:
    shown = found[:PAGE]
    following = shown[-1].id if len(found) > PAGE else None
    kept = {name: value for name, value in typed.items() if value}
    data = {"events": [described.admin_event(event) for event in shown], "next": following}
    view = {
        "events": [{**described.admin_event(event), "href": _href(event)} for event in shown],
        "typed": typed,
        "kinds": KINDS,
        "error": None,
        "filtered": bool(kept),
        "newer": f"/events?{urlencode(kept)}",
        "older": f"/events?{urlencode({**kept, 'before': following})}" if following else "",
    }
    return Page("events.html", "Admin events", data, view)


def _href(event: AdminEvent) -> str:
    """The page of what was changed; nothing for what is gone."""
    beginning = _PAGES.get(event.kind, "")
    return f"{beginning}{event.target}" if beginning and event.action != "remove" else ""


routes: list[BaseRoute] = [*page("/events", _look, role="admin")]
