"""The queue of messages: each is sent by one sender at a time, and how it went is told without noise."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from toolgate.keys import MasterKey
from toolgate.store import deliveries, webhooks
from toolgate.store.approvals import KEPT
from toolgate.store.database import reading, writing
from toolgate.store.deliveries import LEASE, Delivery
from toolgate.store.tables import admin_events
from toolgate.store.tables import deliveries as table


@pytest.fixture
def webhook(data: Path, engine: Engine) -> str:
    sealer = MasterKey.load(data).sealer(webhooks.PURPOSE)
    return webhooks.add(engine, "ada", sealer, name="ops", url="https://hooks.example.com/x").webhook.id


def waiting(engine: Engine) -> list[Delivery]:
    return deliveries.due(engine, time.time() + 0.01)


def held(engine: Engine, delivery: Delivery) -> Delivery:
    claimed = deliveries.claim(engine, delivery)
    assert claimed is not None
    return claimed


def shift(engine: Engine, **values: float | None) -> None:
    with writing(engine, "test") as change:
        change.connection.execute(table.update().values(**values))


def failures(engine: Engine) -> int:
    query = sa.select(sa.func.count()).where(admin_events.c.action == "fail", admin_events.c.kind == "webhook")
    with reading(engine) as connection:
        return int(connection.scalar(query) or 0)


def test_a_message_is_queued_once(engine: Engine, webhook: str) -> None:
    assert deliveries.enqueue(engine, [(webhook, "apr_1", "pending"), (webhook, "apr_2", "pending")]) == 2
    assert deliveries.enqueue(engine, [(webhook, "apr_1", "pending")]) == 0
    assert deliveries.enqueue(engine, []) == 0
    assert sorted(one.approval_id for one in waiting(engine)) == ["apr_1", "apr_2"]


def test_what_was_announced_waits_for_its_end(engine: Engine, webhook: str) -> None:
    deliveries.enqueue(engine, [(webhook, "apr_1", "pending"), (webhook, "apr_2", "pending")])
    deliveries.enqueue(engine, [(webhook, "apr_1", "denied")])
    assert deliveries.announced(engine, [webhook]) == [(webhook, "apr_2")]
    assert deliveries.announced(engine, []) == []


def test_one_sender_holds_a_message_until_its_lease_ends(engine: Engine, webhook: str) -> None:
    deliveries.enqueue(engine, [(webhook, "apr_1", "pending")])
    (seen,) = waiting(engine)
    claimed = held(engine, seen)
    assert (claimed.attempts, claimed.id) == (1, seen.id)
    assert deliveries.claim(engine, seen) is None
    assert waiting(engine) == []
    assert deliveries.due(engine, time.time() + LEASE + 1) == [claimed]
    shift(engine, lease_until=time.time() - 1)
    later = held(engine, claimed)
    assert later.attempts == 2
    deliveries.delivered(engine, claimed)
    assert deliveries.recent(engine, webhook)[0].delivered is None
    deliveries.delivered(engine, later)
    assert deliveries.recent(engine, webhook)[0].delivered is not None


def test_what_failed_comes_again_at_its_time_or_never(engine: Engine, webhook: str) -> None:
    deliveries.enqueue(engine, [(webhook, "apr_1", "pending")])
    again = time.time() + 30
    deliveries.failed(engine, held(engine, waiting(engine)[0]), "answered 500", again)
    assert waiting(engine) == []
    assert deliveries.next_due(engine) == again
    (due,) = deliveries.due(engine, again)
    assert (due.attempts, due.error) == (1, "answered 500")
    deliveries.failed(engine, held(engine, due), "answered 500", None)
    assert deliveries.due(engine, again + 10_000) == []
    assert deliveries.next_due(engine) is None
    assert deliveries.recent(engine, webhook)[0].error == "answered 500"


def test_a_dead_receiver_is_one_event_an_hour(engine: Engine, webhook: str) -> None:
    for number in range(5):
        deliveries.enqueue(engine, [(webhook, f"apr_{number}", "pending")])
        for delivery in waiting(engine):
            deliveries.failed(engine, held(engine, delivery), "no answer", None)
    assert failures(engine) == 1
    shift(engine, created=time.time() - 3700)
    deliveries.enqueue(engine, [(webhook, "apr_new", "pending")])
    deliveries.failed(engine, held(engine, waiting(engine)[0]), "no answer", None)
    assert failures(engine) == 2


def test_what_is_over_is_no_failure(engine: Engine, webhook: str) -> None:
    deliveries.enqueue(engine, [(webhook, "apr_1", "pending"), (webhook, "apr_2", "pending")])
    first, second = waiting(engine)
    deliveries.dropped(engine, held(engine, first))
    assert failures(engine) == 0
    deliveries.failed(engine, held(engine, second), "no answer", None)
    assert failures(engine) == 1


def test_a_webhook_that_rests_or_is_gone_is_sent_nothing(data: Path, engine: Engine, webhook: str) -> None:
    deliveries.enqueue(engine, [(webhook, "apr_1", "pending")])
    webhooks.switch(engine, "ada", webhook, enabled=False)
    assert waiting(engine) == []
    webhooks.switch(engine, "ada", webhook, enabled=True)
    assert len(waiting(engine)) == 1
    webhooks.remove(engine, "ada", webhook)
    assert waiting(engine) == []


def test_old_messages_leave_with_their_approvals(engine: Engine, webhook: str) -> None:
    deliveries.enqueue(engine, [(webhook, "apr_1", "pending")])
    shift(engine, created=time.time() - KEPT - 1)
    deliveries.enqueue(engine, [(webhook, "apr_2", "pending")])
    assert [one.approval_id for one in deliveries.recent(engine, webhook)] == ["apr_2"]
