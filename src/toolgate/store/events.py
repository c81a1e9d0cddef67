"""Admin events: who changed what, and when. They are written with the change itself (`store.database.Writing`)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from toolgate.store.database import AnyRow, reading
from toolgate.store.tables import DEFAULT_ORGANISATION
from toolgate.store.tables import admin_events as table


@dataclass(slots=True, frozen=True)
class AdminEvent:
    """One change. `target` is the id of what was changed, a `kind` of row; `before` and `after` hold no secret."""

    id: int
    time: float
    actor: str
    action: str
    kind: str
    target: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


@dataclass(slots=True, frozen=True)
class EventFilter:
    """Which events to list; what is empty does not restrict. `since` and `until` in epoch seconds, `until` excluded."""

    actor: str = ""
    action: str = ""
    kind: str = ""
    target: str = ""
    since: float = 0.0
    until: float | None = None


def newest(
    engine: Engine,
    wanted: EventFilter = EventFilter(),
    *,
    organisation: str = DEFAULT_ORGANISATION,
    before: int | None = None,
    limit: int = 50,
) -> list[AdminEvent]:
    """The newest events first, at most `limit`; with `before` only those with a smaller id."""
    which = [table.c.organisation_id == organisation, *_where(wanted)]
    if before is not None:
        which.append(table.c.id < before)
    with reading(engine) as connection:
        rows = connection.execute(sa.select(table).where(*which).order_by(table.c.id.desc()).limit(limit))
        return [_event(row) for row in rows]


def _where(wanted: EventFilter) -> list[sa.ColumnElement[bool]]:
    named = {"actor": wanted.actor, "action": wanted.action, "kind": wanted.kind, "target": wanted.target}
    which = [table.c[column] == value for column, value in named.items() if value]
    if wanted.since:
        which.append(table.c.time >= wanted.since)
    if wanted.until is not None:
        which.append(table.c.time < wanted.until)
    return which


def _event(row: AnyRow) -> AdminEvent:
    told = (_read(row.before), _read(row.after))
    return AdminEvent(row.id, row.time, row.actor, row.action, row.kind, row.target, *told)


def _read(text: str | None) -> dict[str, Any] | None:
    return None if text is None else json.loads(text)
