"""Published servers behind the gateway, in every way: list, call, denial, progress, questions, records."""

from __future__ import annotations

from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from mcp import Client
from mcp_types import CallToolResult, TextContent

from toolgate.demo.stage import CommandLine

from . import page, ways
from .real import SERVERS, Call, Real
from .ways import OVER_COMMAND, OVER_HTTP, OVER_RUN, Connection

WAYS = [(name, way) for name in SERVERS for way in (OVER_COMMAND, OVER_RUN)] + [("everything", OVER_HTTP)]

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("name", "way"), WAYS)
async def test_a_published_server_works_behind_the_gateway(
    command_line: CommandLine, tmp_path: Path, name: str, way: str
) -> None:
    real = SERVERS[name](tmp_path)
    async with AsyncExitStack() as stack:
        connection = await _connect(stack, command_line, real, tmp_path, way)
        client = connection.client
        tools = [tool.name for tool in (await client.list_tools()).tools]
        assert tools == real.shown
        for call in real.allowed:
            assert call.says in await _ok(client, call)
        extras = await _extras(client, real)
        for call in real.denied:
            assert call.says in await _denied(client, call)
        unknown = await client.call_tool(real.hidden, {})
        assert _text(unknown) == f"Unknown tool: {real.hidden}"
        outcomes = Counter(record["outcome"] for record in connection.recorded())
        revision = client.protocol_version
    called = dict.fromkeys(f"`{call.tool}`" for call in real.allowed)
    refused = dict.fromkeys(f"`{call.tool}`" for call in real.denied)
    page.check(
        f"{real.name} {real.version}",
        way,
        revision,
        f"{len(tools)}, without `{real.hidden}`",
        ", ".join([*called, *extras]),
        ", ".join(refused),
        f"{outcomes['allow']} allow, {outcomes['deny']} deny",
    )
    assert outcomes["allow"] == len(real.allowed) + len(extras)
    assert outcomes["deny"] == len(real.denied) + 1


async def _connect(stack: AsyncExitStack, command_line: CommandLine, real: Real, folder: Path, way: str) -> Connection:
    if way == OVER_RUN:
        return await stack.enter_async_context(ways.over_run(real, folder))
    reach = ways.as_command(real) if way == OVER_COMMAND else stack.enter_context(ways.serving(real, folder))
    return await stack.enter_async_context(ways.over_http(command_line, real, folder, *reach))


async def _ok(client: Client, call: Call) -> str:
    result = await client.call_tool(call.tool, call.arguments)
    assert not result.is_error, _text(result)
    return _text(result)


async def _denied(client: Client, call: Call) -> str:
    result = await client.call_tool(call.tool, call.arguments)
    assert result.is_error
    assert _text(result).startswith("[POLICY DENIED] policy violation:")
    return _text(result)


async def _extras(client: Client, real: Real) -> list[str]:
    """What only some servers show: progress on the way, and a question to the user."""
    shown = []
    if real.tells is not None:
        seen: list[float] = []

        async def told(progress: float, total: float | None, message: str | None) -> None:
            seen.append(progress)

        result = await client.call_tool(real.tells.tool, real.tells.arguments, progress_callback=told)
        assert real.tells.says in _text(result)
        assert seen == [1, 2, 3]
        shown.append(f"`{real.tells.tool}` with progress")
    if real.asks is not None:
        assert real.asks.says in await _ok(client, real.asks)
        shown.append(f"`{real.asks.tool}` with an answer of the user")
    return shown


def _text(result: CallToolResult) -> str:
    return "\n".join(block.text for block in result.content if isinstance(block, TextContent))
