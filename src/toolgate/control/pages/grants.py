"""`/grants`: who may use which server under which policy."""

from __future__ import annotations

import time
from typing import Any, Final

from starlette.requests import Request
from starlette.routing import BaseRoute

from toolgate.control.identity.actor import Actor
from toolgate.control.pages.rendering import Page
from toolgate.control.pages.routing import actor, page, state
from toolgate.store import contacts, described, grants
from toolgate.store.errors import NotStored
from toolgate.store.grant_search import Sought
from toolgate.store.grants import Grant
from toolgate.store.labels import living_servers

PAGE: Final = 100
"""Grants on one page."""

STATES: Final = ("active", "stopped", "expired", "revoked")
_SEEN: Final = ("id", "label", "server_id", "server", "policy_id", "policy", "state", "stopped")
"""What everybody may know of a grant; the rest is for admins."""


def seen_by(who: Actor, grant: Grant) -> dict[str, Any]:
    """A grant as JSON, as far as this one may know it."""
    whole = described.grant(grant)
    return whole if who.may("admin") else {name: whole[name] for name in _SEEN}


def _grants(request: Request) -> Page:
    """The grants, the newest first: those of a `server` or `policy`, in a `state`, that hold `q`."""
    here, who, asked = state(request), actor(request), request.query_params
    typed = {name: asked.get(name, "")[:200] for name in ("q", "server", "policy", "state")}
    start = int(asked["from"]) if asked.get("from", "").isdecimal() and len(asked["from"]) < 7 else 0
    shown, matching = _found(request, typed, start)
    rows = [seen_by(who, grant) for grant in shown]
    if who.may("admin"):
        among = [grant.id for grant in shown]
        used = contacts.grants_used(here.engine, time.time(), among, organisation=who.organisation)
        rows = [{**row, "last_used": described.when(used.get(row["id"]))} for row in rows]
    data = {
        "grants": rows,
        "matching": matching,
        "start": start,
        "previous": max(start - PAGE, 0) if start else None,
        "next": start + PAGE if start + PAGE < matching else None,
    }
    view = {
        "typed": typed,
        "filtered": any(typed.values()),
        "servers": [("", "any server"), *living_servers(here.engine, who.organisation)],
        "states": [("", "any state"), *((one, one) for one in STATES)],
    }
    return Page("grants.html", "Grants", data, view)


def _found(request: Request, typed: dict[str, str], start: int) -> tuple[list[Grant], int]:
    """A page of those that match, and how many do. What is gone, unknown, or another organisation's, has none."""
    here, who = state(request), actor(request)
    if typed["state"] not in ("", *STATES):
        return [], 0
    sought = Sought(typed["server"] or None, typed["policy"] or None, typed["state"], typed["q"], who.may("admin"))
    try:
        return grants.page(here.engine, time.time(), sought, start=start, limit=PAGE, organisation=who.organisation)
    except NotStored:
        return [], 0


routes: list[BaseRoute] = [*page("/grants", _grants)]
