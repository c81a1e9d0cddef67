"""HTTP clients of both eras, a whole gateway, a server made with the official SDK over stdio."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import httpx2
import psutil
import pytest
from mcp import Client, MCPError
from mcp.client.client import ConnectMode
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.subscriptions import ToolsListChanged
from mcp_types import CallToolResult, CreateMessageResult, ElicitResult, TextContent
from tests.gateway.running import ALLOW_ALL, Gateway, Grant, modern

from toolgate.store import servers, stopping

from .speaking import PEER, until

SERVER = Path(__file__).with_name("sdk_server.py")
POLICY: dict[str, Any] = {
    "version": "1",
    "default": "allow",
    "hide": ["secret"],
    "tools": {"echo": {"deny_if": [{"conditions": [{"path": "args.text", "op": "eq", "value": "no"}]}]}},
}
INITIALIZE: dict[str, Any] = {
    "jsonrpc": "2.0",
    "id": 0,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
}
both_eras = pytest.mark.parametrize("mode", ["legacy", "2026-07-28", "auto"])

pytestmark = pytest.mark.slow


def add(gateway: Gateway, *command: str) -> str:
    return servers.add(gateway.engine, "test", gateway.name("stdio"), command=[sys.executable, *command]).id


@pytest.fixture(scope="module")
def server(gateway: Gateway) -> str:
    return add(gateway, str(SERVER))


@asynccontextmanager
async def connected(grant: Grant, mode: ConnectMode) -> AsyncIterator[Client]:
    async def elicited(context: Any, params: Any) -> ElicitResult:
        return ElicitResult(action="accept", content={"name": "Ada"})

    async def sampled(context: Any, params: Any) -> CreateMessageResult:
        said = TextContent(type="text", text="something")
        return CreateMessageResult(role="assistant", content=said, model="model", stop_reason="endTurn")

    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {grant.token}"}, timeout=60) as http,
        Client(
            streamable_http_client(grant.url, http_client=http),
            mode=mode,
            cache=None,
            elicitation_callback=elicited,
            sampling_callback=sampled,
        ) as client,
        asyncio.timeout(60),
    ):
        yield client


def text(result: CallToolResult) -> str:
    return "".join(block.text for block in result.content if isinstance(block, TextContent))


async def number(client: Client) -> int:
    return int(text(await client.call_tool("pid", {})))


@both_eras
async def test_tools_are_listed_called_and_denied(gateway: Gateway, server: str, mode: ConnectMode) -> None:
    grant = gateway.grant(server, POLICY)
    async with connected(grant, mode) as client:
        assert (client.protocol_version == "2026-07-28") == (mode != "legacy")
        names = [tool.name for tool in (await client.list_tools()).tools]
        assert "echo" in names
        assert "secret" not in names
        assert text(await client.call_tool("echo", {"text": "grüße 🦀"})) == "grüße 🦀"
        denied = await client.call_tool("echo", {"text": "no"})
        assert denied.is_error
        assert "[POLICY DENIED]" in text(denied)
        hidden = await client.call_tool("secret", {})
        assert text(hidden) == "Unknown tool: secret"
    calls = [decision for decision in grant.decisions() if decision.tool]
    assert [(one.tool, one.outcome) for one in calls] == [("echo", "allow"), ("echo", "deny"), ("secret", "deny")]
    (outcome,) = await gateway.outcomes(calls[0])
    assert (outcome.result, outcome.status) == ("result", 200)


@both_eras
async def test_progress_and_questions_of_the_server_reach_the_client(
    gateway: Gateway, server: str, mode: ConnectMode
) -> None:
    grant = gateway.grant(server, ALLOW_ALL)
    seen: list[float] = []

    async def told(progress: float, total: float | None, message: str | None) -> None:
        seen.append(progress)

    async with connected(grant, mode) as client:
        counted = await client.call_tool("count", {"to": 5}, progress_callback=told)
        assert text(counted) == "counted to 5"
        assert seen == [1, 2, 3, 4, 5]
        assert text(await client.call_tool("greet", {})) == "hello Ada"
        assert text(await client.call_tool("think", {})) == "the model said something"


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
async def test_a_cancelled_call_is_cancelled_in_the_server(
    gateway: Gateway, server: str, mode: ConnectMode, tmp_path: Path
) -> None:
    file = tmp_path / "state"
    async with connected(gateway.grant(server, ALLOW_ALL), mode) as client:
        waiting = asyncio.ensure_future(client.call_tool("wait", {"file": str(file)}))
        await until(file.exists)
        waiting.cancel()
        await until(lambda: file.read_text() == "cancelled")
        assert text(await client.call_tool("echo", {"text": "still here"})) == "still here"


async def test_two_sessions_have_two_processes_and_share_one_without_sessions(gateway: Gateway) -> None:
    grant = gateway.grant(add(gateway, str(SERVER)), ALLOW_ALL)
    async with connected(grant, "legacy") as one, connected(grant, "legacy") as other:
        assert await number(one) == await number(one) != await number(other)
    async with connected(grant, "2026-07-28") as one, connected(grant, "2026-07-28") as other:
        assert await number(one) == await number(one) == await number(other)


async def test_a_listener_hears_of_changes_of_the_server(gateway: Gateway) -> None:
    grant = gateway.grant(add(gateway, str(SERVER)), ALLOW_ALL)
    async with connected(grant, "2026-07-28") as client, client.listen(tools_list_changed=True) as heard:
        await client.call_tool("change", {})
        assert isinstance(await anext(heard), ToolsListChanged)


async def test_two_clients_may_listen_under_one_id(gateway: Gateway) -> None:
    grant = gateway.grant(add(gateway, str(SERVER)), ALLOW_ALL)
    message, named = modern("subscriptions/listen", {"notifications": {"toolsListChanged": True}})
    headers = grant.headers(**named)
    async with (
        aiohttp.ClientSession() as http,
        http.post(grant.url, json=message, headers=headers) as one,
        http.post(grant.url, json=message, headers=headers) as other,
        asyncio.timeout(60),
    ):
        for stream in (one, other):
            assert b"notifications/subscriptions/acknowledged" in await stream.content.readuntil(b"\n\n")


async def initialized(grant: Grant) -> str:
    opened = await grant.post(INITIALIZE)
    session = opened.headers["mcp-session-id"]
    note = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    assert (await grant.post(note, mcp_session_id=session)).status == 202
    return session


async def test_a_foreign_session_is_404_and_so_is_one_that_ended(gateway: Gateway, server: str) -> None:
    mine, foreign = gateway.grant(server, ALLOW_ALL), gateway.grant(server, ALLOW_ALL)
    session = await initialized(mine)
    assert (await foreign.call("echo", {"text": "x"}, mcp_session_id=session)).status == 404
    assert (await mine.call("echo", {"text": "x"}, mcp_session_id=session)).status == 200
    async with httpx2.AsyncClient() as http:
        ended = await http.delete(mine.url, headers=mine.headers(mcp_session_id=session))
    assert ended.status_code == 200
    assert (await mine.call("echo", {"text": "x"}, mcp_session_id=session)).status == 404


async def test_a_server_that_dies_in_a_call_is_an_error_a_record_and_a_lost_session(
    gateway: Gateway, server: str
) -> None:
    limited = {"version": "1", "default": "allow", "tools": {"*": {"rate_limit": "9/minute"}}}
    grant = gateway.grant(server, limited)
    session = await initialized(grant)
    answer = await grant.call("leave", mcp_session_id=session)
    assert answer.status == 200
    assert "the server process ended: status 7" in answer.json["error"]["message"]
    assert (await grant.call("echo", {"text": "x"}, mcp_session_id=session)).status == 404
    leave, echo = (decision for decision in grant.decisions() if decision.tool)
    lost, refused = await gateway.outcomes(leave, echo)
    assert (lost.result, lost.rolled_back) == ("lost", False)
    assert (refused.status, refused.rolled_back) == (404, True)


async def test_a_program_that_is_not_there_fails_each_call_and_costs_no_quota(gateway: Gateway) -> None:
    missing = servers.add(gateway.engine, "test", gateway.name("stdio"), command=["/nowhere/server"]).id
    limited = {"version": "1", "default": "allow", "tools": {"run": {"rate_limit": {"max": 1, "window": 60}}}}
    grant = gateway.grant(missing, limited)
    message, headers = modern("tools/call", {"name": "run", "arguments": {}})
    for _ in range(2):
        answer = await grant.post(message, **headers)
        assert "its program" in answer.json["error"]["message"]
        assert "/nowhere" not in answer.body.decode()
    assert [decision.outcome for decision in grant.decisions()] == ["allow", "allow"]


async def test_a_removed_server_has_no_process_left(gateway: Gateway) -> None:
    server = add(gateway, str(PEER))
    grant = gateway.grant(server, ALLOW_ALL)
    session = await initialized(grant)
    pid = (await grant.post({"jsonrpc": "2.0", "id": 1, "method": "pid"}, mcp_session_id=session)).json
    process = psutil.Process(pid["result"]["pid"])
    servers.remove(gateway.engine, "test", server)
    gateway.settle()
    await until(lambda: not running(process))


async def test_a_stopped_server_has_no_process_left_and_gets_another_when_it_is_resumed(gateway: Gateway) -> None:
    server = add(gateway, str(PEER))
    grant = gateway.grant(server, ALLOW_ALL)
    session = await initialized(grant)
    ask = {"jsonrpc": "2.0", "id": 1, "method": "pid"}
    process = psutil.Process((await grant.post(ask, mcp_session_id=session)).json["result"]["pid"])
    held = {"jsonrpc": "2.0", "id": 2, "method": "hold", "params": {}}
    under_way = asyncio.create_task(grant.post(held, mcp_session_id=session))
    await until(lambda: any(decision.method == "hold" for decision in grant.decisions()))
    await asyncio.to_thread(stopping.stop_server, gateway.engine, gateway.data, "test", server)
    await asyncio.to_thread(gateway.settle)
    async with asyncio.timeout(20):
        assert (await under_way).json["error"]["data"]["rule"] == "(stopped)"
    await until(lambda: not running(process))
    assert (await grant.call("x", mcp_session_id=session)).denied
    stopping.resume_server(gateway.engine, "test", server)
    gateway.settle()
    assert (await grant.post(ask, mcp_session_id=session)).status == 404
    again = await initialized(grant)
    assert (await grant.post(ask, mcp_session_id=again)).json["result"]["pid"] != process.pid


@pytest.mark.parametrize("way", ["well", "stubborn"])
@pytest.mark.parametrize("how", ["stopped", "killed"])
async def test_no_process_outlives_the_gateway(tmp_path: Path, way: str, how: str) -> None:
    gateway = Gateway(tmp_path / "data").start()
    grant = gateway.grant(add(gateway, str(PEER), way), ALLOW_ALL)
    session = await initialized(grant)
    forked = (await grant.post({"jsonrpc": "2.0", "id": 1, "method": "fork"}, mcp_session_id=session)).json["result"]
    processes = [psutil.Process(forked["pid"]), psutil.Process(forked["child"])]
    assert gateway.process is not None
    if how == "killed":
        gateway.process.kill()
        gateway.process.wait()
        gateway.process = None
    gateway.close()
    await until(lambda: not any(running(process) for process in processes))


def running(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


async def test_the_control_process_learns_the_tools_and_leaves_nothing_running(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path / "data").start()
    server = add(gateway, str(SERVER))
    gateway.settle()
    control = _control(gateway)
    await until(lambda: _tools(gateway, server) > 0)
    await until(lambda: not control.children(recursive=True))
    gateway.close()


def _tools(gateway: Gateway, server: str) -> int:
    return servers.get(gateway.engine, server).tools


def _control(gateway: Gateway) -> psutil.Process:
    assert gateway.process is not None
    children = psutil.Process(gateway.process.pid).children()
    return next(child for child in children if "toolgate.control" in child.cmdline())


async def test_a_server_that_asks_what_the_policy_refuses_is_told_so(gateway: Gateway, server: str) -> None:
    closed = {"version": "1", "default": "deny", "tools": {"think": {}}}
    async with connected(gateway.grant(server, closed), "legacy") as client:
        with pytest.raises(MCPError, match="POLICY DENIED"):
            await client.call_tool("think", {})
