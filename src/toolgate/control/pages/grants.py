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
from toolgate.store.grants import Grant
from toolgate.store.labels import living_servers

PAGE: Final = 100
"""Grants on one page."""

STATES: Final = ("active", "expired", "revoked")
_SEEN: Final = ("id", "label", "server_id", "server", "policy_id", "policy", "state")
"""What everybody may know of a grant; the rest is for admins."""


def seen_by(who: Actor, grant: Grant) -> dict[str, Any]:
    """A grant as JSON, as far as this one may know it."""
    whole = described.grant(grant)
    return whole if who.may("admin") else {name: whole[name] for name in _SEEN}


def _grants(request: Request) -> Page:
    """The grants, the newest first: those of a `server` or `policy`, in a `state`, that hold `q`."""
    here, who, asked = state(request), actor(request), request.query_params
    typed = {name: asked.get(name, "")[:200] for name in ("q", "server", "policy", "state")}
    found = _found(request, typed)
    start = int(asked["from"]) if asked.get("from", "").isdecimal() and len(asked["from"]) < 7 else 0
    shown = found[start : start + PAGE]
    rows = [seen_by(who, grant) for grant in shown]
    if who.may("admin"):
        used = contacts.grants_used(here.engine, time.time(), organisation=who.organisation)
        rows = [{**row, "last_used": described.when(used.get(row["id"]))} for row in rows]
    data = {
        "grants": rows,
        "matching": len(found),
        "start": start,
        "previous": max(start - PAGE, 0) if start else None,
        "next": start + PAGE if start + PAGE < len(found) else None,
    }
    view = {
        "typed": typed,
        "filtered": any(typed.values()),
        "servers": [("", "any server"), *living_servers(here.engine, who.organisation)],
        "states": [("", "any state"), *((one, one) for one in STATES)],
    }
    return Page("grants.html", "Grants", data, view)


def _found(request: Request, typed: dict[str, str]) -> list[Grant]:
    """All that match, the newest first. A server or policy that is gone, or another organisation's, has none."""
    here, who = state(request), actor(request)
    try:
        found = grants.every(
            here.engine,
            time.time(),
            typed["server"] or None,
            policy=typed["policy"] or None,
            organisation=who.organisation,
        )
    except NotStored:
        return []
    sought, wanted, whole = typed["q"].lower(), typed["state"], who.may("admin")
    return [grant for grant in reversed(found) if wanted in ("", grant.state) and _holds(grant, sought, whole)]


def _holds(grant: Grant, sought: str, whole: bool) -> bool:
    texts = [grant.label, grant.server, grant.policy or "", grant.id]
    if whole:
        texts += [grant.principal, *(f"{key}={value}" for key, value in grant.labels.items())]
    return any(sought in text.lower() for text in texts)


routes: list[BaseRoute] = [*page("/grants", _grants)]
