"""A grant or server that somebody stops: nothing passes, what was under way ends, and it goes on where it was."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from toolgate.store import stopping

from .running import ALLOW_ALL, Answer, Gateway, Grant, Json, Received, Recorder, call, modern, plain
from .test_sessions import handshake, initialize, request
from .test_streams import Stream

WHY = "It mails what it reads."
Switch = Callable[[Grant], None]


def stop_grant(grant: Grant) -> None:
    gateway = grant.gateway
    stopping.stop_grant(gateway.engine, gateway.data, "test", grant.id, WHY)
    gateway.settle()


def stop_server(grant: Grant) -> None:
    gateway = grant.gateway
    stopping.stop_server(gateway.engine, gateway.data, "test", grant.server, WHY)
    gateway.settle()


def resume(grant: Grant) -> None:
    stopping.resume_grant(grant.gateway.engine, "test", grant.id)
    stopping.resume_server(grant.gateway.engine, "test", grant.server)
    grant.gateway.settle()


either = pytest.mark.parametrize("stop", [stop_grant, stop_server])


@pytest.fixture
def grant(gateway: Gateway, recorder: Recorder) -> Grant:
    recorder.reply = handshake
    return gateway.grant(gateway.add_server(recorder.url), {**ALLOW_ALL, "hide": ["secret"]})


def method(name: str, id_: int | None = 1) -> Json:
    return {"jsonrpc": "2.0", **({} if id_ is None else {"id": id_}), "method": name, "params": {}}


@either
async def test_each_call_is_denied_with_the_reason_and_recorded(grant: Grant, recorder: Recorder, stop: Switch) -> None:
    await asyncio.to_thread(stop, grant)
    for tool in ("run", "secret"):
        answer = await grant.call(tool)
        assert answer.denied
        assert answer.json["result"]["_meta"]["io.toolgate/denial"]["rule"] == "(stopped)"
        assert "It mails what it reads. No call is sent until somebody resumes it." in answer.text
    assert [(one.outcome, one.rule) for one in grant.decisions()] == [("deny", "(stopped)")] * 2
    assert "It mails what it reads" in grant.decisions()[0].message
    assert recorder.received == []


@either
async def test_no_message_of_any_kind_reaches_the_server(grant: Grant, recorder: Recorder, stop: Switch) -> None:
    session = (await initialize(grant)).headers["mcp-session-id"]
    before = len(recorder.received)
    await asyncio.to_thread(stop, grant)
    for name in ("initialize", "ping", "tools/list", "resources/list"):
        refused = (await grant.post(method(name), mcp_session_id=session)).json["error"]
        assert WHY.rstrip(".") in refused["message"], name
        assert refused["data"]["rule"] == "(stopped)"
    assert (await grant.post(method("notifications/cancelled", None), mcp_session_id=session)).status == 202
    message, headers = modern("tools/call", {"name": "run", "arguments": {}})
    assert (await grant.post(message, **headers)).denied
    assert await request(grant, "GET", session) == 503
    assert await request(grant, "DELETE", session) == 503
    assert len(recorder.received) == before
    assert {one.rule for one in grant.decisions()[1:]} == {"(stopped)"}


@either
async def test_what_is_resumed_goes_on_with_its_token_and_session(
    grant: Grant, recorder: Recorder, stop: Switch
) -> None:
    session = (await initialize(grant)).headers["mcp-session-id"]
    await asyncio.to_thread(stop, grant)
    assert (await grant.call("run", mcp_session_id=session)).denied
    await asyncio.to_thread(resume, grant)
    answer = await grant.call("run", mcp_session_id=session)
    assert (answer.status, answer.headers["mcp-session-id"]) == (200, session)
    assert recorder.calls[-1].header("mcp-session-id") == "upstream-secret-id"


class Silent:
    """An upstream that says when a call has arrived, and never answers it."""

    def __init__(self) -> None:
        self.arrived = asyncio.Event()

    async def __call__(self, request: Received, writer: asyncio.StreamWriter) -> None:
        if b"tools/call" not in request.body:
            await plain(request, writer)
            return
        self.arrived.set()
        await asyncio.Event().wait()


@asynccontextmanager
async def calling(grant: Grant, silent: Silent) -> AsyncIterator[asyncio.Task[Answer]]:
    """A client whose call has reached the server."""
    task = asyncio.create_task(grant.call("run"))
    async with asyncio.timeout(20):
        await silent.arrived.wait()
        yield task
    task.cancel()


@either
async def test_a_call_under_way_ends_here_and_at_the_server(grant: Grant, recorder: Recorder, stop: Switch) -> None:
    recorder.reply = silent = Silent()
    async with calling(grant, silent) as client:
        await asyncio.to_thread(stop, grant)
        answer = await client
        await recorder.hung_up.wait()
    assert answer.denied
    assert WHY in answer.text
    assert "the server may have run it" in answer.text
    (decision,) = grant.decisions()
    (outcome,) = await grant.gateway.outcomes(decision)
    assert (decision.outcome, outcome.result, outcome.rolled_back) == ("allow", "stopped", False)


async def test_a_connection_whose_call_was_ended_takes_the_next_one(grant: Grant, recorder: Recorder) -> None:
    recorder.reply = silent = Silent()
    body = json.dumps(call("run")).encode()
    async with aiohttp.ClientSession() as client, asyncio.timeout(20):
        first = asyncio.create_task(client.post(grant.url, data=body, headers=grant.headers()))
        await silent.arrived.wait()
        await asyncio.to_thread(stop_grant, grant)
        assert WHY in await (await first).text()
        await asyncio.to_thread(resume, grant)
        recorder.reply = handshake
        async with client.post(grant.url, data=body, headers=grant.headers()) as second:
            assert (await second.json())["result"] == {"content": []}


@either
async def test_an_open_stream_is_cut(gateway: Gateway, recorder: Recorder, stop: Switch) -> None:
    recorder.reply = stream = Stream()
    grant = gateway.grant(gateway.add_server(recorder.url), ALLOW_ALL)
    async with (
        aiohttp.ClientSession() as client,
        client.get(grant.url, headers=grant.headers()) as response,
        asyncio.timeout(20),
    ):
        await stream.opened.wait()
        await asyncio.to_thread(stop, grant)
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.content.read()
        await recorder.hung_up.wait()
    (outcome,) = await gateway.outcomes(*grant.decisions()[:1])
    assert outcome.result == "stopped"


@either
async def test_a_call_that_is_answered_by_events_ends_with_the_reason(
    gateway: Gateway, recorder: Recorder, stop: Switch
) -> None:
    recorder.reply = stream = Stream()
    grant = gateway.grant(gateway.add_server(recorder.url), ALLOW_ALL)
    progress = b'event: message\ndata: {"jsonrpc":"2.0","method":"notifications/progress","params":{}}\n\n'
    async with (
        aiohttp.ClientSession() as client,
        client.post(grant.url, json=call("run"), headers=grant.headers()) as response,
        asyncio.timeout(20),
    ):
        await stream.opened.wait()
        stream.send(progress)
        assert await response.content.readexactly(len(progress)) == progress
        await asyncio.to_thread(stop, grant)
        rest = (await response.content.read()).decode()
        await recorder.hung_up.wait()
    answer = json.loads(rest.removeprefix("event: message\ndata: "))
    assert (answer["id"], answer["result"]["isError"]) == (1, True)
    assert WHY in answer["result"]["content"][0]["text"]
    (outcome,) = await gateway.outcomes(*grant.decisions())
    assert outcome.result == "stopped"


async def test_a_stopped_grant_ends_nothing_of_its_neighbours(grant: Grant, recorder: Recorder) -> None:
    neighbour = grant.gateway.grant(grant.server, ALLOW_ALL)
    recorder.reply = silent = Silent()
    async with calling(neighbour, silent) as client:
        await asyncio.to_thread(stop_grant, grant)
        assert not client.done()
        recorder.reply = handshake
        assert (await neighbour.call("run")).status == 200
        assert (await grant.call("run")).denied
        assert not client.done()
        await asyncio.to_thread(stop_server, neighbour)
        assert (await client).denied


async def test_a_grant_that_is_used_for_the_first_time_is_stopped_too(grant: Grant, recorder: Recorder) -> None:
    stop_server(grant)
    unused = grant.gateway.grant(grant.server, ALLOW_ALL)
    assert (await unused.call("run")).denied
    assert recorder.received == []


@pytest.mark.slow
async def test_every_gateway_of_the_directory_stops_at_once(tmp_path: Path, recorder: Recorder) -> None:
    data = tmp_path / "data"
    first, second = (Gateway(data, "--counters", "sqlite") for _ in range(2))
    try:
        for gateway in (first, second):
            await asyncio.to_thread(gateway.start)
        here = first.grant(first.add_server(recorder.url), ALLOW_ALL)
        there = replace(here, gateway=second)
        recorder.reply = silent = Silent()
        async with calling(there, silent) as client:
            await asyncio.to_thread(stop_grant, here)
            assert (await client).denied
        assert [(await grant.call("run")).denied for grant in (here, there)] == [True, True]
        await asyncio.to_thread(resume, here)
        recorder.reply = plain
        assert [(await grant.call("run")).denied for grant in (here, there)] == [False, False]
    finally:
        for gateway in (first, second):
            await asyncio.to_thread(gateway.close)
