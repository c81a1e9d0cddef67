"""The rows of the gateway's view and how plain sqlite3 reads each of them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from toolgate.policy.categories import Category, category_of
from toolgate.store.headers import StoredHeader


@dataclass(slots=True, frozen=True)
class GrantRow:
    """A grant that is not revoked. It may be expired: compare `expires` (seconds since 1970) with the clock.

    `claims` are those that the access token of an authorization server must carry to be this grant; empty for none.
    """

    id: str
    organisation: str
    label: str
    principal: str
    labels: Mapping[str, str]
    server_id: str
    policy_id: str | None
    expires: float | None
    digest: bytes = field(repr=False)
    claims: Mapping[str, object] = field(default_factory=dict)
    stopped: str | None = None
    """Why somebody stopped it, "" where nobody said; None while it runs."""


@dataclass(slots=True, frozen=True)
class ServerRow:
    """A server that is not removed: reached at its `url`, or (then that is `""`) started as its `command`.

    `headers` are opened with `store.headers.open_headers`; those of a command are the variables of its environment and
    opened with `store.variables.open_variables`.
    """

    id: str
    organisation: str
    name: str
    url: str
    command: tuple[str, ...]
    allow_private: bool
    pin: bool
    ca_file: str | None
    client_certificate: str | None
    client_key: str | None
    proxy: str | None
    protocol_revision: str | None
    headers: tuple[StoredHeader, ...] = field(repr=False)
    capture: int | None = None
    """For how many days what its calls say is kept, sealed; None for not at all."""
    stopped: str | None = None
    """As in `GrantRow`."""


@dataclass(slots=True, frozen=True)
class PolicyRow:
    """A policy at its current revision: the document's text as given, and its SHA-256 digest in hex."""

    id: str
    organisation: str
    name: str
    revision: int
    document: str = field(repr=False)
    digest: str


@dataclass(slots=True, frozen=True)
class DefinitionRow:
    """A tool's definition (JSON text). `status` is `current` or `withheld`; `category` is None where none is accepted.

    `withheld` is the fingerprint of a newer version that waits to be accepted, `""` when there is none: on a pinned
    server a tool may be called only when its row is current and nothing is withheld.
    """

    name: str
    fingerprint: str
    definition: str = field(repr=False)
    status: str
    withheld: str = ""
    category: Category | None = None


@dataclass(slots=True, frozen=True)
class ConnectionRow:
    """An OAuth connection of a server (`grant_id` is `""`) or of one of its grants.

    `sealed` is opened with `store.access_tokens.open_tokens`; each renewal has another `generation`.
    """

    server_id: str
    grant_id: str
    generation: int
    sealed: bytes = field(repr=False)


@dataclass(slots=True, frozen=True)
class Change:
    """What changed: kind (`server`, `policy`, `grant`, `definitions`, `credential`) and id.

    For definitions and a credential (an OAuth connection) that is the id of the server.
    """

    seq: int
    kind: str
    id: str


GRANTS = """SELECT id, organisation_id, label, principal, labels, server_id, policy_id, expires, digest,
    claims,
    CASE WHEN stopped IS NOT NULL THEN stop_reason END FROM grants WHERE revoked IS NULL"""
SERVERS = """SELECT id, organisation_id, name, url, command, allow_private, pin, ca_file, client_certificate,
    client_key, proxy, protocol_revision, capture,
    CASE WHEN stopped IS NOT NULL THEN stop_reason END FROM servers WHERE removed IS NULL"""
HEADERS = "SELECT name, sealed, variable FROM upstream_headers WHERE server_id = ? ORDER BY name"
POLICIES = """SELECT p.id, p.organisation_id, p.name, p.revision, r.document, r.digest FROM policies p
    JOIN policy_revisions r ON r.policy_id = p.id AND r.revision = p.revision WHERE p.removed IS NULL"""
DEFINITIONS = """SELECT name, fingerprint, definition, status, category FROM definitions
    WHERE server_id = ? AND status != 'gone' ORDER BY name, status, id"""
CONNECTIONS = "SELECT server_id, grant_id, generation, sealed FROM oauth_tokens"
NEWEST = "SELECT coalesce(max(seq), 0) FROM changes"
CHANGES = "SELECT seq, kind, id FROM changes WHERE seq > ? ORDER BY seq"


def newest(connection: sqlite3.Connection) -> int:
    """The number of the newest change, 0 when there is none."""
    return int(connection.execute(NEWEST).fetchone()[0])


