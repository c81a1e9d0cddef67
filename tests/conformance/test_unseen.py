"""What the official suite does not look at. docs/conformance.md says which test looks at what."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from tests.gateway.running import ALLOW_ALL, Gateway, Grant, Received, Recorder, call, http, modern
from tests.gateway.speaking import connected, request_of
from tests.gateway.test_sessions import handshake, initialize, request
from tests.gateway.test_streams import HEAD, chunk

pytestmark = pytest.mark.slow

TURNS = 50
"""Round trips of somebody else within which the end of a client must have reached the upstream."""
NUMBERS = (
    b'{"one": 1.0, "thousand": 1e3, "tiny": 1E-7, "big": 123456789012345678901234567890,'
    b' "tenth": 0.1000000000000000055511151231257827, "minus": -0, "text": "\\u00e9\\/\\ud83e\\udd80 \xc3\xa9"}'
)
ERAS = ("handshake", "stateless")
both_eras = pytest.mark.parametrize("era", ERAS)


def asked(era: str, body: bytes) -> tuple[str, ...]:
    """The further header lines of a request of this era; `body` is for those that repeat it."""
    if era == "handshake":
        return ()
    message = json.loads(body)
    name = message["params"].get("name")
    lines = ("mcp-protocol-version: 2026-07-28", f"mcp-method: {message['method']}")
    return (*lines, f"mcp-name: {name}") if name else lines


def calling(era: str, arguments: bytes = b"{}") -> bytes:
    """A call of this era whose arguments are these bytes."""
    message = call("run", {}) if era == "handshake" else modern("tools/call", {"name": "run", "arguments": {}})[0]
    return json.dumps(message).encode().replace(b'"arguments": {}', b'"arguments": ' + arguments)


async def post(grant: Grant, era: str, body: bytes) -> Any:
    async with connected(grant.gateway.port) as speaker:
        return await speaker.post(grant, body, *asked(era, body))


def answering(result: bytes, *, stream: bool = False) -> Callable[[Received, asyncio.StreamWriter], Awaitable[None]]:
    """An upstream whose result is these bytes."""

    async def answer(request: Received, writer: asyncio.StreamWriter) -> None:
        body = b'{"jsonrpc": "2.0", "id": %d, "result": %b}' % (request.json["id"], result)
        if stream:
            writer.write(HEAD + chunk(b"id: 7\ndata: " + body + b"\n\n") + b"0\r\n\r\n")
        else:
            writer.write(http(200, body))
        await writer.drain()

    return answer


async def test_the_token_goes_upstream_with_nothing_at_all(gateway: Gateway, recorder: Recorder) -> None:
    recorder.reply = handshake
    grant = gateway.grant(gateway.add_server(recorder.url), ALLOW_ALL)
    session = (await initialize(grant)).headers["mcp-session-id"]
    for body in (b'{"jsonrpc":"2.0","method":"notifications/initialized"}', b'{"jsonrpc":"2.0","id":"s","result":{}}'):
        assert (await grant.post(body, mcp_session_id=session)).status == 202
    for era in ERAS:
        assert (await post(grant, era, calling(era))).status == 200
    for verb in ("GET", "DELETE"):
        await request(grant, verb, session)
    assert [one.verb for one in recorder.received] == ["POST"] * 5 + ["GET", "DELETE"]
    for one in recorder.received:
        assert one.header("authorization") is None
        assert grant.token not in one.target + str(one.headers) + one.body.decode()


@pytest.mark.parametrize("status", [200, 202, 204])
@pytest.mark.parametrize(
    "body",
    [
        b'{"jsonrpc":"2.0","method":"notifications/initialized"}',
        b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}',
        b'{"jsonrpc":"2.0","id":"s1","error":{"code":-1,"message":"no"}}',
    ],
)
async def test_what_wants_no_answer_gets_202_and_no_body(
    gateway: Gateway, recorder: Recorder, body: bytes, status: int
) -> None:
    async def accept(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(http(status, b""))

    recorder.reply = accept
    grant = gateway.grant(gateway.add_server(recorder.url), ALLOW_ALL)
    answer = await grant.post(body)
    assert (answer.status, answer.body, answer.headers.get("content-length", "0")) == (202, b"", "0")


@both_eras
@pytest.mark.parametrize(
    "begun", [b"", b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{"]
)
async def test_a_client_that_hangs_up_before_its_json_ends_the_upstream_exchange(
    gateway: Gateway, recorder: Recorder, era: str, begun: bytes
) -> None:
    waiting = asyncio.Event()

    async def never(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(begun)
        waiting.set()
        await asyncio.Event().wait()

    recorder.reply = never
    await check_that_the_end_is_passed_on(gateway, recorder, era, waiting)


@both_eras
async def test_a_client_that_hangs_up_in_a_stream_ends_the_upstream_exchange(
    gateway: Gateway, recorder: Recorder, era: str
) -> None:
    waiting = asyncio.Event()

    async def endless(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + chunk(b": begun\n\n"))
        waiting.set()
        await asyncio.Event().wait()

    recorder.reply = endless
    await check_that_the_end_is_passed_on(gateway, recorder, era, waiting)


async def check_that_the_end_is_passed_on(
    gateway: Gateway, recorder: Recorder, era: str, waiting: asyncio.Event
) -> None:
    grant = gateway.grant(gateway.add_server(recorder.url), ALLOW_ALL)
    body = calling(era)
    async with asyncio.timeout(20), connected(gateway.port) as other:
        _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.write(request_of(grant, body, *asked(era, body)))
        await waiting.wait()
        writer.transport.abort()
        turns = 0
        while not recorder.hung_up.is_set():
            turns += 1
            assert turns <= TURNS, "the upstream does not learn that nobody waits"
            assert (await other.say(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")).status == 200
            await asyncio.sleep(0.005)
    (outcome,) = await gateway.outcomes(*grant.decisions())
    assert outcome.result == "client_gone"


@both_eras
async def test_the_largest_body_passes_and_one_byte_more_does_not(
    gateway: Gateway, recorder: Recorder, era: str
) -> None:
    grant = gateway.grant(gateway.add_server(recorder.url), ALLOW_ALL)
    most = 1024 * 1024
    fill = most - len(calling(era, b'{"text": ""}'))
    body = calling(era, b'{"text": "%b"}' % (b"x" * fill))
    assert len(body) == most
    assert (await post(grant, era, body)).status == 200
    assert [one.body for one in recorder.calls] == [body]
    assert (await post(grant, era, body.replace(b"xx", b"xxx", 1))).status == 413
    assert len(recorder.calls) == 1


@both_eras
@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_of_sixteen_megabytes_passes_byte_for_byte(
    gateway: Gateway, recorder: Recorder, era: str, stream: bool
) -> None:
    text = b"y" * (16 * 1024 * 1024 - 200)
    result = b'{"content": [{"type": "text", "text": "%b"}], "resultType": "complete"}' % text
    recorder.reply = answering(result, stream=stream)
    grant = gateway.grant(gateway.add_server(recorder.url), ALLOW_ALL)
    answer = await post(grant, era, calling(era))
    expected = b'{"jsonrpc": "2.0", "id": 1, "result": %b}' % result
    assert answer.body == (b"id: 7\ndata: " + expected + b"\n\n" if stream else expected)


@both_eras
async def test_the_first_event_of_a_call_is_not_held_back(gateway: Gateway, recorder: Recorder, era: str) -> None:
    seen = asyncio.Event()
    first = b'event: message\ndata: {"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":1.0}}\n\n'
    last = b'data: {"jsonrpc":"2.0","id":1,"result":{"content":[],"resultType":"complete"}}\n\n'

    async def two(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + chunk(first))
        await seen.wait()
        writer.write(chunk(last) + b"0\r\n\r\n")

    recorder.reply = two
    grant = gateway.grant(gateway.add_server(recorder.url), ALLOW_ALL)
    body = calling(era)
    lines = dict(line.split(": ", 1) for line in asked(era, body))
    async with (
        asyncio.timeout(20),
        aiohttp.ClientSession() as client,
        client.post(grant.url, data=body, headers={**grant.headers(), **lines}) as response,
    ):
        assert await response.content.readexactly(len(first)) == first
        seen.set()
        assert await response.content.read() == last


async def test_the_answer_to_a_request_of_the_server_ends_the_call_that_asked(
    gateway: Gateway, recorder: Recorder
) -> None:
    answered = asyncio.Event()
    question = b'data: {"jsonrpc":"2.0","id":"q-1","method":"elicitation/create","params":{"message":"?"}}\n\n'
    last = b'data: {"jsonrpc":"2.0","id":1,"result":{"content":[]}}\n\n'

    async def asking(request: Received, writer: asyncio.StreamWriter) -> None:
        if b"tools/call" not in request.body:
            answered.set()
            writer.write(http(202, b""))
            return
        writer.write(HEAD + chunk(question))
        await answered.wait()
        writer.write(chunk(last) + b"0\r\n\r\n")

    recorder.reply = asking
    grant = gateway.grant(gateway.add_server(recorder.url), ALLOW_ALL)
    said = b'{"jsonrpc":"2.0","id":"q-1","result":{"action":"accept","content":%b}}' % NUMBERS
    async with (
        asyncio.timeout(20),
        aiohttp.ClientSession() as client,
        client.post(grant.url, data=calling("handshake"), headers=grant.headers()) as response,
    ):
        assert await response.content.readexactly(len(question)) == question
        assert (await grant.post(said)).status == 202
        assert await response.content.read() == last
    assert recorder.received[-1].body == said


@both_eras
@pytest.mark.parametrize("stream", [False, True])
async def test_numbers_and_escapes_pass_as_they_were_written(
    gateway: Gateway, recorder: Recorder, era: str, stream: bool
) -> None:
    result = b'{"content": [], "structuredContent": %b, "resultType": "complete"}' % NUMBERS
    recorder.reply = answering(result, stream=stream)
    grant = gateway.grant(gateway.add_server(recorder.url), ALLOW_ALL)
    body = calling(era, NUMBERS)
    answer = await post(grant, era, body)
    assert [one.body for one in recorder.calls] == [body]
    assert b'"result": ' + result in answer.body


@both_eras
async def test_what_stays_of_a_filtered_list_passes_as_it_was_written(
    gateway: Gateway, recorder: Recorder, era: str
) -> None:
    kept = b'{"name": "run", "inputSchema": {"type": "object", "x-exact": %b}}' % NUMBERS
    recorder.reply = answering(b'{"tools": [{"name": "gone", "inputSchema": {"type": "object"}}, %b]}' % kept)
    policy = {"version": "1", "default": "allow", "hide": ["gone"]}
    grant = gateway.grant(gateway.add_server(recorder.url), policy)
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    body = json.dumps(message if era == "handshake" else modern("tools/list", {})[0]).encode()
    answer = await post(grant, era, body)
    assert kept in answer.body
    assert b"gone" not in answer.body


async def test_a_server_that_is_too_busy_fails_the_call_alone(gateway: Gateway, recorder: Recorder) -> None:
    """Its 503 would end sessions, and its `Retry-After` belongs to it. A 429 passes as it is, with that header."""

    async def busy(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(http(503, b"later", ("retry-after", "7")))

    recorder.reply = busy
    answer = await gateway.grant(gateway.add_server(recorder.url), ALLOW_ALL).call("run")
    assert answer.status == 200
    assert answer.json["error"]["data"] == {"source": "toolgate", "status": 503}
    assert "retry-after" not in answer.headers


async def test_a_task_of_the_stateless_era_goes_its_way_for_its_own_grant_alone(
    gateway: Gateway, recorder: Recorder
) -> None:
    started = b'{"resultType": "task", "taskId": "t-9", "status": "working", "ttlMs": 60000}'
    done = b'{"resultType": "complete", "taskId": "t-9", "status": "completed", "result": %b}' % NUMBERS

    async def tasks(request: Received, writer: asyncio.StreamWriter) -> None:
        await answering(started if request.json["method"] == "tools/call" else done)(request, writer)

    recorder.reply = tasks
    server = gateway.add_server(recorder.url)
    grant, other = gateway.grant(server, ALLOW_ALL), gateway.grant(server, ALLOW_ALL)
    assert started in (await post(grant, "stateless", calling("stateless"))).body
    ask = json.dumps(task_request("tasks/get", declared=True)).encode()
    lines = ("mcp-protocol-version: 2026-07-28", "mcp-method: tasks/get", "mcp-name: t-9")
    async with connected(gateway.port) as speaker:
        assert done in (await speaker.post(grant, ask, *lines)).body
        before = len(recorder.received)
        assert (await speaker.post(other, ask, *lines)).json["error"]["code"] == -32602
    assert len(recorder.received) == before


@pytest.mark.parametrize(
    ("method", "declared", "code"),
    [
        ("tasks/get", True, -32602),
        ("tasks/update", True, -32602),
        ("tasks/cancel", True, -32602),
        ("tasks/get", False, -32021),
        ("tasks/cancel", False, -32021),
        ("tasks/result", True, -32601),
    ],
)
async def test_a_task_of_nobody_gets_the_answer_of_a_server_that_does_not_know_it(
    gateway: Gateway, recorder: Recorder, method: str, declared: bool, code: int
) -> None:
    grant = gateway.grant(gateway.add_server(recorder.url), ALLOW_ALL)
    body = json.dumps(task_request(method, declared=declared)).encode()
    lines = ("mcp-protocol-version: 2026-07-28", f"mcp-method: {method}", "mcp-name: t-9")
    async with connected(gateway.port) as speaker:
        answer = await speaker.post(grant, body, *lines)
    assert (answer.status, answer.json["error"]["code"]) == (200, code)
    assert answer.json["error"]["data"]["source"] == "toolgate"
    assert recorder.received == []
    assert [decision.rule for decision in grant.decisions()] == ["(task)"]


def task_request(method: str, *, declared: bool) -> Any:
    message, _ = modern(method, {"taskId": "t-9"})
    capabilities: Any = {"extensions": {"io.modelcontextprotocol/tasks": {}}} if declared else {}
    message["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] = capabilities
    return message


async def test_a_task_of_the_handshake_era_gives_its_result_as_it_was_written(
    gateway: Gateway, recorder: Recorder
) -> None:
    started = b'{"task": {"taskId": "t-8", "status": "working"}}'
    done = b'{"content": [], "structuredContent": %b}' % NUMBERS

    async def tasks(request: Received, writer: asyncio.StreamWriter) -> None:
        await answering(started if request.json["method"] == "tools/call" else done)(request, writer)

    recorder.reply = tasks
    server = gateway.add_server(recorder.url)
    grant, other = gateway.grant(server, ALLOW_ALL), gateway.grant(server, ALLOW_ALL)
    assert started in (await post(grant, "handshake", calling("handshake"))).body
    ask = {"jsonrpc": "2.0", "id": 2, "method": "tasks/result", "params": {"taskId": "t-8"}}
    assert done in (await grant.post(ask)).body
    assert (await other.post(ask)).json["error"]["code"] == -32602
