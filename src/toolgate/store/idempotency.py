"""Answers of requests that may be sent again: the same key of the same actor gets the same answer for a day.

The answer is stored in the transaction that did the work, so that neither is there without the other, and of two equal
requests at the same moment one works and the other one reads. Answers are sealed: one may hold a new token.
"""

from __future__ import annotations

import sqlalchemy as sa

from toolgate.keys import Sealer
from toolgate.store.database import Writing
from toolgate.store.errors import Conflict
from toolgate.store.tables import idempotency as table

PURPOSE = "idempotency"
"""The purpose of the master key's sealer."""

KEPT = 86_400.0
"""Seconds that an answer is kept."""


class OtherRequest(Conflict):
    """The key was used for another request in the last 24 hours."""

    def __init__(self, key: str) -> None:
        super().__init__("Idempotency-Key", f"`{key}` was used for another request", "give each request its own key")


def recall(change: Writing, key: str, request: bytes, sealer: Sealer) -> bytes | None:
    """The answer that this request (its SHA-256) got under this key; None when it is new. Raises OtherRequest."""
    change.connection.execute(table.delete().where(table.c.created < change.now - KEPT))
    row = change.connection.execute(sa.select(table).where(*_mine(change, key))).one_or_none()
    if row is None:
        return None
    if row.request != request:
        raise OtherRequest(key)
    return sealer.open(row.sealed, binding(change.organisation, change.actor, key))


def remember(change: Writing, key: str, request: bytes, answer: bytes, sealer: Sealer) -> None:
    """Keep the answer of a request, in place of an earlier one of the same request."""
    change.connection.execute(table.delete().where(*_mine(change, key)))
    mine = {"organisation_id": change.organisation, "actor": change.actor, "key": key}
    sealed = sealer.seal(answer, binding(change.organisation, change.actor, key))
    change.connection.execute(table.insert().values(**mine, request=request, sealed=sealed, created=change.now))


def _mine(change: Writing, key: str) -> tuple[sa.ColumnElement[bool], ...]:
    own = (table.c.organisation_id == change.organisation, table.c.actor == change.actor)
    return (*own, table.c.key == key)


def binding(organisation: str, actor: str, key: str) -> bytes:
    """What a sealed value is bound to: its place."""
    return f"{organisation}/{actor}/{key}".encode()
