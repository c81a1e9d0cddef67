"""Open streams: nothing held back, ended with their grant or their client, told of changes."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import aiohttp
import pytest

from toolgate.store import grants

from .running import ALLOW_ALL, Gateway, Grant, Received, Recorder, http
from .test_sessions import handshake, initialize

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


class Stream:
    """An upstream that opens a stream and sends what the test says, when it says so."""

    def __init__(self) -> None:
        self.opened = asyncio.Event()
        self.writer: asyncio.StreamWriter | None = None

    async def __call__(self, request: Received, writer: asyncio.StreamWriter) -> None:
        if request.verb == "POST" and b"tools/call" not in request.body:
            await handshake(request, writer)
            return
        self.writer = writer
        writer.write(HEAD)
        self.opened.set()
        await asyncio.Event().wait()

    def send(self, data: bytes) -> None:
        assert self.writer is not None
        self.writer.write(chunk(data))


@pytest.fixture
def stream(recorder: Recorder) -> Stream:
    recorder.reply = Stream()
    assert isinstance(recorder.reply, Stream)
    return recorder.reply


@pytest.fixture
def grant(gateway: Gateway, recorder: Recorder, stream: Stream) -> Grant:
    return gateway.grant(gateway.add_server(recorder.url), ALLOW_ALL)


async def test_each_event_passes_as_soon_as_it_is_whole(grant: Grant, stream: Stream) -> None:
    async with (
        aiohttp.ClientSession() as client,
        client.get(grant.url, headers=grant.headers()) as response,
        asyncio.timeout(20),
    ):
        assert response.status == 200
        for raw in (b": comment\n\n", b"id: 1\ndata:\n\n", b'data: {"jsonrpc":"2.0","method":"notifications/x"}\n\n'):
            await stream.opened.wait()
            stream.send(raw)
            assert await response.content.readexactly(len(raw)) == raw


async def test_an_event_in_pieces_passes_whole(grant: Grant, stream: Stream) -> None:
    raw = b'event: message\r\nid: 7\r\ndata: {"jsonrpc":"2.0",\r\ndata: "method":"notifications/x"}\r\n\r\n'
    async with (
        aiohttp.ClientSession() as client,
        client.get(grant.url, headers=grant.headers()) as response,
        asyncio.timeout(20),
    ):
        await stream.opened.wait()
        for byte in raw:
            stream.send(bytes([byte]))
        assert await response.content.readexactly(len(raw)) == raw


async def test_a_client_that_hangs_up_ends_the_upstream_exchange(
    gateway: Gateway, grant: Grant, stream: Stream, recorder: Recorder
) -> None:
    async with aiohttp.ClientSession() as client:
        calling = asyncio.ensure_future(grant.call("run"))
        async with asyncio.timeout(20):
            await stream.opened.wait()
            calling.cancel()
            await recorder.hung_up.wait()
        del client
    (outcome,) = await gateway.outcomes(*grant.decisions())
    assert outcome.result == "client_gone"


async def test_a_revoked_grant_is_refused_and_its_open_stream_closes(
    gateway: Gateway, grant: Grant, stream: Stream, recorder: Recorder
) -> None:
    async with (
        aiohttp.ClientSession() as client,
        client.get(grant.url, headers=grant.headers()) as response,
        asyncio.timeout(20),
    ):
        await stream.opened.wait()
        await asyncio.to_thread(revoke, gateway, grant)
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.content.read()
        await recorder.hung_up.wait()
    assert (await grant.call("run")).status == 401


def revoke(gateway: Gateway, grant: Grant) -> None:
    grants.revoke(gateway.engine, "test", grant.id)
    gateway.settle()


async def test_an_expired_grants_stream_closes_by_itself(gateway: Gateway, recorder: Recorder, stream: Stream) -> None:
    grant = gateway.grant(gateway.add_server(recorder.url), ALLOW_ALL, expires=time.time() + 1.0)
    async with (
        aiohttp.ClientSession() as client,
        client.get(grant.url, headers=grant.headers()) as response,
        asyncio.timeout(20),
    ):
        assert response.status == 200
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.content.read()


async def test_a_listening_session_is_told_that_its_tools_changed(grant: Grant, stream: Stream) -> None:
    session = (await initialize(grant)).headers["mcp-session-id"]
    async with (
        aiohttp.ClientSession() as client,
        client.get(grant.url, headers=grant.headers(mcp_session_id=session)) as response,
        asyncio.timeout(20),
    ):
        await stream.opened.wait()
        await asyncio.to_thread(grant.use, {"version": "1", "default": "deny"})
        lines = [await response.content.readline() for _ in range(3)]
    assert json.loads(lines[1].removeprefix(b"data: "))["method"] == "notifications/tools/list_changed"


async def test_a_request_of_the_server_needs_the_policys_consent(
    gateway: Gateway, recorder: Recorder, stream: Stream
) -> None:
    grant = gateway.grant(gateway.add_server(recorder.url), {"version": "1", "default": "deny", "tools": {"run": {}}})
    sampling = {"jsonrpc": "2.0", "id": "s1", "method": "sampling/createMessage", "params": {"messages": []}}
    note = b'data: {"jsonrpc":"2.0","method":"notifications/message"}\n\n'
    async with (
        aiohttp.ClientSession() as client,
        client.get(grant.url, headers=grant.headers()) as response,
        asyncio.timeout(20),
    ):
        await stream.opened.wait()
        stream.send(b"data: " + json.dumps(sampling).encode() + b"\n\n")
        stream.send(note)
        assert await response.content.readexactly(len(note)) == note
    refusal: Any = (await recorder.saw("POST")).json
    assert refusal["id"] == "s1"
    assert refusal["error"]["data"]["source"] == "toolgate"
    assert "(method)" in [decision.rule for decision in grant.decisions()]


@pytest.mark.parametrize(
    "disguised",
    [
        b'{"jsonrpc":"2.0","id":1.0,"method":"sampling/createMessage","params":{}}',
        b'{"jsonrpc":"2.0","id":null,"method":"sampling/createMessage","params":{}}',
        b'{"jsonrpc":"2.0","id":1,"method":"sampling/createMessage","method":"ping"}',
        b'{"jsonrpc":"2.0","id":1,"Method":"sampling/createMessage","method":"ping"}',
    ],
)
async def test_a_request_of_the_server_in_more_than_one_meaning_ends_its_stream(
    gateway: Gateway, recorder: Recorder, stream: Stream, disguised: bytes
) -> None:
    grant = gateway.grant(gateway.add_server(recorder.url), {"version": "1", "default": "deny", "tools": {"run": {}}})
    async with (
        aiohttp.ClientSession() as client,
        client.get(grant.url, headers=grant.headers()) as response,
        asyncio.timeout(20),
    ):
        await stream.opened.wait()
        stream.send(b"data: " + disguised + b"\n\n")
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.content.read()


async def test_a_stream_that_is_cut_by_the_server_is_cut_for_the_client(
    grant: Grant, recorder: Recorder, stream: Stream
) -> None:
    async def broken(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + chunk(b": hello\n\n"))
        writer.transport.abort()

    recorder.reply = broken
    with pytest.raises(aiohttp.ClientPayloadError):
        await grant.call("run")


@pytest.mark.parametrize("default", ["allow", "deny"])
async def test_an_answer_to_a_request_of_the_server_reaches_it_as_it_is(
    gateway: Gateway, recorder: Recorder, default: str
) -> None:
    grant = gateway.grant(gateway.add_server(recorder.url), {"version": "1", "default": default})

    async def accepted(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(http(202, b""))

    recorder.reply = accepted
    body = b'{"jsonrpc":"2.0","id":"s1","result":{"n":1.0}}'
    assert (await grant.post(body)).status == 202
    assert recorder.received[0].body == body
