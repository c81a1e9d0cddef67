"""A server behind HTTP: the headers that it gets, what its statuses become, and how an exchange ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from tests.gateway.running import Received, Recorder, events, http, plain
from tests.stdio.wrapped import ALLOW, INITIALIZE, MODERN, PATIENCE, Wrapped, call, message

pytestmark = pytest.mark.slow

Writer = asyncio.StreamWriter
Behind = Callable[..., Coroutine[Any, Any, Wrapped]]
ONCE = {"version": "1", "default": "allow", "all_tools": {"rate_limit": "1/hour"}}


@pytest.fixture
async def recorder() -> AsyncIterator[Recorder]:
    recorder = await Recorder(plain).start()
    yield recorder
    await recorder.stop()


@pytest.fixture
async def behind(place: Path, recorder: Recorder) -> AsyncIterator[Behind]:
    """Starts wrappers in front of the recorder."""
    running: list[Wrapped] = []

    async def begin(policy: dict[str, Any] = ALLOW, *options: str, url: str = "", **environment: str) -> Wrapped:
        run = Wrapped(place)
        run.write_policy(policy)
        await run.start(*options, upstream=url or recorder.url, **environment)
        running.append(run)
        return run

    yield begin
    for run in running:
        await run.close()


def answering(
    status: int, body: bytes = b"", *fields: tuple[str, str]
) -> Callable[[Received, Writer], Coroutine[Any, Any, None]]:
    """A server that lists its tools and answers everything else so."""

    async def reply(request: Received, writer: Writer) -> None:
        if b'"tools/list"' in request.body:
            await plain(request, writer)
        else:
            writer.write(http(status, body, *fields))

    return reply


async def in_session(request: Received, writer: Writer) -> None:
    """A server of the handshake era with sessions; its GET stream stays open."""
    if request.verb == "GET":
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        event = b'id: e1\ndata: {"jsonrpc":"2.0","method":"notifications/message","params":{"data":"hi"}}\n\n'
        writer.write(b"%x\r\n%b\r\n" % (len(event), event))
        await asyncio.Event().wait()
    elif b'"initialize"' in request.body:
        agreed = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "r"}}
        body = json.dumps({"jsonrpc": "2.0", "id": request.json["id"], "result": agreed}).encode()
        writer.write(http(200, body, ("mcp-session-id", "s-1")))
    else:
        await plain(request, writer)


async def handshake(run: Wrapped, recorder: Recorder) -> None:
    recorder.reply = in_session
    run.client_says(message("initialize", 0, **INITIALIZE))
    assert (await run.client_hears())["id"] == 0
    run.client_says(message("notifications/initialized"))
    await recorder.saw("GET")


async def test_the_handshake_era_has_its_session_its_stream_and_its_end(behind: Behind, recorder: Recorder) -> None:
    run = await behind()
    await handshake(run, recorder)
    assert (await run.client_hears())["method"] == "notifications/message"
    run.client_says(message("ping", 1))
    await run.client_hears()
    await run.close()
    first, *later = recorder.received
    assert first.header("mcp-session-id") is None
    assert first.header("mcp-protocol-version") is None
    assert {(one.header("mcp-session-id"), one.header("mcp-protocol-version")) for one in later} == {
        ("s-1", "2025-11-25")
    }
    assert [one.verb for one in later if one.verb != "POST"] == ["GET", "DELETE"]


async def test_a_stateless_call_carries_what_its_body_says(behind: Behind, recorder: Recorder) -> None:
    schema = {
        "type": "object",
        "properties": {
            "region": {"type": "string", "x-mcp-header": "Region"},
            "count": {"type": "integer", "x-mcp-header": "Count"},
            "sure": {"type": "boolean", "x-mcp-header": "Sure"},
            "none": {"type": "string", "x-mcp-header": "None"},
        },
    }

    async def reply(request: Received, writer: Writer) -> None:
        tools = {"tools": [{"name": "würfel", "inputSchema": schema}], "resultType": "complete"}
        body = tools if b"tools/list" in request.body else {"content": [], "resultType": "complete"}
        writer.write(http(200, json.dumps({"jsonrpc": "2.0", "id": request.json["id"], "result": body}).encode()))

    recorder.reply = reply
    run = await behind()
    arguments = {"region": " nord", "count": 3, "sure": True}
    run.client_says(message("tools/call", 1, name="würfel", arguments=arguments, _meta=MODERN))
    assert (await run.client_hears())["id"] == 1
    (made,) = recorder.calls
    assert made.header("mcp-protocol-version") == "2026-07-28"
    assert made.header("mcp-method") == "tools/call"
    assert made.header("mcp-name") == "=?base64?d8O8cmZlbA==?="
    assert made.header("mcp-param-region") == "=?base64?IG5vcmQ=?="
    assert made.header("mcp-param-count") == "3"
    assert made.header("mcp-param-sure") == "true"
    assert made.header("mcp-param-none") is None


async def test_given_headers_are_sent_and_shown_to_nobody(behind: Behind, recorder: Recorder, place: Path) -> None:
    (place / "secret").write_text("from a file\n")
    options = ("--header", "X-One: plain", "--header", "X-Two: env:TWO", "--header", f"X-Three: @{place / 'secret'}")
    run = await behind(ALLOW, *options, TWO="from outside")
    run.client_says(message("ping", 1))
    answer = await run.client_line()
    (asked,) = recorder.received
    assert [asked.header(f"x-{n}") for n in ("one", "two", "three")] == ["plain", "from outside", "from a file"]
    assert b"outside" not in answer


@pytest.mark.parametrize(("status", "given_back"), [(401, True), (403, False), (429, True), (500, False)])
async def test_a_failing_server_is_an_error_and_only_what_did_not_run_is_free(
    behind: Behind, recorder: Recorder, status: int, given_back: bool
) -> None:
    recorder.reply = answering(status, b"no", ("retry-after", "7"))
    run = await behind(ONCE)
    run.client_says(call(1, "run"))
    failed = await run.client_hears()
    assert f"HTTP status {status}, retry after 7" in failed["error"]["message"]
    recorder.reply = plain
    run.client_says(call(2, "run"))
    again = await run.client_hears()
    assert again["result"]["isError"] is not given_back


async def test_the_error_in_a_400_reaches_the_client_under_its_own_id(behind: Behind, recorder: Recorder) -> None:
    body = b'{"jsonrpc":"2.0","id":"server-error","error":{"code":-32022,"message":"unsupported","data":{"n":1.0}}}'
    recorder.reply = answering(400, body)
    run = await behind()
    run.client_says(message("server/discover", 1, _meta=MODERN))
    assert await run.client_hears() == {**json.loads(body), "id": 1}


async def test_a_server_that_is_not_there_costs_nothing(behind: Behind, recorder: Recorder) -> None:
    run = await behind(ONCE, url="http://127.0.0.1:1/mcp")
    for n in range(2):
        run.client_says(call(n, "run"))
        assert "upstream failed" in (await run.client_hears())["error"]["message"]
    await run.close()
    outcomes = [entry for entry in run.records() if entry["kind"] == "outcome"]
    assert [entry["result"] for entry in outcomes] == ["unreachable", "unreachable"]
    assert all(entry["rolled_back"] for entry in outcomes)


async def test_a_session_that_the_server_ended_ends_the_wrapper(behind: Behind, recorder: Recorder) -> None:
    run = await behind()
    await handshake(run, recorder)
    recorder.reply = answering(404)
    run.client_says(message("ping", 1))
    await run.complaint("the server ended the session")
    assert await run.ended() == 1


async def test_cancelling_closes_the_exchange_in_the_stateless_era(behind: Behind, recorder: Recorder) -> None:
    reached = asyncio.Event()

    async def hang(request: Received, writer: Writer) -> None:
        if b"tools/list" in request.body:
            await plain(request, writer)
        else:
            reached.set()
            await asyncio.Event().wait()

    recorder.reply = hang
    run = await behind()
    run.client_says(message("tools/call", 1, name="run", _meta=MODERN))
    await asyncio.wait_for(reached.wait(), PATIENCE)
    run.client_says(message("notifications/cancelled", requestId=1))
    await asyncio.wait_for(recorder.hung_up.wait(), PATIENCE)
    assert not any(b"cancelled" in one.body for one in recorder.received)


async def test_a_stream_without_an_answer_fails_its_request(behind: Behind, recorder: Recorder) -> None:
    async def silent(request: Received, writer: Writer) -> None:
        writer.write(events(message("notifications/progress", progressToken=1, progress=1)))

    recorder.reply = silent
    run = await behind()
    run.client_says(message("ping", 1))
    assert (await run.client_hears())["method"] == "notifications/progress"
    assert "without an answer" in (await run.client_hears())["error"]["message"]


async def test_events_pass_one_by_one_and_requests_in_them_are_judged(behind: Behind, recorder: Recorder) -> None:
    async def asking(request: Received, writer: Writer) -> None:
        if b'"ping"' not in request.body:
            writer.write(http(202, b""))
        else:
            asked = message("sampling/createMessage", 9, messages=[])
            writer.write(events(asked, {"jsonrpc": "2.0", "id": 1, "result": {}}))

    recorder.reply = asking
    run = await behind({"version": "1", "default": "deny"})
    run.client_says(message("ping", 1))
    assert (await run.client_hears())["id"] == 1
    async with asyncio.timeout(PATIENCE):
        while not (told := [one.json for one in recorder.received if b'"error"' in one.body]):
            await asyncio.sleep(0.01)
    assert told[0]["id"] == 9


@pytest.mark.parametrize(
    ("options", "cause"),
    [
        (["--upstream", "http://example.com/mcp"], "https"),
        (["--upstream", "https://user@example.com/mcp"], "user"),
        (["--upstream", "http://127.0.0.1:1/", "--header", "Host: a"], "written by the gateway itself"),
        (["--upstream", "http://127.0.0.1:1/", "--header", "X: env:NOT_SET_ANYWHERE"], "is not set"),
        (["--upstream", "http://127.0.0.1:1/", "--", "cat"], "at once"),
        (["--header", "X: 1", "--", "cat"], "go with --upstream"),
        ([], "no server is named"),
    ],
)
async def test_what_cannot_be_reached_is_said_before_anything_starts(
    place: Path, options: list[str], cause: str
) -> None:
    run = Wrapped(place)
    run.write_policy(ALLOW)
    words = ["-m", "toolgate", "run", "-c", str(run.policy), "--data", str(run.data), *options]
    status, said = await run.finished(*words)
    assert status == 2
    assert cause in said
