"""Renewing connections: which are due, one process at a time for each, and what came of it.

A refresh token that is used up by its first use must never be used twice: whoever renews a connection holds its lease,
and every write names the generation that it read.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from toolgate.keys import Sealer
from toolgate.store.database import Writing, reading, writing
from toolgate.store.oauth import KIND, Granted, fresh
from toolgate.store.tables import changes, grants, oauth_attempts, oauth_tokens, servers

ACTOR: Final = "control"
LEASE: Final = 120.0
"""Seconds for one renewal; whoever takes longer has lost the right to it."""
_OURS: Final = oauth_tokens.c


@dataclass(slots=True, frozen=True)
class Due:
    """A connection to renew. `refreshed` (epoch seconds) is when its tokens were given."""

    server_id: str
    grant_id: str
    organisation: str
    generation: int
    scope: str
    refreshed: float


def due(engine: Engine, now: float) -> list[Due]:
    """The connections whose time has come and that nobody renews now, the most urgent first."""
    free = sa.or_(_OURS.lease_until.is_(None), _OURS.lease_until <= now)
    query = (
        sa.select(_OURS.server_id, _OURS.grant_id, servers.c.organisation_id, _OURS.generation, _OURS.scope)
        .add_columns(_OURS.refreshed)
        .join(servers, servers.c.id == _OURS.server_id)
        .where(_OURS.status == "connected", _OURS.refresh_at <= now, free)
        .order_by(_OURS.refresh_at)
    )
    with reading(engine) as database:
        return [Due(*row) for row in database.execute(query).all()]


def lease(engine: Engine, connection: Due, holder: str) -> bool:
    """Take a connection to renew it; False where another process was first, or it was renewed meanwhile."""
    with writing(engine, ACTOR, connection.organisation) as change:
        free = sa.or_(_OURS.lease_until.is_(None), _OURS.lease_until <= change.now)
        values = {"lease_until": change.now + LEASE, "lease_by": holder}
        return change.connection.execute(_update(connection).where(free).values(values)).rowcount == 1


def renewed(engine: Engine, connection: Due, holder: str, granted: Granted, sealer: Sealer) -> bool:
    """Store the new tokens; the gateways read them at their next turn. False where the connection is another by now."""
    with writing(engine, ACTOR, connection.organisation) as change:
        values = fresh(connection.server_id, connection.grant_id, granted, sealer, change.now)
        mine = _update(connection).where(_OURS.lease_by == holder)
        stored = change.connection.execute(mine.values({**values, "generation": connection.generation + 1})).rowcount
        if stored:
            change.connection.execute(changes.insert().values(kind=KIND, id=connection.server_id))
        return stored == 1


def put_off(engine: Engine, connection: Due, holder: str, until: float, reason: str) -> None:
    """Give the lease back after a failure that may pass, to try again `until`."""
    values = {"lease_until": None, "lease_by": "", "refresh_at": until, "error": reason}
    with writing(engine, ACTOR, connection.organisation) as change:
        change.connection.execute(_update(connection).where(_OURS.lease_by == holder).values(values))


def expire(engine: Engine, connection: Due, holder: str, reason: str) -> None:
    """A failure that only a person mends: the connection stays as it is, and says so to administrators."""
    values = {"status": "expired", "error": reason, "lease_until": None, "lease_by": "", "refresh_at": None}
    with writing(engine, ACTOR, connection.organisation) as change:
        if change.connection.execute(_update(connection).where(_OURS.lease_by == holder).values(values)).rowcount:
            grant = {"grant": connection.grant_id} if connection.grant_id else {}
            change.event("expire", KIND, connection.server_id, after={"because": reason, **grant})


def hurry(engine: Engine, server_id: str, grant_id: str, generation: int, rest: float) -> bool:
    """Make a connection due now, because its server refused its token.

    Not where the token is younger than `rest` seconds, nor where a renewal failed already and is tried again anyway.
    """
    which = (_OURS.server_id == server_id, _OURS.grant_id == grant_id, _OURS.generation == generation)
    with writing(engine, ACTOR) as change:
        fit = (*which, _OURS.status == "connected", _OURS.refreshed <= change.now - rest, _OURS.error == "")
        later = sa.or_(_OURS.refresh_at.is_(None), _OURS.refresh_at > change.now)
        update = oauth_tokens.update().where(*fit, later).values(refresh_at=change.now)
        return change.connection.execute(update).rowcount == 1


def organisation_of(engine: Engine, server_id: str) -> str:
    """Whose server it is; "" where there is none."""
    with reading(engine) as database:
        return database.scalar(sa.select(servers.c.organisation_id).where(servers.c.id == server_id)) or ""


def sweep(engine: Engine) -> None:
    """Delete the connections of grants that are revoked and of servers that are removed, and flows that are over."""
    dead = sa.or_(
        _OURS.server_id.in_(sa.select(servers.c.id).where(servers.c.removed.is_not(None))),
        _OURS.grant_id.in_(sa.select(grants.c.id).where(grants.c.revoked.is_not(None))),
    )
    over = oauth_attempts.c.expires <= time.time()
    with reading(engine) as database:
        found = {row.server_id for row in database.execute(sa.select(_OURS.server_id).where(dead)).all()}
        flows = database.execute(sa.select(oauth_attempts.c.digest).where(over).limit(1)).first() is not None
    if found or flows:
        with writing(engine, ACTOR) as change:
            change.connection.execute(oauth_attempts.delete().where(over))
            _delete(change, dead, found)


def _delete(change: Writing, dead: sa.ColumnElement[bool], found: set[str]) -> None:
    if found:
        change.connection.execute(oauth_tokens.delete().where(dead))
        change.connection.execute(changes.insert(), [{"kind": KIND, "id": server_id} for server_id in sorted(found)])


def _update(connection: Due) -> sa.Update:
    """The row that was read, unless it changed since."""
    where = (
        _OURS.server_id == connection.server_id,
        _OURS.grant_id == connection.grant_id,
        _OURS.generation == connection.generation,
    )
    return oauth_tokens.update().where(*where)
