"""Which servers somebody names, of those whose waiting calls may be decided on."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from toolgate.store.errors import BadInput
from toolgate.store.names import shown
from toolgate.store.roles import EVERY, Approves
from toolgate.store.tables import servers


def chosen(connection: Connection, place: str, servers_named: Iterable[str], organisation: str) -> Approves:
    """The servers named by id or name, or `*` alone for every one. Raises BadInput for one that is not there."""
    named = set(servers_named)
    if EVERY in named:
        return None
    rows = connection.execute(
        sa.select(servers.c.id, servers.c.name).where(
            servers.c.organisation_id == organisation,
            servers.c.removed.is_(None),
            sa.or_(servers.c.id.in_(named), servers.c.name.in_(named)),
        )
    ).all()
    if missing := named - {row.id for row in rows} - {row.name for row in rows}:
        raise BadInput(place, f"there is no server `{shown(min(missing))}`", "`toolgate server list` shows all")
    return frozenset(row.id for row in rows)
