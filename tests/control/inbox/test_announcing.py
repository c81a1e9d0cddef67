"""Webhooks hear of calls that wait and of what became of them: once each, again after a failure, after a restart."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing, suppress
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web

from toolgate.control.inbox import links
from toolgate.control.inbox.announcing import Announcer
from toolgate.control.inbox.deciding import opened
from toolgate.control.state import State
from toolgate.store import deliveries, organisations
from toolgate.store.approvals import FILE
from toolgate.store.database import writing
from toolgate.store.deliveries import OVER, Delivery
from toolgate.store.tables import deliveries as table
from toolgate.store.tables import webhooks as webhook_table
from toolgate.store.webhooks import Made

from .desk import Heard, Receiver, installation, waits, webhook

pytestmark = pytest.mark.slow


@pytest_asyncio.fixture
async def state(tmp_path: Path) -> AsyncIterator[State]:
    async with installation(tmp_path / "data") as made:
        yield made


@pytest_asyncio.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver.running() as running:
        yield running


@asynccontextmanager
async def announcing(state: State) -> AsyncIterator[Announcer]:
    """As the control process does it, only more often."""
    announcer = Announcer(state)

    async def looks() -> None:
        while True:
            await announcer.look()
            await asyncio.sleep(0.01)

    looking = asyncio.create_task(looks())
    try:
        yield announcer
    finally:
        looking.cancel()
        with suppress(asyncio.CancelledError):
            await looking
        await announcer.close()


async def until(state: State, made: Made, holds: Callable[[Delivery], bool]) -> Delivery:
    """The newest message of a webhook, as soon as this holds of it."""
    async with asyncio.timeout(20):
        while not (found := deliveries.recent(state.engine, made.webhook.id)) or not holds(found[0]):
            await asyncio.sleep(0.005)
    return found[0]


def decide(state: State, id_: str, verdict: str = "approved") -> None:
    with opened(state) as store:
        store.decide(id_, "approved" if verdict == "approved" else "denied", "ada", "fine")


def soon_over(state: State, id_: str) -> None:
    with closing(sqlite3.connect(state.data / FILE, timeout=10)) as db, db:
        db.execute("UPDATE approvals SET expires = ? WHERE id = ?", (time.time() + 0.1, id_))


def now_due(state: State) -> None:
    """As if the pause after a failed try were over."""
    with writing(state.engine, "test") as change:
        change.connection.execute(table.update().where(table.c.next_try.is_not(None)).values(next_try=time.time()))


def types(heard: list[Heard]) -> list[str]:
    return [one.json["type"] for one in heard]


async def test_a_call_that_waits_is_announced_and_so_is_its_end(state: State, receiver: Receiver) -> None:
    made = webhook(state, receiver.url)
    async with announcing(state):
        approval = waits(state, {"amount": 5})
        (pending,) = await receiver.got(1)
        decide(state, approval.id)
        approved = (await receiver.got(2))[1]
    assert pending.json["type"] == "approval.pending"
    assert (approved.json["type"], approved.json["data"]["decided_by"]) == ("approval.approved", "ada")
    assert "decide_url" not in approved.json["data"]
    opened_link = links.read(state.master, pending.json["data"]["decide_url"].rpartition("/")[2])
    assert (opened_link.approval_id, opened_link.webhook_id) == (approval.id, made.webhook.id)
    signed = b"%s.%s." % (pending.headers["webhook-id"].encode(), pending.headers["webhook-timestamp"].encode())
    key = base64.b64decode(made.secret.removeprefix("whsec_"))
    expected = base64.b64encode(hmac.new(key, signed + pending.body, hashlib.sha256).digest()).decode()
    assert pending.headers["webhook-signature"] == f"v1,{expected}"


async def test_every_end_has_its_word_and_slack_hears_of_none(state: State, receiver: Receiver) -> None:
    webhook(state, receiver.url)
    async with Receiver.running() as slack, announcing(state):
        webhook(state, slack.url, "slack", "slack")
        asked = {name: waits(state, {"n": name}) for name in ("approved", "denied", "void", "expired")}
        await receiver.got(4)
        await slack.got(4)
        decide(state, asked["approved"].id)
        decide(state, asked["denied"].id, "denied")
        with opened(state) as store:
            store.use(asked["approved"].id, "d")
            store.void(asked["void"].id)
        soon_over(state, asked["expired"].id)
        heard = await receiver.got(8)
    ends = {one.json["data"]["id"]: one.json["type"] for one in heard if one.json["type"] != "approval.pending"}
    assert ends == {approval.id: f"approval.{name}" for name, approval in asked.items()}
    assert len(slack.heard) == 4
    assert all("blocks" in one.json for one in slack.heard)


async def test_a_message_that_fails_comes_again_under_its_id(state: State, receiver: Receiver) -> None:
    made = webhook(state, receiver.url)

    async def broken(_request: web.Request) -> web.Response:
        return web.Response(status=500)

    working, receiver.answer = receiver.answer, broken
    async with announcing(state):
        waits(state)
        failed = await until(state, made, lambda one: one.attempts == 1 and bool(one.error))
        assert failed.next_try is not None
        assert failed.error == "answered 500"
        receiver.answer = working
        now_due(state)
        done = await until(state, made, lambda one: one.delivered is not None)
    first, second = receiver.heard
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == done.id
    assert (done.attempts, done.error) == (2, "")


def rests(message: Delivery, *, after: int) -> bool:
    """Whether so many tries failed, and the next one is not at once."""
    rest = message.next_try is None or message.next_try > time.time() + 0.5
    return message.attempts == after and bool(message.error) and rest


async def test_tries_have_an_end(state: State, receiver: Receiver) -> None:
    made = webhook(state, receiver.url)

    async def broken(_request: web.Request) -> web.Response:
        return web.Response(status=503, headers={"retry-after": "2"})

    receiver.answer = broken
    async with announcing(state):
        waits(state)
        for attempt in range(1, 9):
            failed = await until(state, made, partial(rests, after=attempt))
            now_due(state)
    assert (failed.attempts, failed.next_try) == (8, None)
    assert len(receiver.heard) == 8


async def test_redirects_are_not_followed(state: State, receiver: Receiver) -> None:
    made = webhook(state, receiver.url)

    async def elsewhere(request: web.Request) -> web.Response:
        return web.Response(status=307, headers={"location": f"{receiver.url}/elsewhere"})

    receiver.answer = elsewhere
    async with announcing(state):
        waits(state)
        failed = await until(state, made, lambda one: bool(one.error))
    assert failed.error == "answered 307, and redirects are not followed"
    assert len(receiver.heard) == 1


async def test_a_webhook_without_permission_leads_nowhere_private(state: State, receiver: Receiver) -> None:
    """However its URL came into the database, and whatever its name means by now."""
    made = webhook(state, receiver.url)
    with writing(state.engine, "test") as change:
        change.connection.execute(webhook_table.update().values(options="{}"))
    async with announcing(state):
        waits(state)
        failed = await until(state, made, lambda one: bool(one.error))
    assert receiver.heard == []
    assert "this machine itself" in failed.error


async def test_what_a_process_did_not_send_the_next_one_does(state: State, receiver: Receiver) -> None:
    made = webhook(state, receiver.url)
    stuck = asyncio.Event()

    async def hangs(_request: web.Request) -> web.Response:
        stuck.set()
        await asyncio.sleep(60)
        return web.Response()

    working, receiver.answer = receiver.answer, hangs
    async with announcing(state):
        approval = waits(state)
        await asyncio.wait_for(stuck.wait(), 20)
    receiver.answer = working
    async with announcing(state):
        done = await until(state, made, lambda one: one.delivered is not None)
    assert done.approval_id == approval.id
    assert receiver.heard[0].headers["webhook-id"] == receiver.heard[1].headers["webhook-id"]


async def test_what_came_while_no_process_ran_is_told_at_the_next_start(state: State, receiver: Receiver) -> None:
    made = webhook(state, receiver.url)
    async with announcing(state):
        first = waits(state, {"n": 1})
        await until(state, made, lambda one: one.delivered is not None)
    decide(state, first.id, "denied")
    waits(state, {"n": 2})
    async with announcing(state):
        heard = await receiver.got(3)
    assert sorted(types(heard)) == ["approval.denied", "approval.pending", "approval.pending"]


async def test_two_processes_send_each_message_once(state: State, receiver: Receiver) -> None:
    webhook(state, receiver.url)
    async with announcing(state), announcing(state):
        for number in range(10):
            waits(state, {"n": number})
        heard = await receiver.got(10)
        with opened(state) as store:
            for approval in store.every():
                store.decide(approval.id, "denied", "ada")
        await receiver.got(20)
    ids = [one.headers["webhook-id"] for one in heard]
    assert len(set(ids)) == len(ids) == 20


async def test_what_is_decided_before_it_could_be_told_is_not_told_as_waiting(state: State, receiver: Receiver) -> None:
    made = webhook(state, receiver.url)
    approval = waits(state)
    deliveries.enqueue(state.engine, [(made.webhook.id, approval.id, "pending")])
    decide(state, approval.id)
    async with announcing(state):
        heard = await receiver.got(1)
    assert types(heard) == ["approval.approved"]
    told = {one.event: one.error for one in deliveries.recent(state.engine, made.webhook.id)}
    assert told == {"pending": OVER, "approved": ""}


async def test_a_webhook_hears_of_its_servers_and_its_organisation_alone(state: State, receiver: Receiver) -> None:
    ours = waits(state, {"n": 1})
    house = organisations.add(state.engine, "ada", "other").id
    theirs = waits(state, {"n": 2}, organisation=house)
    waits(state, {"n": 3}, server_id="another")
    webhook(state, receiver.url, servers=(ours.server_id,))
    async with announcing(state):
        (told,) = await receiver.got(1)
        last = waits(state, {"n": 4})
        await receiver.got(2)
    assert told.json["data"]["id"] == ours.id
    assert {one.json["data"]["id"] for one in receiver.heard} == {ours.id, last.id}
    assert theirs.id not in str([one.body for one in receiver.heard])


async def test_without_webhooks_the_approvals_are_not_even_opened(state: State) -> None:
    async with announcing(state) as announcer:
        await announcer.look()
        await announcer.look()
    assert not (state.data / FILE).exists()


async def test_links_are_left_out_where_the_webhook_wants_none(state: State, receiver: Receiver) -> None:
    webhook(state, receiver.url, links="none")
    async with announcing(state):
        approval = waits(state)
        (told,) = await receiver.got(1)
    assert "decide_url" not in told.json["data"]
    assert told.json["data"]["url"] == f"{state.url}/approvals/{approval.id}"


async def test_a_file_that_cannot_be_read_is_said_once(
    state: State, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    webhook(state, receiver.url)
    (state.data / FILE).write_bytes(b"x" * 5000)
    announcer = Announcer(state)
    for _ in range(3):
        await announcer.look()
    assert capsys.readouterr().err.count("webhooks wait") == 1
    (state.data / FILE).unlink()
    waits(state)
    await announcer.look()
    await receiver.got(1)
    await announcer.close()
