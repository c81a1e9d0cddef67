"""The official client against the official server through `toolgate run`: a command or a URL behind it, both eras."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from mcp_types import CreateMessageResult, ElicitResult, TextContent

from toolgate.demo.children import child

SERVER = [sys.executable, str(Path(__file__).parents[1] / "clients/reference_server.py")]
POLICY = {
    "version": "1",
    "default": "allow",
    "hide": ["secret"],
    "tools": {
        "add": {"deny_if": [{"conditions": [{"path": "args.a", "op": "gt", "value": 100}], "on_deny": "Too much."}]},
        "limited": {"rate_limit": {"max": 2, "window": 3600}},
    },
}
Opened = Callable[..., AbstractAsyncContextManager[Client]]


async def _elicited(context: Any, params: Any) -> ElicitResult:
    return ElicitResult(action="accept", content={"name": "Ada"})


async def _sampled(context: Any, params: Any) -> CreateMessageResult:
    said = TextContent(type="text", text="sampled")
    return CreateMessageResult(role="assistant", content=said, model="model", stop_reason="endTurn")


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with child([*SERVER, "--http"], tmp_path_factory.mktemp("reference") / "log", r"serving (\S+)") as found:
        yield found


@pytest.fixture(params=["command", "url"])
def opened(request: pytest.FixtureRequest, place: Path) -> Opened:
    (place / "policy.json").write_text(json.dumps(POLICY))
    behind = ["--", *SERVER] if request.param == "command" else ["--upstream", request.getfixturevalue("url")]
    words = ["-m", "toolgate", "run", "-c", str(place / "policy.json"), "--data", str(place / "data"), *behind]

    @asynccontextmanager
    async def open_client(mode: Any) -> AsyncIterator[Client]:
        server = StdioServerParameters(command=sys.executable, args=words, env=dict(os.environ))
        async with Client(
            server, mode=mode, cache=None, sampling_callback=_sampled, elicitation_callback=_elicited
        ) as client:
            yield client

    return open_client


def text_of(result: Any) -> str:
    return "".join(block.text for block in result.content)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["legacy", "auto", "2026-07-28"])
async def test_the_official_client_works_and_is_held_to_the_policy(opened: Opened, mode: str) -> None:
    seen: list[float] = []

    async def noted(progress: float, total: float | None, message: str | None) -> None:
        seen.append(progress)

    async with opened(mode) as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
        assert "secret" not in names
        assert "add" in names
        assert text_of(await client.call_tool("add", {"a": 1, "b": 2})) == "3"
        denied = await client.call_tool("add", {"a": 101, "b": 2})
        assert denied.is_error
        assert "Too much." in text_of(denied)
        assert text_of(await client.call_tool("secret", {})) == "Unknown tool: secret"
        assert text_of(await client.call_tool("count", {"to": 3}, progress_callback=noted)) == "counted to 3"
        assert seen == [1, 2, 3]
        assert text_of(await client.call_tool("greet", {})) == "hello Ada"
        assert text_of(await client.call_tool("think", {})) == "the model said sampled"
        results = [await client.call_tool("limited", {}) for _ in range(3)]
        assert [result.is_error for result in results] == [False, False, True]
        assert (await client.read_resource("reference://open")).contents


@pytest.mark.slow
async def test_a_broken_stream_is_taken_up_again(url: str, opened: Opened) -> None:
    async with opened("legacy") as client:
        assert text_of(await client.call_tool("interrupted", {})) == "resumed"
