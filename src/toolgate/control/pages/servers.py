"""`/servers`: which MCP servers stand behind the gateway, and how each of them is."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

from starlette.requests import Request
from starlette.routing import BaseRoute

from toolgate.control.attempts import Attempt
from toolgate.control.pages.rendering import Page
from toolgate.control.pages.routing import actor, page, state
from toolgate.store import contacts, described, oauth, servers
from toolgate.store.contacts import Standing
from toolgate.store.first_steps import first_steps
from toolgate.store.gateway_file import gateway_url
from toolgate.store.servers import Server

PAGE: Final = 100
"""Servers on one page."""

_DONE: Final = {"removed": "The server is removed, its credentials are deleted and its grants revoked."}


def _servers(request: Request) -> Page:
    """The servers by name, from the one that follows `after`; those that hold `q` in name or address."""
    here, organisation = state(request), actor(request).organisation
    sought = request.query_params.get("q", "").strip()[:200]
    found = servers.every(here.engine, organisation=organisation)
    matching = [server for server in found if _holds(server, sought.lower())]
    after = request.query_params.get("after", "")
    following = [server for server in matching if server.name > after]
    shown = following[:PAGE]
    standings = contacts.of_servers(here.engine, organisation=organisation)
    troubled = oauth.troubled(here.engine, organisation=organisation)
    url = gateway_url(here.data)
    rows = [
        {
            **_row(server, f"{url}/mcp/{server.id}/", standings[server.id], here.attempts.last(server.id)),
            "reconnect": server.id in troubled,
        }
        for server in shown
        if server.id in standings
    ]
    data = {
        "servers": rows,
        "matching": len(matching),
        "next": shown[-1].name if len(following) > PAGE else None,
        "steps": asdict(first_steps(here.engine, organisation=organisation)),
    }
    return Page("servers.html", "Servers", data, {"sought": sought, "after": after, "all": len(found)})


def _holds(server: Server, sought: str) -> bool:
    return sought in server.name.lower() or sought in server.url.lower() or sought in " ".join(server.command).lower()


def _row(server: Server, proxy_url: str, standing: Standing, attempt: Attempt | None) -> dict[str, Any]:
    return {**described.server(server, proxy_url), **standing_of(standing, attempt)}


def standing_of(standing: Standing, attempt: Attempt | None) -> dict[str, Any]:
    """How a server stands, as JSON; an attempt to ask it that failed later than it was heard of counts."""
    health, at = standing.health, standing.at
    if attempt is not None and attempt.error is not None and attempt.at >= (at or 0.0):
        health, at = "unreachable", attempt.at
    return {"health": health, "heard": described.when(at), "withheld": standing.withheld}


routes: list[BaseRoute] = [*page("/servers", _servers, done=_DONE)]
