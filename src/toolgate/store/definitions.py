"""Tool definitions of servers, every version that was seen, and which of them may be called.

A version is `current` (the one in force), `withheld` (seen on a pinned server, waiting for somebody to accept it) or
`gone` (replaced, or no longer listed). An accepted version that leaves may come back by itself; one that was replaced
is new again on a pinned server.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from toolgate.store import servers
from toolgate.store.database import AnyRow, Writing, reading, writing
from toolgate.store.errors import NotStored
from toolgate.store.names import shown
from toolgate.store.tables import definitions as table
from toolgate.store.tables import servers as server_table

KEPT_VERSIONS = 100
"""Versions of one tool that are kept: a server that changes its definitions at each listing must not fill the disk."""


@dataclass(slots=True, frozen=True)
class Seen:
    """One tool as a server lists it: fingerprint (hex SHA-256) and the JSON text of the definition."""

    name: str
    fingerprint: str
    definition: str


@dataclass(slots=True, frozen=True)
class Version:
    """One stored version of one tool."""

    name: str
    fingerprint: str
    definition: str
    first_seen: float
    last_seen: float
    accepted: float | None
    status: str


def saw(
    engine: Engine,
    actor: str,
    server: str,
    tools: Sequence[Seen],
    *,
    complete: bool = True,
    trusted: bool = False,
    protocol_revision: str | None = None,
) -> list[str]:
    """Store what a server (name or id) lists; returns the names whose standing changed.

    `complete`: tools that are not listed are gone (one page of several is not complete). `trusted`: the operator
    registers the server now, so that even a pinned server's tools are accepted. A sighting that changes nothing only
    moves `last_seen` and tells nobody.
    """
    with writing(engine, actor) as change:
        server_id = servers.find(change.connection, server).id
        row = change.connection.execute(sa.select(server_table).where(server_table.c.id == server_id)).one()
        accept = trusted or not row.pin
        # A name that is listed twice has one meaning here: the last.
        listed = {tool.name: tool for tool in tools}
        changed = [tool.name for tool in listed.values() if _saw_tool(change, server_id, tool, accept=accept)]
        if complete:
            changed += _leave(change, server_id, listed.keys())
        if protocol_revision is not None and protocol_revision != row.protocol_revision:
            values = {"protocol_revision": protocol_revision}
            change.connection.execute(server_table.update().where(server_table.c.id == server_id).values(values))
            change.note("negotiate", "server", server_id, {"protocol_revision": row.protocol_revision}, values)
        if changed:
            change.note("see", "definitions", server_id, after={"tools": sorted(set(changed))[:100]})
        return changed


def _saw_tool(change: Writing, server_id: str, tool: Seen, *, accept: bool) -> bool:
    versions = _versions(change.connection, server_id, tool.name)
    known = next((row for row in versions if row.fingerprint == tool.fingerprint), None)
    if known is None:
        version_id = _insert(change, server_id, tool)
    else:
        version_id = known.id
        _update(change.connection, version_id, last_seen=change.now)
    in_force = accept or (known is not None and known.accepted is not None)
    status = "current" if in_force else "withheld"
    # The one on offer replaces what was withheld; it also replaces what was current, unless it has to wait itself.
    replaced = [row for row in versions if row.id != version_id and _yields(row.status, in_force)]
    for row in replaced:
        _update(change.connection, row.id, status="gone", **({"accepted": None} if in_force else {}))
    if known is not None and known.status == status and not replaced:
        return False
    accepted = (known.accepted if known is not None else None) or change.now
    _update(change.connection, version_id, status=status, accepted=accepted if in_force else None)
    _forget_oldest(change.connection, versions)
    return True


def _yields(status: str, in_force: bool) -> bool:
    return status == "withheld" or (status == "current" and in_force)


def _versions(connection: Connection, server_id: str, name: str) -> Sequence[AnyRow]:
    columns = (table.c.id, table.c.fingerprint, table.c.accepted, table.c.status)
    which = (table.c.server_id == server_id, table.c.name == name)
    return connection.execute(sa.select(*columns).where(*which).order_by(table.c.last_seen)).all()


def _insert(change: Writing, server_id: str, tool: Seen) -> int:
    values = {"name": tool.name, "fingerprint": tool.fingerprint, "definition": tool.definition, "status": "gone"}
    times = {"first_seen": change.now, "last_seen": change.now}
    result = change.connection.execute(table.insert().values(server_id=server_id, **values, **times))
    assert result.inserted_primary_key is not None
    return int(result.inserted_primary_key[0])


def _update(connection: Connection, version_id: int, **values: object) -> None:
    connection.execute(table.update().where(table.c.id == version_id).values(**values))


def _forget_oldest(connection: Connection, versions: Sequence[AnyRow]) -> None:
    spare = [row.id for row in versions if row.status == "gone"][: max(0, len(versions) - KEPT_VERSIONS + 1)]
    if spare:
        connection.execute(table.delete().where(table.c.id.in_(spare)))


def _leave(change: Writing, server_id: str, listed: Collection[str]) -> list[str]:
    present = sa.select(table.c.id, table.c.name).where(table.c.server_id == server_id, table.c.status != "gone")
    left = [row for row in change.connection.execute(present) if row.name not in listed]
    for row in left:
        _update(change.connection, row.id, status="gone")
    return [row.name for row in left]


def accept(engine: Engine, actor: str, server: str, tools: Iterable[str]) -> list[str]:
    """Put the withheld versions of these tools in force; returns their names. Raises NotStored when one has none."""
    with writing(engine, actor) as change:
        server_id = servers.find(change.connection, server).id
        accepted = [_accept_tool(change, server_id, name) for name in tools]
        if accepted:
            change.note("accept", "definitions", server_id, after={"tools": sorted(accepted)})
        return accepted


def _accept_tool(change: Writing, server_id: str, name: str) -> str:
    versions = _versions(change.connection, server_id, name)
    waiting = next((row for row in versions if row.status == "withheld"), None)
    if waiting is None:
        cause = f"no version of `{shown(name)}` is withheld"
        raise NotStored("tool", cause, "`toolgate server tools` shows what is")
    for row in versions:
        if row.id != waiting.id:
            _update(change.connection, row.id, status="gone", accepted=None)
    _update(change.connection, waiting.id, status="current", accepted=change.now)
    return name


def of_server(engine: Engine, server: str, *, history: bool = False) -> list[Version]:
    """The versions in force or withheld, by tool name; with `history` also those that are gone. Raises NotStored."""
    with reading(engine) as connection:
        server_id = servers.find(connection, server).id
        which = sa.true() if history else table.c.status != "gone"
        query = sa.select(table).where(table.c.server_id == server_id, which)
        rows = connection.execute(query.order_by(table.c.name, table.c.first_seen))
        return [_version(row) for row in rows]


def _version(row: AnyRow) -> Version:
    seen = (row.first_seen, row.last_seen)
    return Version(row.name, row.fingerprint, row.definition, *seen, row.accepted, row.status)
