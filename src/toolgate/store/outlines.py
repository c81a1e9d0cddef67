"""The tools of a server without their definitions, which may be megabytes: what lists are made of."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from toolgate.store.database import reading
from toolgate.store.judging import Judgement, judgement_of
from toolgate.store.tables import definitions as table

_AT_ONCE = 500
"""Definitions that one statement asks for."""


@dataclass(slots=True, frozen=True)
class Outline:
    """A version of a tool that is in force or withheld; times in epoch seconds."""

    name: str
    fingerprint: str
    status: str
    first_seen: float
    last_seen: float
    judgement: Judgement


def outlines(engine: Engine, server_id: str) -> list[Outline]:
    """The versions in force or withheld, by tool name."""
    columns = (table.c.name, table.c.fingerprint, table.c.status, table.c.first_seen, table.c.last_seen)
    judged = (table.c.category, table.c.judged_by)
    which = (table.c.server_id == server_id, table.c.status != "gone")
    with reading(engine) as connection:
        rows = connection.execute(sa.select(*columns, *judged).where(*which).order_by(table.c.name, table.c.first_seen))
        return [Outline(*row[:5], judgement_of(row)) for row in rows]


def texts(engine: Engine, server_id: str, fingerprints: Collection[str]) -> dict[str, str]:
    """The JSON texts of these versions by fingerprint."""
    wanted, found = list(fingerprints), dict[str, str]()
    with reading(engine) as connection:
        for start in range(0, len(wanted), _AT_ONCE):
            some = table.c.fingerprint.in_(wanted[start : start + _AT_ONCE])
            query = sa.select(table.c.fingerprint, table.c.definition).where(table.c.server_id == server_id, some)
            found |= {row.fingerprint: row.definition for row in connection.execute(query)}
    return found
