"""One call of a tool through the gateway, as the dashboard makes it for people who want to see what a grant gives."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.gateway.running import Gateway, Grant, Received, Recorder, http

from toolgate.store import servers
from toolgate.upstream.address import parse_url
from toolgate.upstream.conversation import ConversationFailed
from toolgate.upstream.http import HttpUpstream
from toolgate.upstream.trial import try_call

POLICY = {
    "version": "1",
    "default": "deny",
    "tools": {"echo": {}, "secret": {"action": "deny", "reason": "Not yours."}},
}


@asynccontextmanager
async def way_to(grant: Grant) -> AsyncIterator[HttpUpstream]:
    endpoint = parse_url(grant.url, allow_private=True)
    upstream = HttpUpstream(endpoint, [("authorization", f"Bearer {grant.token}")], allow_private=True)
    try:
        yield upstream
    finally:
        await upstream.close()


@pytest.mark.slow
async def test_a_call_of_the_stateless_era_passes_or_is_denied(gateway: Gateway) -> None:
    command = (sys.executable, str(Path(__file__).parent / "sdk_server.py"))
    server = servers.add(gateway.engine, "test", gateway.name("server"), command=command)
    grant = gateway.grant(server.id, POLICY)
    async with way_to(grant) as upstream:
        answer = await try_call(upstream, grant.url, "echo", {"text": "hello"})
        denied = await try_call(upstream, grant.url, "secret", {})
    assert answer["result"]["content"][0]["text"] == "hello"
    assert denied["result"]["isError"]
    assert "Not yours." in denied["result"]["content"][0]["text"]
    assert [(decision.tool, decision.outcome) for decision in grant.decisions() if decision.tool] == [
        ("echo", "allow"),
        ("secret", "deny"),
    ]


async def test_a_server_of_the_handshake_era_is_called_once_in_a_session(gateway: Gateway) -> None:
    async def old(request: Received, writer: asyncio.StreamWriter) -> None:
        if request.verb == "DELETE":
            writer.write(http(200, b""))
            return
        message = request.json
        if request.header("mcp-protocol-version") == "2026-07-28":
            writer.write(http(400, b"{}"))
        elif "id" not in message:
            writer.write(http(202, b""))
        else:
            result = {
                "protocolVersion": "2025-06-18",
                "capabilities": {},
                "serverInfo": {"name": "old", "version": "1"},
            }
            body = {"jsonrpc": "2.0", "id": message["id"], "result": result}
            writer.write(http(200, json.dumps(body).encode(), ("mcp-session-id", "s1")))

    recorder = await Recorder(old).start()
    grant = gateway.grant(gateway.add_server(recorder.url), {"version": "1", "default": "allow"})
    try:
        async with way_to(grant) as upstream:
            answer = await try_call(upstream, grant.url, "anything", {})
    finally:
        await recorder.stop()
    assert "protocolVersion" in answer["result"]
    assert len(recorder.calls) == 1
    assert recorder.received[-1].verb == "DELETE"


async def test_a_token_that_is_refused_is_said(gateway: Gateway, tmp_path: Path) -> None:
    grant = Grant(gateway, "", "tg_none", "00000000-0000-4000-8000-000000000009", "")
    async with way_to(grant) as upstream:
        with pytest.raises(ConversationFailed):
            await try_call(upstream, grant.url, "echo", {})
