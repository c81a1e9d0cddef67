"""The gateway's memory of the database: everything a decision needs, read once and kept by deltas.

Plain sqlite3, read-only, never on the path of a call. The database itself is opened and migrated elsewhere; this module
loads neither SQLAlchemy nor alembic.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from toolgate.store import rows
from toolgate.store.directory import database_file
from toolgate.store.errors import StoreError
from toolgate.store.rows import Change, ConnectionRow, DefinitionRow, GrantRow, PolicyRow, ServerRow

__all__ = ["Change", "ConnectionRow", "DefinitionRow", "GrantRow", "PolicyRow", "ServerRow", "View"]

NEVER = float("-inf")
BEYOND = 2**62
"""A number beyond every change: the file was exchanged, read all of it anew."""

Row = TypeVar("Row")
NO_DEFINITIONS: Mapping[str, DefinitionRow] = MappingProxyType({})


class View:
    """What the database said when it was last read. Use from one thread.

    `confirmed_at` is the moment (of `clock`, monotonic seconds) at which the view last was the database's own state:
    a caller that must not act on an older one compares it with its clock. `failure` says why the last refresh failed.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self.confirmed_at = NEVER
        self.failure = ""
        self.seq = 0
        self._path = path
        self._clock = clock
        self._connection: sqlite3.Connection | None = None
        self._inode = (0, 0)
        self._grants: dict[str, GrantRow] = {}
        self._digests: dict[bytes, GrantRow] = {}
        self._servers: dict[str, ServerRow] = {}
        self._policies: dict[str, PolicyRow] = {}
        self._definitions: dict[str, dict[str, DefinitionRow]] = {}
        self._connections: dict[str, tuple[ConnectionRow, ...]] = {}

    @classmethod
    def open(cls, data: Path, clock: Callable[[], float] = time.monotonic) -> View:
        """Load everything. Raises StoreError when the database cannot be read (it must exist, migrated)."""
        view = cls(database_file(data), clock)
        view.refresh()
        if view.failure:
            raise StoreError(str(view._path), f"cannot be read: {view.failure}", "check the data directory")
        return view

    def grant(self, digest: bytes) -> GrantRow | None:
        """The living grant whose token has this SHA-256 digest."""
        return self._digests.get(digest)

    def grant_by_id(self, grant_id: str) -> GrantRow | None:
        """The living grant with this id; None once it is revoked."""
        return self._grants.get(grant_id)

    def claimed(self, server_id: str) -> list[GrantRow]:
        """The living grants of a server that are for access tokens with certain claims."""
        return [grant for grant in self._grants.values() if grant.claims and grant.server_id == server_id]

    def server(self, server_id: str) -> ServerRow | None:
        """The living server with this id."""
        return self._servers.get(server_id)

    def servers(self) -> list[ServerRow]:
        """All living servers."""
        return list(self._servers.values())

    def policy(self, policy_id: str) -> PolicyRow | None:
        """The policy with this id, at its current revision."""
        return self._policies.get(policy_id)

    def definitions(self, server_id: str) -> Mapping[str, DefinitionRow]:
        """The definitions of a server by tool name; empty when none is known. Another refresh makes another mapping."""
        return self._definitions.get(server_id, NO_DEFINITIONS)

    def connections(self, server_id: str) -> tuple[ConnectionRow, ...]:
        """The OAuth connections of a server and of its grants."""
        return self._connections.get(server_id, ())

    def refresh(self) -> list[Change]:
        """Bring the view up to date; returns what changed since the last time (on the first load: nothing).

        Never waits for a lock and never raises: when the database cannot be read the view stays whole as it was,
        `failure` says why and `confirmed_at` stays old. A database file that was exchanged is read anew from its
        beginning, and every row of the old and of the new one is then reported.
        """
        began = self._clock()
        try:
            changed = self._read()
        except (sqlite3.Error, OSError, ValueError, TypeError) as error:
            self.failure = str(error)
            self._forget_connection()
            return []
        self.failure = ""
        self.confirmed_at = began
        return changed

    def close(self) -> None:
        """Release the database."""
        self._forget_connection()

    def _read(self) -> list[Change]:
        connection = self._connected()
        connection.execute("BEGIN")
        try:
            newest = rows.newest(connection)
            if self.confirmed_at == NEVER:
                self._load(connection, newest)
                return []
            if newest < self.seq:
                return self._reload(connection, newest)
            return self._follow(connection) if newest > self.seq else []
        finally:
            connection.execute("ROLLBACK")

    def _connected(self) -> sqlite3.Connection:
        """The open connection, made anew when the file at the path is not the one that was opened."""
        status = os.stat(self._path)
        inode = (status.st_dev, status.st_ino)
        if self._connection is None or inode != self._inode:
            exchanged = self._inode not in ((0, 0), inode)
            self._forget_connection()
            uri = f"{self._path.absolute().as_uri()}?mode=ro"
            self._connection = sqlite3.connect(uri, uri=True, timeout=0, isolation_level=None)
            self._inode = inode
            if exchanged:
                self.seq = BEYOND
        return self._connection

    def _forget_connection(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _load(self, connection: sqlite3.Connection, newest: int) -> None:
        """Everything is read before anything is replaced, here and below: a row that cannot be read changes nothing."""
        grants = {row.id: row for row in rows.grants(connection)}
        servers = {row.id: row for row in rows.servers(connection)}
        policies = {row.id: row for row in rows.policies(connection)}
        connections = rows.connections(connection)
        self._definitions = {server_id: rows.definitions(connection, server_id) for server_id in servers}
        self._connections = connections
        self._grants, self._servers, self._policies = grants, servers, policies
        self._digests = {row.digest: row for row in grants.values()}
        self.seq = newest

    def _reload(self, connection: sqlite3.Connection, newest: int) -> list[Change]:
        before = self._present()
        self._load(connection, newest)
        return [Change(newest, kind, row_id) for kind, row_id in sorted(before | self._present())]

    def _present(self) -> set[tuple[str, str]]:
        present = {("grant", row_id) for row_id in self._grants} | {("policy", row_id) for row_id in self._policies}
        return present | {
            (kind, row_id) for row_id in self._servers for kind in ("server", "definitions", "credential")
        }

    def _follow(self, connection: sqlite3.Connection) -> list[Change]:
        changed = rows.changes_after(connection, self.seq)
        for apply in [self._prepare(connection, change) for change in changed]:
            apply()
        self.seq = changed[-1].seq
        return changed

    def _prepare(self, connection: sqlite3.Connection, change: Change) -> Callable[[], None]:
        """Read what the change is about; the returned function puts it into the view."""
        if change.kind == "grant":
            return partial(self._put_grant, change.id, rows.grant(connection, change.id))
        if change.kind == "policy":
            return partial(_put, self._policies, change.id, rows.policy(connection, change.id))
        if change.kind == "server":
            return partial(self._put_server, change.id, rows.server(connection, change.id))
        if change.kind == "definitions":
            return partial(_put, self._definitions, change.id, rows.definitions(connection, change.id))
        if change.kind == "credential":
            return partial(_put, self._connections, change.id, rows.connections_of(connection, change.id))
        raise ValueError(f"a change of unknown kind `{change.kind}`: the database is of a newer version")

    def _put_server(self, key: str, server: ServerRow | None) -> None:
        _put(self._servers, key, server)
        if server is None:
            self._definitions.pop(key, None)
            self._connections.pop(key, None)

    def _put_grant(self, key: str, grant: GrantRow | None) -> None:
        known = self._grants.get(key)
        if known is not None:
            self._digests.pop(known.digest, None)
        if grant is not None:
            self._digests[grant.digest] = grant
        _put(self._grants, key, grant)


def _put(table: dict[str, Row], key: str, row: Row | None) -> None:
    if row is None:
        table.pop(key, None)
    else:
        table[key] = row
