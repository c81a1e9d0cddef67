"""What people and programs may see of a server's credentials: names, states and scopes, never a value."""

from __future__ import annotations

from typing import Any, Literal

from toolgate.control.state import State
from toolgate.keys import SealBroken
from toolgate.store import oauth
from toolgate.store.access_tokens import PURPOSE
from toolgate.store.moments import when
from toolgate.store.oauth import Client, Connection
from toolgate.store.servers import Server

Use = Literal["oauth", "headers", "variables", "none"]


def credentials_of(state: State, server: Server, *, admin: bool = True) -> dict[str, Any]:
    """The credentials of a server as JSON: for its page (`_credentials.html`) and the REST API.

    `use` is what its calls go out with; `connections` has the server's own (if any) first, then those of grants. Who is
    no `admin` learns what is in use and whether it works, not who connected it, where and for what.
    """
    connections = oauth.connections(state.engine, server.id)
    if not admin:
        standing = [{"grant": _grant(it), "status": it.status} for it in connections]
        return {"use": _use(server, connections), "headers": dict(server.headers), "connections": standing}
    try:
        client = oauth.client_of(state.engine, server.id, state.master.sealer(PURPOSE))
    except SealBroken:
        client = None
    return {
        "use": _use(server, connections),
        "headers": dict(server.headers),
        "client": None if client is None else _client(client),
        "connections": [connection_shown(it) for it in connections],
    }


def connection_shown(connection: Connection) -> dict[str, Any]:
    """One connection; `missing` are the scopes that the server asked for and that it has not."""
    scopes = connection.scope.split()
    return {
        "grant": _grant(connection),
        "status": connection.status,
        "error": connection.error,
        "scopes": scopes,
        "missing": [scope for scope in connection.wanted_scope.split() if scope not in scopes],
        "connected_by": connection.connected_by,
        "connected": when(connection.connected),
        "renewed": when(connection.refreshed),
        "expires": when(connection.expires),
        "renewal": when(connection.refresh_at),
    }


def _grant(connection: Connection) -> dict[str, str] | None:
    return {"id": connection.grant_id, "label": connection.grant} if connection.grant_id else None


def _client(client: Client) -> dict[str, Any]:
    return {"issuer": client.issuer, "client_id": client.client_id, "kind": client.kind, "resource": client.resource}


def _use(server: Server, connections: list[Connection]) -> Use:
    if any(not it.grant_id for it in connections):
        return "oauth"
    if server.headers:
        return "variables" if server.command else "headers"
    return "none"
