"""Revision 2026-07-28 over real processes: shared, ids never renumbered, nobody is given what is another's."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from typing import Any

import pytest

from toolgate.upstream.discovery import ask
from toolgate.wire.client import Lost, PoolFull

from .speaking import LIMITS, VERSION, Speaking, messages, speaking, until, until_async

pytestmark = pytest.mark.slow

LEVEL = "io.modelcontextprotocol/logLevel"


async def holding(speaker: Speaking, id_: Any, **meta: Any) -> asyncio.Future[Any]:
    """A request that is under way until it is released; on a server of its own, or on the first that takes it."""
    before = len(speaker.upstream.children)
    held = asyncio.ensure_future(speaker.modern("hold", id_, meta=meta))
    await until_async(lambda: _has(speaker, id_, before))
    return held


async def _has(speaker: Speaking, id_: Any, before: int) -> bool:
    if len(speaker.upstream.children) > before:
        return True
    seen = (await speaker.modern("seen", "seen"))["result"]["seen"]
    return any(message.get("id") == id_ for message in seen)


async def pid(speaker: Speaking, id_: Any, **meta: Any) -> int:
    number = (await speaker.modern("pid", id_, meta=meta))["result"]["pid"]
    speaker.pids.add(number)
    assert isinstance(number, int)
    return number


async def test_one_process_serves_everybody_whose_ids_differ() -> None:
    async with speaking() as speaker:
        pids = await asyncio.gather(*(pid(speaker, number) for number in range(20)))
        assert len(set(pids)) == 1


async def test_an_id_in_flight_goes_to_another_process_under_its_own_number() -> None:
    async with speaking() as speaker:
        first = await pid(speaker, 0)
        held = await holding(speaker, 1)
        assert await pid(speaker, 2) == first
        second = await pid(speaker, 1)
        assert second != first
        await speaker.modern("release", 3, id=1)
        assert (await held)["result"] == {"released": True}
        assert await pid(speaker, 1) == first


async def test_a_progress_token_in_flight_goes_to_another_process() -> None:
    async with speaking() as speaker:
        first = await pid(speaker, 0)
        held = await holding(speaker, 1, progressToken="p")
        assert await pid(speaker, 2, progressToken="p") != first
        held.cancel()


async def test_the_late_answer_of_a_cancelled_request_is_given_to_nobody() -> None:
    async with speaking() as speaker:
        first = await pid(speaker, 0)
        held = await holding(speaker, 1)
        held.cancel()
        await asyncio.gather(held, return_exceptions=True)
        assert await pid(speaker, 1) != first
        seen = (await speaker.modern("seen", 2))["result"]["seen"]
        assert seen[-1]["method"] == "notifications/cancelled"
        await speaker.modern("release", 3, id=1)
        assert await pid(speaker, 1) == first


async def test_processes_are_capped_for_the_stateless_revision_too() -> None:
    async with speaking(limits=replace(LIMITS, processes=1)) as speaker:
        held = await holding(speaker, 1)
        with pytest.raises(PoolFull):
            await speaker.modern("pid", 1)
        held.cancel()


@pytest.mark.parametrize(("code", "status"), [(-32601, 404), (-32602, 400), (-32022, 400), (-32603, 200), (7, 200)])
async def test_errors_have_the_statuses_of_the_revision(code: int, status: int) -> None:
    async with speaking() as speaker:
        params = {"code": code, "_meta": {VERSION: "2026-07-28"}}
        answer = await speaker.post("", {"id": 1, "method": "refuse", "params": params})
        assert answer.status == status
        assert (await messages(answer))[0]["error"]["code"] == code


async def test_a_notification_reaches_no_server_for_it_could_end_anothers_request() -> None:
    async with speaking() as speaker:
        await pid(speaker, 0)
        params = {"requestId": 1, "_meta": {VERSION: "2026-07-28"}}
        note = {"method": "notifications/cancelled", "params": params}
        assert (await speaker.post("", note)).status == 202
        seen = (await speaker.modern("seen", 2))["result"]["seen"]
        assert [message["method"] for message in seen] == ["pid"]


async def test_a_server_that_asks_something_is_told_that_nobody_can_answer() -> None:
    async with speaking() as speaker:
        assert (await speaker.modern("ask", 1))["result"] == {"refused": True}


async def test_log_messages_reach_who_asked_for_them_and_nobody_else() -> None:
    async with speaking() as speaker:
        plain = {"id": 1, "method": "flood", "params": {"count": 1, "size": 1, "_meta": {VERSION: "2026-07-28"}}}
        (answer,) = await messages(await speaker.post("", plain))
        assert answer["id"] == 1
        plain["params"]["_meta"][LEVEL] = "info"  # type: ignore[index]
        note, answer = await messages(await speaker.post("", plain))
        assert note["method"] == "notifications/message"
        assert answer["id"] == 1


async def test_a_reader_that_is_slow_does_not_hold_up_the_others() -> None:
    async with speaking() as speaker:
        params = {"count": 200, "size": 100_000, "_meta": {VERSION: "2026-07-28", LEVEL: "info"}}
        slow = await speaker.post("", {"id": 1, "method": "flood", "params": params})
        await until(lambda: getattr(slow, "unread", 0) > 4 * 1024 * 1024)
        await pid(speaker, 2)
        with pytest.raises(Lost, match="were not read"):
            await slow.read(64 * 1024 * 1024)


async def test_discovery_needs_to_know_nothing_of_the_transport() -> None:
    async with speaking() as speaker:
        found = await ask(speaker.upstream, "peer")
        assert [tool["name"] for tool in found.tools] == ["pid"]
        assert len(speaker.upstream.children) == 1


async def test_whatever_the_ids_and_the_cancellations_everybody_gets_their_own_answer() -> None:
    chance = random.Random(3)
    answered = 0

    async def client(speaker: Speaking, number: int) -> None:
        nonlocal answered
        for turn in range(10):
            mine = f"{number}/{turn}"
            asking = asyncio.ensure_future(speaker.modern("pid", chance.randrange(5), mine=mine))
            if chance.random() < 0.2:
                await asyncio.sleep(chance.random() / 100)
                asking.cancel()
            try:
                answer = await asking
            except (asyncio.CancelledError, PoolFull):
                continue
            assert answer["result"]["params"]["mine"] == mine
            answered += 1

    async with speaking(limits=replace(LIMITS, processes=6)) as speaker:
        await asyncio.gather(*(client(speaker, number) for number in range(20)))
        assert len(speaker.upstream.children) <= 6
    assert answered > 50


@pytest.mark.parametrize("turns", range(1, 8))
async def test_a_client_that_leaves_while_its_process_starts_takes_no_place(turns: int) -> None:
    async with speaking(limits=replace(LIMITS, processes=1, yields_after=0)) as speaker:
        asking = asyncio.ensure_future(speaker.modern("pid", 1))
        for _ in range(turns):
            await asyncio.sleep(0)
        asking.cancel()
        await asyncio.wait((asking,))
        assert await pid(speaker, 2)
