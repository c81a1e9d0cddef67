"""Tool definitions of servers, every version that was seen, and which of them may be called.

A version is `current` (the one in force), `withheld` (seen on a pinned server, waiting for somebody to accept it) or
`gone` (replaced, or no longer listed). An accepted version that leaves may come back by itself; one that was replaced
is new again on a pinned server. Each version is stored with the category that it is taken for (`store.judging`), which
is accepted with it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from toolgate.policy.categories import Category
from toolgate.policy.definition import Definition
from toolgate.store import servers
from toolgate.store.database import AnyRow, Writing, reading, writing
from toolgate.store.errors import Conflict, NotStored
from toolgate.store.judging import NOBODY, Judgement, columns_of, judged, judgement_of, siblings, standing, unjudged
from toolgate.store.names import shown
from toolgate.store.tables import DEFAULT_ORGANISATION
from toolgate.store.tables import definitions as table
from toolgate.store.tables import servers as server_table

KEPT_VERSIONS = 100
"""Versions of one tool that are kept: a server that changes its definitions at each listing must not fill the disk."""

NAMED = 100
"""Tools that one administrative event names."""


@dataclass(slots=True, frozen=True)
class Seen:
    """One tool as a server lists it: fingerprint (hex SHA-256) and the JSON text of the definition."""

    name: str
    fingerprint: str
    definition: str


def seen_of(text: bytes) -> Seen:
    """A definition, as JSON text, as it is stored."""
    definition = Definition(msgspec.json.decode(text))
    return Seen(definition.name, definition.fingerprint, text.decode())


@dataclass(slots=True, frozen=True)
class Version:
    """One stored version of one tool. `category` is None while nobody has judged it; `judged_by` says who did."""

    name: str
    fingerprint: str
    definition: str
    first_seen: float
    last_seen: float
    accepted: float | None
    status: str
    category: Category | None
    judged_by: str


def saw(
    engine: Engine,
    actor: str,
    server: str,
    tools: Sequence[Seen],
    *,
    complete: bool = True,
    trusted: bool = False,
    protocol_revision: str | None = None,
    organisation: str | None = DEFAULT_ORGANISATION,
) -> list[str]:
    """Store what a server (name or id) lists; returns the names whose standing changed.

    `complete`: tools that are not listed are gone (one page of several is not complete). `trusted`: the operator
    registers the server now, so that even a pinned server's tools are accepted. A sighting that changes nothing only
    moves `last_seen` and tells nobody. What is new is judged before the transaction begins. Without an `organisation`
    it is that of the server, named by its id: the gateway tells what it saw for all of them. Raises NotStored.
    """
    # A name that is listed twice has one meaning here: the last.
    listed = {tool.name: tool for tool in tools}
    verdicts = _judged(engine, server, listed, complete, organisation)
    with writing(engine, actor, organisation or DEFAULT_ORGANISATION) as change:
        if organisation is None:
            change.organisation = _owner(change.connection, server)
        server_id = servers.find(change.connection, server, organisation=change.organisation).id
        row = change.connection.execute(sa.select(server_table).where(server_table.c.id == server_id)).one()
        accept = trusted or not row.pin
        known = _versions(change.connection, server_id)
        changed = [
            name
            for name, tool in listed.items()
            if _settle(change, server_id, tool, known.get(name, []), accept, verdicts.get(name, NOBODY))
        ]
        _touch(change, server_id, listed.values())
        if complete:
            changed += _leave(change, known, listed.keys())
        if protocol_revision is not None and protocol_revision != row.protocol_revision:
            _negotiate(change, server_id, row.protocol_revision, protocol_revision)
        if changed:
            change.note("see", "definitions", server_id, after={"tools": sorted(changed)[:NAMED]})
        return changed


def _judged(
    engine: Engine, server: str, listed: Mapping[str, Seen], complete: bool, organisation: str | None
) -> dict[str, Judgement]:
    """What the lexicon says of the tools with no stored judgement, by name; usually there is none."""
    with reading(engine) as connection:
        found = servers.find(connection, server, organisation=organisation or _owner(connection, server))
        versions = {name: tool.fingerprint for name, tool in listed.items()}
        new = unjudged(connection, found.id, versions)
        others = siblings(connection, found.id, listed) if new and not complete else {}
    return judged({**others, **{name: tool.definition for name, tool in listed.items()}}, found.name, new)


def _owner(connection: Connection, server_id: str) -> str:
    query = sa.select(server_table.c.organisation_id).where(server_table.c.id == server_id)
    return connection.scalar(query) or DEFAULT_ORGANISATION


def _negotiate(change: Writing, server_id: str, before: str | None, revision: str) -> None:
    values = {"protocol_revision": revision}
    change.connection.execute(server_table.update().where(server_table.c.id == server_id).values(values))
    change.note("negotiate", "server", server_id, {"protocol_revision": before}, values)


def _settle(
    change: Writing, server_id: str, tool: Seen, versions: Sequence[AnyRow], accept: bool, offered: Judgement
) -> bool:
    """Give the version on offer its standing beside the known ones; whether anything changed."""
    known = next((row for row in versions if row.fingerprint == tool.fingerprint), None)
    accepted = change.now if accept else None
    if known is not None and known.accepted is not None:
        accepted = known.accepted
    status = "withheld" if accepted is None else "current"
    # It replaces what was withheld, and what was accepted unless it has to wait itself.
    replaced = [row for row in versions if row is not known and _yields(row, accepted is not None)]
    taken = standing(known, offered, versions, in_force=accepted is not None)
    if known is not None and (known.status, judgement_of(known)) == (status, taken) and not replaced:
        return False
    for row in replaced:
        _update(change.connection, row.id, status="gone", accepted=None)
    if known is None:
        _insert(change, server_id, tool, status, accepted, taken)
    else:
        _update(change.connection, known.id, status=status, accepted=accepted, **columns_of(taken))
    _forget_oldest(change.connection, versions)
    return True


def _yields(row: AnyRow, in_force: bool) -> bool:
    return bool(row.status == "withheld" or (in_force and row.accepted is not None))


def _versions(connection: Connection, server_id: str) -> dict[str, list[AnyRow]]:
    """All versions of all tools of a server by name, the one that was seen longest ago first."""
    standing_columns = (table.c.accepted, table.c.status, table.c.category, table.c.judged_by)
    columns = (table.c.id, table.c.name, table.c.fingerprint, *standing_columns)
    found: dict[str, list[AnyRow]] = {}
    query = sa.select(*columns).where(table.c.server_id == server_id).order_by(table.c.last_seen, table.c.id)
    for row in connection.execute(query):
        found.setdefault(row.name, []).append(row)
    return found


def _insert(change: Writing, server_id: str, tool: Seen, status: str, accepted: float | None, taken: Judgement) -> None:
    values = {"name": tool.name, "fingerprint": tool.fingerprint, "definition": tool.definition}
    times = {"status": status, "accepted": accepted, "first_seen": change.now, "last_seen": change.now}
    change.connection.execute(table.insert().values(server_id=server_id, **values, **times, **columns_of(taken)))


def _touch(change: Writing, server_id: str, tools: Collection[Seen]) -> None:
    version = (table.c.name == sa.bindparam("seen_name"), table.c.fingerprint == sa.bindparam("seen_fingerprint"))
    update = table.update().where(table.c.server_id == server_id, *version).values(last_seen=change.now)
    rows = [{"seen_name": tool.name, "seen_fingerprint": tool.fingerprint} for tool in tools]
    if rows:
        change.connection.execute(update, rows)


def _update(connection: Connection, version_id: int, **values: object) -> None:
    connection.execute(table.update().where(table.c.id == version_id).values(**values))


def _forget_oldest(connection: Connection, versions: Sequence[AnyRow]) -> None:
    # The accepted one stays: what a tool is taken for hangs on it.
    spare = [row.id for row in versions if row.status == "gone" and row.accepted is None][
        : max(0, len(versions) - KEPT_VERSIONS + 1)
    ]
    if spare:
        connection.execute(table.delete().where(table.c.id.in_(spare)))


def _leave(change: Writing, known: Mapping[str, Sequence[AnyRow]], listed: Collection[str]) -> list[str]:
    present = [row for rows in known.values() for row in rows if row.status != "gone"]
    left = [row for row in present if row.name not in listed]
    for row in left:
        _update(change.connection, row.id, status="gone")
    return sorted({row.name for row in left})


def accept(
    engine: Engine, actor: str, server: str, tools: Iterable[str], *, organisation: str = DEFAULT_ORGANISATION
) -> list[str]:
    """Put the withheld versions of these tools in force; returns their names. Raises NotStored when one has none."""
    with writing(engine, actor, organisation) as change:
        server_id = servers.find(change.connection, server, organisation=organisation).id
        known = _versions(change.connection, server_id)
        accepted = [_accept_tool(change, name, known.get(name, [])) for name in tools]
        if accepted:
            change.note("accept", "definitions", server_id, after={"tools": sorted(accepted)})
        return accepted


def accept_shown(
    engine: Engine, actor: str, server: str, fingerprints: Iterable[str], *, organisation: str = DEFAULT_ORGANISATION
) -> list[str]:
    """Put exactly these withheld versions in force, as somebody saw them; returns the names of their tools.

    Raises Conflict when one of them is withheld no more: the server may have offered another meanwhile.
    """
    with writing(engine, actor, organisation) as change:
        server_id = servers.find(change.connection, server, organisation=organisation).id
        known = _versions(change.connection, server_id)
        waiting = {row.fingerprint: row.name for rows in known.values() for row in rows if row.status == "withheld"}
        chosen = set(fingerprints)
        if not chosen <= waiting.keys():
            raise Conflict("tool", "what was shown waits no more", "look at the changes again: there may be newer ones")
        accepted = [_accept_tool(change, waiting[one], known[waiting[one]]) for one in chosen]
        if accepted:
            change.note("accept", "definitions", server_id, after={"tools": sorted(accepted)})
        return sorted(accepted)


def _accept_tool(change: Writing, name: str, versions: Sequence[AnyRow]) -> str:
    waiting = next((row for row in versions if row.status == "withheld"), None)
    if waiting is None:
        cause = f"no version of `{shown(name)}` is withheld"
        raise NotStored("tool", cause, "`toolgate server tools` shows what is")
    for row in versions:
        if row.id != waiting.id:
            _update(change.connection, row.id, status="gone", accepted=None)
    _update(change.connection, waiting.id, status="current", accepted=change.now)
    return name


def of_server(
    engine: Engine,
    server: str,
    *,
    history: bool = False,
    tool: str = "",
    organisation: str = DEFAULT_ORGANISATION,
    after: tuple[str, float, str] | None = None,
    limit: int | None = None,
) -> list[Version]:
    """The versions in force or withheld, by tool name; with `history` also those that are gone. Raises NotStored.

    `tool`: of this one alone. `after` is (name, first_seen, fingerprint) of a version: those that follow, at most
    `limit`.
    """
    with reading(engine) as connection:
        server_id = servers.find(connection, server, organisation=organisation).id
        which = [table.c.server_id == server_id]
        if not history:
            which.append(table.c.status != "gone")
        if tool:
            which.append(table.c.name == tool)
        order = (table.c.name, table.c.first_seen, table.c.fingerprint)
        if after is not None:
            which.append(sa.tuple_(*order) > after)
        rows = connection.execute(sa.select(table).where(*which).order_by(*order).limit(limit))
        return [_version(row) for row in rows]


def _version(row: AnyRow) -> Version:
    seen = (row.first_seen, row.last_seen)
    judgement = judgement_of(row)
    taken = (judgement.category, judgement.by)
    return Version(row.name, row.fingerprint, row.definition, *seen, row.accepted, row.status, *taken)
