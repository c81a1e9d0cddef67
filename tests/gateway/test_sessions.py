"""Sessions of the handshake era: sealed to one grant and one server, for every verb."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from .running import ALLOW_ALL, Answer, Gateway, Grant, Received, Recorder, events, http

pytestmark = pytest.mark.slow


async def handshake(request: Received, writer: asyncio.StreamWriter) -> None:
    """A server that gives the session id `upstream-secret-id` and answers everything else plainly."""
    if request.verb != "POST":
        writer.write(http(200, b"") if request.verb == "DELETE" else http(405, b""))
        return
    message = request.json
    if "id" not in message:
        writer.write(http(202, b""))
        return
    result: Any = {"content": []}
    if message["method"] == "initialize":
        result = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {"listChanged": True}}, "serverInfo": {}}
    body = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}).encode()
    writer.write(http(200, body, ("mcp-session-id", "upstream-secret-id")))


@pytest.fixture
def grant(gateway: Gateway, recorder: Recorder) -> Grant:
    recorder.reply = handshake
    return gateway.grant(gateway.add_server(recorder.url), ALLOW_ALL)


async def initialize(grant: Grant) -> Answer:
    params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    return await grant.post({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params})


async def request(grant: Grant, verb: str, session: str) -> int:
    async with (
        aiohttp.ClientSession() as client,
        client.request(verb, grant.url, headers=grant.headers(mcp_session_id=session)) as response,
    ):
        return response.status


async def test_the_client_gets_a_sealed_id_and_the_server_its_own(grant: Grant, recorder: Recorder) -> None:
    session = (await initialize(grant)).headers["mcp-session-id"]
    assert "upstream-secret-id" not in session
    answer = await grant.call("run", mcp_session_id=session)
    assert answer.headers["mcp-session-id"] == session
    assert recorder.calls[0].header("mcp-session-id") == "upstream-secret-id"
    assert await request(grant, "DELETE", session) == 200
    assert recorder.received[-1].header("mcp-session-id") == "upstream-secret-id"


@pytest.mark.parametrize("status", [405, 409])
async def test_why_a_server_opens_no_stream_reaches_the_client(grant: Grant, recorder: Recorder, status: int) -> None:
    session = (await initialize(grant)).headers["mcp-session-id"]

    async def no_stream(_request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(http(status, b""))

    recorder.reply = no_stream
    assert await request(grant, "GET", session) == status


async def test_a_session_in_a_stream_is_sealed_with_what_its_answer_says(grant: Grant, recorder: Recorder) -> None:
    async def streamed(received: Received, writer: asyncio.StreamWriter) -> None:
        result = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {"listChanged": True}}}
        stream = events({"jsonrpc": "2.0", "id": 0, "result": result}, first=b"id: 1\ndata:\n\n")
        writer.write(stream.replace(b"\r\n\r\n", b"\r\nmcp-session-id: up-1\r\n\r\n", 1))

    recorder.reply = streamed
    session = (await initialize(grant)).headers["mcp-session-id"]
    recorder.reply = handshake
    await grant.call("run", mcp_session_id=session)
    assert recorder.calls[0].header("mcp-session-id") == "up-1"
    assert grant.decisions()[-1].protocol == "2025-06-18"


@pytest.mark.parametrize("verb", ["POST", "GET", "DELETE"])
async def test_nobody_else_can_use_a_session_cve_2026_52869(
    gateway: Gateway, grant: Grant, recorder: Recorder, verb: str
) -> None:
    session = (await initialize(grant)).headers["mcp-session-id"]
    other = gateway.grant(grant.server, ALLOW_ALL)
    before = len(recorder.received)
    for stolen in (session, "upstream-secret-id", session[:-2], "tg1.AAAA", "tg1."):
        if verb == "POST":
            status = (await other.call("run", mcp_session_id=stolen)).status
        else:
            status = await request(other, verb, stolen)
        assert status == 404
    assert len(recorder.received) == before


async def test_a_session_cannot_be_carried_to_another_server_ghsa_mvgg_jvj2_4frq(
    gateway: Gateway, grant: Grant, recorder: Recorder
) -> None:
    session = (await initialize(grant)).headers["mcp-session-id"]
    elsewhere = gateway.grant(gateway.add_server(recorder.url), ALLOW_ALL)
    assert (await elsewhere.call("run", mcp_session_id=session)).status == 404


async def test_a_session_outlives_a_restart_of_the_gateway(tmp_path: Any, recorder: Recorder) -> None:
    recorder.reply = handshake
    gateway = Gateway(tmp_path / "data").start()
    try:
        grant = gateway.grant(gateway.add_server(recorder.url), ALLOW_ALL)
        session = (await initialize(grant)).headers["mcp-session-id"]
        await asyncio.to_thread(gateway.stop)
        await asyncio.to_thread(gateway.start)
        assert (await grant.call("run", mcp_session_id=session)).status == 200
    finally:
        await asyncio.to_thread(gateway.close)


async def test_a_policy_change_holds_in_a_running_session(grant: Grant) -> None:
    session = (await initialize(grant)).headers["mcp-session-id"]
    assert "content" in (await grant.call("run", mcp_session_id=session)).json["result"]
    grant.use({"version": "1", "default": "deny"})
    assert (await grant.call("run", mcp_session_id=session)).text == "Unknown tool: run"


async def test_session_limits_count_each_session_by_itself(grant: Grant) -> None:
    limit = {"counter": "few", "window": "day", "max": 1, "scope": "session"}
    grant.use({"version": "1", "default": "allow", "tools": {"run": {"limits": [limit]}}})
    session = (await initialize(grant)).headers["mcp-session-id"]
    assert "error" not in (await grant.call("run", mcp_session_id=session)).json
    assert (await grant.call("run", mcp_session_id=session)).denied
