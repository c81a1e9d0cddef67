"""What people call the things that records name by id, also those that were removed since."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from toolgate.store.database import reading
from toolgate.store.tables import grants, policies, policy_revisions, servers

_AT_ONCE: Final = 500


def server_names(engine: Engine, organisation: str, ids: Collection[str]) -> dict[str, str]:
    """The names of these servers of the organisation."""
    return _found(engine, servers, servers.c.name, organisation, ids)


def living_servers(engine: Engine, organisation: str) -> list[tuple[str, str]]:
    """Id and name of every server that there is, by name."""
    living = (servers.c.organisation_id == organisation, servers.c.removed.is_(None))
    with reading(engine) as connection:
        rows = connection.execute(sa.select(servers.c.id, servers.c.name).where(*living).order_by(servers.c.name))
        return [(row.id, row.name) for row in rows]


def grant_labels(engine: Engine, organisation: str, ids: Collection[str]) -> dict[str, str]:
    """The labels of these grants of the organisation."""
    return _found(engine, grants, grants.c.label, organisation, ids)


def policy_names(engine: Engine, organisation: str, ids: Collection[str]) -> dict[str, str]:
    """The names of these policies of the organisation."""
    return _found(engine, policies, policies.c.name, organisation, ids)


def document_at(engine: Engine, organisation: str, policy_id: str, revision: int) -> str | None:
    """A policy's document as it was at a revision; None where the organisation has no such policy or revision."""
    table = policy_revisions
    own = sa.select(policies.c.id).where(policies.c.id == policy_id, policies.c.organisation_id == organisation)
    query = sa.select(table.c.document).where(table.c.policy_id.in_(own), table.c.revision == revision)
    with reading(engine) as connection:
        return connection.scalar(query)


def _found(
    engine: Engine, table: sa.Table, name: sa.Column[str], organisation: str, ids: Collection[str]
) -> dict[str, str]:
    wanted = [id_ for id_ in dict.fromkeys(ids) if id_]
    found: dict[str, str] = {}
    with reading(engine) as connection:
        for start in range(0, len(wanted), _AT_ONCE):
            some = table.c.id.in_(wanted[start : start + _AT_ONCE])
            rows = connection.execute(sa.select(table.c.id, name).where(some, table.c.organisation_id == organisation))
            found.update((row[0], row[1]) for row in rows)
    return found
