"""Flows and limits on identical calls where Toolgate is a server's command."""

from __future__ import annotations

from typing import Any

import pytest
from tests.stdio.conftest import Start
from tests.stdio.wrapped import Wrapped, call, message, text

pytestmark = pytest.mark.slow

PAIR: dict[str, Any] = {
    "version": "1",
    "default": "allow",
    "flows": [{"after": ["echo"], "deny": ["send"], "within": "1h"}],
    "tools": {"send": {}, "echo": {"repeat_limit": {"max": 2, "window": 3600}}},
}


async def started(start: Start) -> Wrapped:
    """After the handshake, with the two tools known."""
    run = await start(PAIR)
    await run.handshake()
    run.client_says(message("tools/list", "tools"))
    await run.lists_tools([{"name": name, "inputSchema": {"type": "object"}} for name in ("echo", "send")])
    await run.client_hears()
    return run


async def passes(run: Wrapped, number: int, **arguments: Any) -> None:
    run.client_says(call(number, **arguments))
    assert (await run.server_hears())["id"] == number
    run.server_says(text(number, "ok"))
    assert not (await run.client_hears())["result"].get("isError")


async def refusal(run: Wrapped, number: int, tool: str, **arguments: Any) -> str:
    """What the client reads of a call that the server never sees."""
    run.client_says(call(number, tool, **arguments))
    said = await run.client_hears()
    assert said["result"]["isError"]
    return str(said["result"]["content"][0]["text"])


async def test_what_was_used_stands_against_a_call_also_after_a_restart(start: Start) -> None:
    run = await started(start)
    await passes(run, 1)
    assert "/flows/0" in await refusal(run, 2, "send")
    await run.close()
    run = await started(start)
    assert "denied after `echo`, for 1 hour after the last such call" in await refusal(run, 1, "send")


async def test_the_identical_call_is_stopped(start: Start) -> None:
    run = await started(start)
    for number in (1, 2):
        await passes(run, number, q="x")
    assert "/tools/echo/repeat_limit" in await refusal(run, 3, "echo", q="x")
    await passes(run, 4, q="y")
