"""When servers and grants were last heard of: from tool definitions and from the index of the journal."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from toolgate.store.database import AnyRow, reading
from toolgate.store.tables import DEFAULT_ORGANISATION, definitions, records, servers, tallies

Health: TypeAlias = Literal["reachable", "unreachable", "no answer yet"]

ANSWERED: Final = frozenset({"result", "tool_error", "rpc_error"})
FAILED: Final = frozenset({"timeout", "unreachable", "lost"})
"""How forwarded calls end, as far as that says something of the server."""

LOOKED_AT: Final = 2000
"""Newest decisions that are looked at for how servers answered: there is no index by server, on purpose."""

RECENT: Final = 48
"""Hours that are looked through for the use of grants: there may be a count for each grant and hour."""

HOUR: Final = 3600.0


@dataclass(slots=True, frozen=True)
class Standing:
    """How a server stands. `at` is when that was seen (epoch seconds); `withheld` tools wait for somebody."""

    health: Health
    at: float | None
    withheld: int


def of_servers(
    engine: Engine, *, organisation: str = DEFAULT_ORGANISATION, server: str | None = None
) -> dict[str, Standing]:
    """The standing of all living servers by id, or of the one with the id `server`; in three queries."""
    living = [servers.c.organisation_id == organisation, servers.c.removed.is_(None)]
    if server is not None:
        living.append(servers.c.id == server)
    with reading(engine) as connection:
        ids = connection.scalars(sa.select(servers.c.id).where(*living)).all()
        listed = _listings(connection, living)
        called = _calls(connection, organisation)
    return {id_: _standing(listed.get(id_), called.get(id_)) for id_ in ids}


def grants_used(
    engine: Engine, now: float, among: Collection[str], *, organisation: str = DEFAULT_ORGANISATION
) -> dict[str, float]:
    """In which hour each of these grants was last used, if at most `RECENT` hours ago: its beginning, by id."""
    query = (
        sa.select(tallies.c.name, sa.func.max(tallies.c.hour).label("hour"))
        .where(tallies.c.organisation_id == organisation, tallies.c.kind == "grant")
        .where(tallies.c.hour >= int(now // HOUR) - RECENT, tallies.c.name.in_(among))
        .group_by(tallies.c.name)
    )
    with reading(engine) as connection:
        return {row.name: row.hour * HOUR for row in connection.execute(query)}


def _listings(connection: Connection, living: list[sa.ColumnElement[bool]]) -> dict[str, AnyRow]:
    """When each server last listed a tool, and how many of its tools are withheld."""
    columns = (
        definitions.c.server_id,
        sa.func.max(definitions.c.last_seen).label("seen"),
        sa.func.sum(sa.case((definitions.c.status == "withheld", 1), else_=0)).label("withheld"),
    )
    ids = sa.select(servers.c.id).where(*living)
    query = sa.select(*columns).where(definitions.c.server_id.in_(ids)).group_by(definitions.c.server_id)
    return {row.server_id: row for row in connection.execute(query)}


def _calls(connection: Connection, organisation: str) -> dict[str, tuple[float, bool]]:
    """When a call of each server last ended, and whether with an answer."""
    columns = (records.c.time, records.c.server_id, records.c.result, records.c.organisation_id)
    newest = sa.select(*columns).order_by(records.c.id.desc()).limit(LOOKED_AT).subquery()
    telling = newest.c.result.in_(ANSWERED | FAILED)
    # SQLite takes the other columns from the row that holds the maximum (its documentation of SELECT, section 2.5).
    last = (newest.c.server_id, newest.c.result, sa.func.max(newest.c.time).label("time"))
    query = sa.select(*last).where(newest.c.organisation_id == organisation, telling).group_by(newest.c.server_id)
    return {row.server_id: (row.time, row.result in ANSWERED) for row in connection.execute(query)}


def _standing(listed: AnyRow | None, called: tuple[float, bool] | None) -> Standing:
    """What was seen last counts."""
    withheld = 0 if listed is None else listed.withheld
    if called is not None and (listed is None or called[0] >= listed.seen):
        return Standing("reachable" if called[1] else "unreachable", called[0], withheld)
    return Standing("no answer yet", None, 0) if listed is None else Standing("reachable", listed.seen, withheld)