def changes_after(connection: sqlite3.Connection, seq: int) -> list[Change]:
    """What changed after `seq`, in order; of several changes of one row the last."""
    latest: dict[tuple[str, str], Change] = {}
    for row in connection.execute(CHANGES, (seq,)):
        change = Change(*row)
        latest.pop((change.kind, change.id), None)
        latest[change.kind, change.id] = change
    return list(latest.values())


def grants(connection: sqlite3.Connection) -> list[GrantRow]:
    """All living grants."""
    return [_grant(row) for row in connection.execute(GRANTS)]


def grant(connection: sqlite3.Connection, grant_id: str) -> GrantRow | None:
    """The living grant with this id."""
    row = connection.execute(f"{GRANTS} AND id = ?", (grant_id,)).fetchone()
    return _grant(row) if row else None


def servers(connection: sqlite3.Connection) -> list[ServerRow]:
    """All living servers with their headers."""
    return [_server(connection, row) for row in connection.execute(SERVERS).fetchall()]


def server(connection: sqlite3.Connection, server_id: str) -> ServerRow | None:
    """The living server with this id."""
    row = connection.execute(f"{SERVERS} AND id = ?", (server_id,)).fetchone()
    return _server(connection, row) if row else None


def policies(connection: sqlite3.Connection) -> list[PolicyRow]:
    """All living policies at their current revision."""
    return [PolicyRow(*row) for row in connection.execute(POLICIES)]


def policy(connection: sqlite3.Connection, policy_id: str) -> PolicyRow | None:
    """The living policy with this id, at its current revision."""
    row = connection.execute(f"{POLICIES} AND p.id = ?", (policy_id,)).fetchone()
    return PolicyRow(*row) if row else None


def definitions(connection: sqlite3.Connection, server_id: str) -> dict[str, DefinitionRow]:
    """The definitions of a server by tool name: the one in force, else the one that is withheld."""
    found: dict[str, DefinitionRow] = {}
    for name, fingerprint, definition, status, category in connection.execute(DEFINITIONS, (server_id,)):
        known = found.get(name)
        if known is None:
            accepted = category_of(category) if status == "current" else None
            found[name] = DefinitionRow(name, fingerprint, definition, status, category=accepted)
        elif status == "withheld":
            found[name] = replace(known, withheld=fingerprint)
    return found


def connections(connection: sqlite3.Connection) -> dict[str, tuple[ConnectionRow, ...]]:
    """All OAuth connections by the id of their server."""
    found: dict[str, tuple[ConnectionRow, ...]] = {}
    for row in map(_connection, connection.execute(CONNECTIONS)):
        found[row.server_id] = (*found.get(row.server_id, ()), row)
    return found


def connections_of(connection: sqlite3.Connection, server_id: str) -> tuple[ConnectionRow, ...] | None:
    """The OAuth connections of one server; None when it has none."""
    return tuple(map(_connection, connection.execute(f"{CONNECTIONS} WHERE server_id = ?", (server_id,)))) or None


def _connection(row: tuple[Any, ...]) -> ConnectionRow:
    return ConnectionRow(*row)


def _grant(row: tuple[Any, ...]) -> GrantRow:
    grant_id, organisation, label, principal, labels, server_id, policy_id, expires, digest, claims, stopped = row
    read = MappingProxyType(dict(json.loads(labels)))
    wanted = MappingProxyType(dict(json.loads(claims or "{}")))
    terms = (read, server_id, policy_id, expires, digest, wanted)
    return GrantRow(grant_id, organisation, label, principal, *terms, stopped)


def _server(connection: sqlite3.Connection, row: tuple[Any, ...]) -> ServerRow:
    headers = tuple(StoredHeader(*header) for header in connection.execute(HEADERS, (row[0],)))
    server_id, organisation, name, url, command, private, pin, *rest = row
    ca_file, certificate, key, proxy, revision, capture, stopped = rest
    return ServerRow(
        id=server_id,
        organisation=organisation,
        name=name,
        url=url,
        command=tuple(json.loads(command)) if command else (),
        allow_private=bool(private),
        pin=bool(pin),
        ca_file=ca_file,
        client_certificate=certificate,
        client_key=key,
        proxy=proxy,
        protocol_revision=revision,
        headers=headers,
        capture=capture,
        stopped=stopped,
    )
