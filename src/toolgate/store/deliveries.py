"""Messages of webhooks on their way: a durable queue, in which one sender at a time holds each message."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from toolgate.store.approvals import KEPT
from toolgate.store.database import AnyRow, AnySelect, Writing, reading, writing
from toolgate.store.tables import deliveries as table
from toolgate.store.tables import webhooks as webhook_table

Event = Literal["pending", "approved", "denied", "expired", "void"]

LEASE: Final = 30.0
"""Seconds for which a sender holds a message; one that died lets go by then."""
OVER: Final = "was over before it could be sent"
ACTOR: Final = "webhooks"
"""Who administrators' events of the sender name."""
_MANY: Final = 200
_ALIVE: Final = (webhook_table.c.disabled.is_(None), webhook_table.c.removed.is_(None))
_SAID_EVERY: Final = 3600.0


@dataclass(slots=True, frozen=True)
class Delivery:
    """One message: to whom, about which approval, and how it stands. `next_try` is None when that is final."""

    id: str
    organisation: str
    webhook_id: str
    approval_id: str
    event: Event
    created: float
    attempts: int
    next_try: float | None
    delivered: float | None
    error: str


def enqueue(engine: Engine, messages: Iterable[tuple[str, str, Event]]) -> int:
    """Add messages (webhook, approval, event) to be sent now; returns how many were not known yet.

    The oldest ones leave when their approvals do.
    """
    wanted = list(dict.fromkeys(messages))
    if not wanted:
        return 0
    with writing(engine, ACTOR) as change:
        known = {tuple(row) for row in change.connection.execute(_known({approval for _, approval, _ in wanted}))}
        fresh = [_columns(message, change.now) for message in wanted if message not in known]
        if fresh:
            change.connection.execute(table.insert(), fresh)
            change.connection.execute(table.delete().where(table.c.created < change.now - KEPT))
        return len(fresh)


def _columns(message: tuple[str, str, Event], now: float) -> dict[str, object]:
    about = dict(zip(("webhook_id", "approval_id", "event"), message, strict=True))
    return {"id": str(uuid.uuid4()), **about, "created": now, "attempts": 0, "next_try": now, "error": ""}


def _known(approvals: set[str]) -> sa.Select[str, str, str]:
    columns = (table.c.webhook_id, table.c.approval_id, table.c.event)
    return sa.select(*columns).where(table.c.approval_id.in_(approvals))


def announced(engine: Engine, webhooks: Iterable[str]) -> list[tuple[str, str]]:
    """(webhook, approval) of what these webhooks were told to be pending and not yet how it ended."""
    end = table.alias("end")
    ended = sa.exists().where(
        end.c.webhook_id == table.c.webhook_id, end.c.approval_id == table.c.approval_id, end.c.event != "pending"
    )
    query = sa.select(table.c.webhook_id, table.c.approval_id).where(
        table.c.event == "pending", table.c.webhook_id.in_(list(webhooks)), ~ended
    )
    with reading(engine) as connection:
        return [(webhook, approval) for webhook, approval in connection.execute(query)]


def due(engine: Engine, now: float) -> list[Delivery]:
    """What may be tried now and nobody holds, of webhooks that are enabled, oldest first."""
    query = _messages(table.c.next_try <= now, _free(now), *_ALIVE).order_by(table.c.created, table.c.id)
    with reading(engine) as connection:
        return [_delivery(row) for row in connection.execute(query.limit(_MANY))]


def next_due(engine: Engine) -> float | None:
    """When the next message may be tried; None where none is waiting."""
    free = sa.case((table.c.lease_until > table.c.next_try, table.c.lease_until), else_=table.c.next_try)
    query = _messages(table.c.next_try.is_not(None), *_ALIVE).with_only_columns(sa.func.min(free))
    with reading(engine) as connection:
        soonest: float | None = connection.scalar(query)
        return soonest


def recent(engine: Engine, webhook_id: str, limit: int = 50) -> list[Delivery]:
    """The last messages of a webhook, the newest first."""
    query = _messages(table.c.webhook_id == webhook_id).order_by(table.c.created.desc(), table.c.id)
    with reading(engine) as connection:
        return [_delivery(row) for row in connection.execute(query.limit(limit))]


def claim(engine: Engine, delivery: Delivery) -> Delivery | None:
    """Hold this message for LEASE seconds and count the attempt; None where another sender was first."""
    with writing(engine, ACTOR) as change:
        mine = (table.c.id == delivery.id, table.c.attempts == delivery.attempts, table.c.next_try.is_not(None))
        values = {"attempts": delivery.attempts + 1, "lease_until": change.now + LEASE}
        if change.connection.execute(table.update().where(*mine, _free(change.now)).values(values)).rowcount != 1:
            return None
        return _delivery(change.connection.execute(_messages(table.c.id == delivery.id)).one())


def delivered(engine: Engine, claimed: Delivery) -> None:
    """The receiver has it."""
    with writing(engine, ACTOR) as change:
        _settle(change, claimed, delivered=change.now, next_try=None, error="")


def failed(engine: Engine, claimed: Delivery, error: str, again: float | None) -> None:
    """It did not arrive; it is tried `again` at that moment, or never.

    An administrators' event says so, at most once an hour for one webhook: a dead receiver fills no log.
    """
    with writing(engine, ACTOR, claimed.organisation) as change:
        if not change.connection.scalar(_failing_already(claimed, change.now)):
            change.event("fail", "webhook", claimed.webhook_id, after={"error": error, "approval": claimed.approval_id})
        _settle(change, claimed, next_try=again, error=error)


def dropped(engine: Engine, claimed: Delivery) -> None:
    """It need not be sent any more: what it would say is over."""
    with writing(engine, ACTOR) as change:
        _settle(change, claimed, next_try=None, error=claimed.error or OVER)


def let_go(engine: Engine, claimed: Delivery) -> None:
    """Whether it arrived is not known: whoever looks next sends it again."""
    with writing(engine, ACTOR) as change:
        _settle(change, claimed)


def _free(now: float) -> sa.ColumnElement[bool]:
    return sa.or_(table.c.lease_until.is_(None), table.c.lease_until <= now)


def _failing_already(claimed: Delivery, now: float) -> sa.Select[bool]:
    wrong = (table.c.error.not_in(("", OVER)), table.c.created > now - _SAID_EVERY)
    return sa.select(sa.exists().where(table.c.webhook_id == claimed.webhook_id, *wrong))


def _settle(change: Writing, claimed: Delivery, **values: object) -> None:
    """Only what is still held from this attempt: whoever claimed it later says what became of it."""
    mine = (table.c.id == claimed.id, table.c.attempts == claimed.attempts)
    change.connection.execute(table.update().where(*mine).values(**values, lease_until=None))


def _messages(*which: sa.ColumnElement[bool]) -> AnySelect:
    joined = table.join(webhook_table, webhook_table.c.id == table.c.webhook_id)
    return sa.select(table, webhook_table.c.organisation_id).select_from(joined).where(*which)


def _delivery(row: AnyRow) -> Delivery:
    fate = (row.created, row.attempts, row.next_try, row.delivered, row.error)
    return Delivery(row.id, row.organisation_id, row.webhook_id, row.approval_id, row.event, *fate)
