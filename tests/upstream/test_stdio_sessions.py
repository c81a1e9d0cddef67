"""Sessions over real processes: who gets what, and what ends when."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from toolgate.wire.client import Lost, TimedOut

from .speaking import alive, event, messages, speaking, until, until_async


async def test_two_sessions_have_two_processes() -> None:
    async with speaking() as speaker:
        first, second = await speaker.session(), await speaker.session()
        assert first != second
        assert len(speaker.pids) == 2


async def test_an_answer_that_comes_first_is_plain_json() -> None:
    async with speaking() as speaker:
        session = await speaker.session()
        answer = await speaker.post(session, {"id": 5, "method": "pid"})
        assert answer.headers.get(b"content-type") == b"application/json"
        assert answer.body_complete is not None
        assert json.loads(answer.body_complete)["id"] == 5


async def test_progress_before_the_answer_makes_it_a_stream() -> None:
    async with speaking() as speaker:
        session = await speaker.session()
        params = {"_meta": {"progressToken": "p"}}
        answer = await speaker.post(session, {"id": 5, "method": "progress", "params": params})
        assert answer.headers.get(b"content-type") == b"text/event-stream"
        note, result = await messages(answer)
        assert note["params"]["progressToken"] == "p"
        assert result["id"] == 5


async def test_a_request_of_the_server_is_answered_by_a_post_of_its_own() -> None:
    async with speaking() as speaker:
        session = await speaker.session()
        answer = await speaker.post(session, {"id": 5, "method": "ask"})
        asked = await event(answer)
        assert asked["method"] == "sampling/createMessage"
        accepted = await speaker.post(session, {"id": asked["id"], "result": {"text": "hello"}})
        assert accepted.status == 202
        assert (await event(answer))["result"] == {"text": "hello"}
        assert await answer.chunk() == b""


async def test_the_sessions_stream_takes_what_belongs_to_no_request() -> None:
    async with speaking() as speaker:
        session = await speaker.session()
        stream = await speaker.send("GET", session)
        assert stream.status == 200
        assert (await speaker.send("GET", session)).status == 409
        answer = await speaker.post(session, {"id": 5, "method": "flood", "params": {"count": 1, "size": 1}})
        assert answer.headers.get(b"content-type") == b"application/json"
        assert (await event(stream))["method"] == "notifications/message"
        stream.close()
        assert (await speaker.send("GET", session)).status == 200


async def test_an_id_in_flight_is_refused_a_second_time() -> None:
    async with speaking() as speaker:
        session = await speaker.session()
        held = asyncio.ensure_future(speaker.ask(session, "hold", 5))
        await until_async(lambda: speaker._has(session, 5))
        second = await speaker.post(session, {"id": 5, "method": "pid"})
        assert second.status == 400
        assert json.loads(second.body_complete or b"")["id"] == 5
        await speaker.ask(session, "release", 6, id=5)
        assert (await held)["result"] == {"released": True}


async def test_an_unknown_session_is_404_and_no_session_is_400_or_405() -> None:
    async with speaking() as speaker:
        for verb in ("POST", "GET", "DELETE"):
            assert (await speaker.send(verb, "nonsense", b'{"jsonrpc":"2.0","id":1,"method":"ping"}')).status == 404
        assert (await speaker.post("", {"id": 1, "method": "ping"})).status == 400
        assert (await speaker.send("GET")).status == 405
        assert (await speaker.send("DELETE")).status == 405
        assert (await speaker.send("POST", "", b"nonsense")).status == 400
        assert len(speaker.upstream.children) == 0


async def test_the_end_of_a_session_ends_its_process_and_what_it_still_does() -> None:
    async with speaking() as speaker:
        session = await speaker.session()
        (pid,) = speaker.pids
        held = asyncio.ensure_future(speaker.ask(session, "hold", 5))
        await until_async(lambda: speaker._has(session, 5))
        assert (await speaker.send("DELETE", session)).status == 200
        with pytest.raises(Lost):
            await held
        await until(lambda: not alive(pid))
        assert (await speaker.post(session, {"id": 1, "method": "ping"})).status == 404


async def test_a_client_that_hangs_up_cancels_its_request_and_nobody_gets_the_late_answer() -> None:
    async with speaking() as speaker:
        session = await speaker.session()
        await speaker.hung_up(session, 5)
        assert _cancelled(await speaker.seen(session)) == [5]
        assert (await speaker.post(session, {"id": 5, "method": "pid"})).status == 400
        stream = await speaker.send("GET", session)
        await speaker.ask(session, "release", 6, id=5)
        await speaker.ask(session, "flood", 7, count=1, size=1)
        assert (await event(stream))["method"] == "notifications/message"
        assert "pid" in (await speaker.ask(session, "pid", 5))["result"]


async def test_a_client_that_leaves_a_stream_cancels_its_request() -> None:
    async with speaking() as speaker:
        session = await speaker.session()
        answer = await speaker.post(session, {"id": 5, "method": "ask"})
        answer.close()
        assert _cancelled(await speaker.seen(session)) == [5]


async def test_a_cancellation_by_the_client_reaches_the_server_and_ends_the_waiting() -> None:
    async with speaking() as speaker:
        session = await speaker.session()
        held = asyncio.ensure_future(speaker.ask(session, "hold", 5))
        await until_async(lambda: speaker._has(session, 5))
        note = {"method": "notifications/cancelled", "params": {"requestId": 5}}
        assert (await speaker.post(session, note)).status == 202
        with pytest.raises(Lost):
            await held
        assert _cancelled(await speaker.seen(session)) == [5]


async def test_no_answer_in_time_is_a_timeout_and_the_server_is_told() -> None:
    async with speaking() as speaker:
        session = await speaker.session()
        with pytest.raises(TimedOut) as caught:
            await speaker.post(session, {"id": 5, "method": "hold"}, timeout=0.05)
        assert caught.value.sent
        assert _cancelled(await speaker.seen(session)) == [5]


async def test_a_reader_that_is_slow_makes_its_own_server_wait_and_loses_nothing() -> None:
    async with speaking() as speaker:
        session = await speaker.session()
        flood = {"id": 5, "method": "flood", "params": {"count": 200, "size": 100_000}}
        answer = await speaker.post(session, flood)
        await until(lambda: getattr(answer, "unread", 0) > 4 * 1024 * 1024)
        received = await messages(answer)
        assert [message["params"]["number"] for message in received[:-1]] == list(range(200))
        assert received[-1]["id"] == 5


async def test_an_initialize_without_answer_leaves_no_process() -> None:
    async with speaking("deaf") as speaker:
        with pytest.raises(TimedOut):
            await speaker.post("", {"id": 1, "method": "initialize"}, timeout=0.05)
        await until(lambda: len(speaker.upstream.children) == 0)


def _cancelled(seen: list[Any]) -> list[Any]:
    return [one["params"]["requestId"] for one in seen if one.get("method") == "notifications/cancelled"]
