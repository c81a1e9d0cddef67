"""Code flows under way: found by the digest of their `state`, taken once, by the member who began them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Final

import sqlalchemy as sa

from toolgate.store.database import Writing
from toolgate.store.tables import oauth_attempts as table

LIFE: Final = 600.0
"""Seconds that a member has to come back from the authorization server."""
_AT_MOST: Final = 20
"""Flows that one member may have open; the oldest make room."""


@dataclass(slots=True, frozen=True)
class Attempt:
    """A flow that a member began; `sealed` is the flow's own affair."""

    server_id: str
    grant_id: str
    sealed: bytes = field(repr=False)


def digest_of(state: str) -> bytes:
    """The digest under which a flow is found: of 256 random bits."""
    return hashlib.sha256(state.encode("utf-8", "surrogatepass")).digest()


def begin(change: Writing, state: str, member_id: str, attempt: Attempt) -> None:
    """Keep a flow for ten minutes; flows whose time is over go."""
    old = (
        sa.select(table.c.digest)
        .where(table.c.member_id == member_id)
        .order_by(table.c.created.desc())
        .offset(_AT_MOST - 1)
    )
    dead = sa.or_(table.c.expires <= change.now, table.c.digest.in_(old))
    change.connection.execute(table.delete().where(dead))
    values = {
        "digest": digest_of(state),
        "server_id": attempt.server_id,
        "grant_id": attempt.grant_id,
        "member_id": member_id,
        "sealed": attempt.sealed,
        "created": change.now,
        "expires": change.now + LIFE,
    }
    change.connection.execute(table.insert().values(values))


def take(change: Writing, state: str, member_id: str) -> Attempt | None:
    """The flow with this state, which ends with it; None where the member has none: unknown, old, used, another's."""
    mine = sa.and_(table.c.digest == digest_of(state), table.c.member_id == member_id, table.c.expires > change.now)
    row = change.connection.execute(
        table.delete().where(mine).returning(table.c.server_id, table.c.grant_id, table.c.sealed)
    ).one_or_none()
    return None if row is None else Attempt(row.server_id, row.grant_id, row.sealed)
