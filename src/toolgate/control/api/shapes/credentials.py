"""What a server's calls go out with."""

from __future__ import annotations

from typing import Literal

from toolgate.control.api.shapes.words import Shown


class ConnectionGrant(Shown):
    """Whose connection it is."""

    id: str
    """The grant."""
    label: str | None
    """How it is called."""


class Connection(Shown):
    """An OAuth connection: of the server, or of one of its grants."""

    grant: ConnectionGrant | None
    """The grant whose own it is; null for the server's."""
    status: str
    """`connected` or `expired`."""
    error: str
    """What was wrong at the last renewal; may be empty."""
    scopes: list[str]
    """What it allows."""
    missing: list[str]
    """What the server asked for beyond that."""
    connected_by: str
    """Who connected."""
    connected: str | None
    """When."""
    renewed: str | None
    """When its tokens were last renewed."""
    expires: str | None
    """When the access token ends."""
    renewal: str | None
    """When it is renewed next."""


class OAuthClient(Shown):
    """Who this installation is to the server's authorization server."""

    issuer: str
    """The authorization server."""
    client_id: str
    """Our name there."""
    kind: str
    """How that came about."""
    resource: str
    """What tokens are asked for."""


class CredentialsShown(Shown):
    """The credentials of a server: names, states and scopes, never a value."""

    use: Literal["oauth", "headers", "variables", "none"]
    """What its calls go out with."""
    headers: dict[str, str]
    """Names of its headers or variables, and where the values come from."""
    client: OAuthClient | None
    """Null where it was never connected."""
    connections: list[Connection]
    """The server's own first, then those of grants."""
    connect_url: str
    """Where an admin connects it, in a browser."""


class Disconnected(Shown):
    """What became of a connection."""

    ended: Literal["revoked", "ending", "forgotten"]
    """`revoked` at the authorization server, `ending` by itself before long, or only `forgotten` here."""
