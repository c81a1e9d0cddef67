"""`/servers/{id}`: one server, with its tools, what changed in them, its credentials, grants and last decisions."""

from __future__ import annotations

import json
import time
from typing import Any, Final

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.routing import BaseRoute

from toolgate.control.asking import ask_server
from toolgate.control.connecting.shown import credentials_of
from toolgate.control.pages import server_judge, stopping
from toolgate.control.pages.lines import last_lines
from toolgate.control.pages.rendering import Page
from toolgate.control.pages.routing import Answer, action, actor, page, see_other, state
from toolgate.control.pages.servers import standing_of
from toolgate.control.pages.tools import tools_of
from toolgate.store import contacts, definitions, described, grants, outlines, servers
from toolgate.store.drift import changed_places
from toolgate.store.grants import Grant
from toolgate.store.servers import Server
from toolgate.upstream.discovery import SignInNeeded

GRANTS: Final = 12
CHANGES: Final = 20
"""How many of each the page shows; the rest stands behind a link."""

_DONE: Final = {
    "added": "The server is registered.",
    "changed": "The server is changed. It applies from the next request on.",
    "asked": "The server was asked for its tools.",
    "accepted": "The shown versions are in force.",
    "judged": "The tool is taken for what you said, from the next call on.",
    "nothing": "No version was ticked, so nothing is changed.",
    "connected": "The server is connected: calls go out with the access that you gave.",
    "disconnected": "The connection is ended and its tokens are deleted.",
    **stopping.DONE,
}


def _server(request: Request) -> Page:
    here, organisation = state(request), actor(request).organisation
    server = servers.get(here.engine, request.path_params["id"], organisation=organisation)
    sought, start = request.query_params.get("q", "")[:200], _number(request.query_params.get("from", ""))
    held = grants.every(here.engine, time.time(), server.id, organisation=organisation)
    living = [grant for grant in held if grant.state in {"active", "stopped"}]
    standing = _standing(request, server)
    data = {
        "server": described.server(server, here.proxy_url(server.id)),
        **standing,
        **tools_of(here.engine, server, sought, start),
        "changes": _changes(request, server) if standing["withheld"] else [],
        "credentials": credentials_of(here, server, admin=actor(request).may("admin")),
        "policies": _policies(living),
        "grants": [_grant(grant) for grant in living[-GRANTS:][::-1]],
        "living": len(living),
    }
    return Page("server.html", server.name, data, {"sought": sought, "now": time.time(), **_told(request, server)})


def _standing(request: Request, server: Server) -> dict[str, Any]:
    here, organisation = state(request), actor(request).organisation
    standing = contacts.of_servers(here.engine, organisation=organisation, server=server.id)[server.id]
    return standing_of(standing, here.attempts.last(server.id))


def _told(request: Request, server: Server) -> dict[str, Any]:
    """What only the page shows: the last attempt to reach the server, and its last decisions."""
    here = state(request)
    attempt = here.attempts.last(server.id)
    trouble = None if attempt is None else attempt.error
    return {
        "attempt": attempt,
        "trouble": trouble,
        "sign_in": isinstance(trouble, SignInNeeded),
        "rows": last_lines(request, "server", server.id),
        "names": {server.id: server.name},
    }


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0


def _policies(living: list[Grant]) -> list[dict[str, Any]]:
    """The policies of living grants with how many each has; a grant without one denies every call."""
    found: dict[str, dict[str, Any]] = {}
    for grant in living:
        if grant.policy_id is not None:
            row = found.setdefault(grant.policy_id, {"id": grant.policy_id, "name": grant.policy, "grants": 0})
            row["grants"] += 1
    return sorted(found.values(), key=lambda row: str(row["name"]))


def _grant(grant: Grant) -> dict[str, Any]:
    """What a viewer may know of a grant."""
    kept = ("id", "label", "server_id", "server", "policy_id", "policy", "state")
    return {name: getattr(grant, name) for name in kept}


def _changes(request: Request, server: Server) -> list[dict[str, Any]]:
    """Each withheld version with how it differs from the one in force."""
    here = state(request)
    present = outlines.outlines(here.engine, server.id)
    waiting = [one for one in present if one.status == "withheld"][:CHANGES]
    current = {one.name: one for one in present if one.status == "current"}
    compared = [*waiting, *(current[one.name] for one in waiting if one.name in current)]
    texts = outlines.texts(here.engine, server.id, [one.fingerprint for one in compared])
    return [
        {
            "name": one.name,
            "fingerprint": one.fingerprint,
            "seen": described.when(one.first_seen),
            "new": one.name not in current,
            "category": one.judgement.category,
            "category_before": current[one.name].judgement.category if one.name in current else None,
            "places": changed_places(
                json.loads(texts[current[one.name].fingerprint]) if one.name in current else {},
                json.loads(texts[one.fingerprint]),
            ),
        }
        for one in waiting
    ]


async def _refresh(request: Request, _form: FormData) -> Answer:
    """Ask for the tools now; what the server said stands on its page."""
    here, who = state(request), actor(request)
    server = servers.get(here.engine, request.path_params["id"], organisation=who.organisation)
    await ask_server(here, who, server.id)
    return see_other(f"/servers/{server.id}", "asked")


def _accept(request: Request, form: FormData) -> Answer:
    """Let in the versions that were shown and ticked."""
    here, who = state(request), actor(request)
    server = servers.get(here.engine, request.path_params["id"], organisation=who.organisation)
    shown = [value for value in form.getlist("version") if isinstance(value, str)]
    if not shown:
        return see_other(f"/servers/{server.id}", "nothing")
    definitions.accept_shown(here.engine, who.name, server.id, shown, organisation=who.organisation)
    here.changed()
    return see_other(f"/servers/{server.id}", "accepted")


routes: list[BaseRoute] = [
    *server_judge.routes,
    *page("/servers/{id}", _server, done=_DONE),
    *action("/servers/{id}/refresh", _refresh, role="admin"),
    *action("/servers/{id}/accept", _accept, role="admin"),
]
