"""Limits that several wrappers share, and that outlive each of them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.stdio.conftest import Start
from tests.stdio.wrapped import Wrapped, call, text

pytestmark = pytest.mark.slow

SHARED = 10
LIMITED: dict[str, Any] = {
    "version": "1",
    "default": "allow",
    "all_tools": {"limits": [{"counter": "calls", "window": "month", "max": SHARED, "scope": "grant"}]},
}


async def serve(run: Wrapped, calls: int) -> int:
    """Make so many calls at once, answer those that arrive; returns how many were let through."""
    run.client_says(*[call(n) for n in range(calls)])

    async def answer() -> None:
        while line := await run.server_line():
            if b"tools/call" in line:
                run.server_says(text(int(line.split(b'"id": ')[1].split(b"}")[0]), "ok"))

    answering = asyncio.create_task(answer())
    answers = [await run.client_hears() for _ in range(calls)]
    answering.cancel()
    return sum(not said["result"].get("isError", False) for said in answers)


async def test_two_wrappers_of_one_grant_share_a_limit_exactly(start: Start) -> None:
    one, other = await start(LIMITED, "--grant", "same"), await start(LIMITED, "--grant", "same")
    for run in (one, other):
        await run.ready()
    assert sum(await asyncio.gather(serve(one, SHARED), serve(other, SHARED))) == SHARED


async def test_a_restart_keeps_what_was_used(start: Start) -> None:
    run = await start(LIMITED)
    await run.ready()
    assert await serve(run, 7) == 7
    await run.close()
    run = await start(LIMITED)
    await run.ready()
    assert await serve(run, 7) == 3


async def test_a_killed_wrapper_keeps_what_was_used(start: Start) -> None:
    run = await start(LIMITED)
    await run.ready()
    assert await serve(run, 7) == 7
    run.process.kill()
    await run.ended()
    run = await start(LIMITED)
    await run.ready()
    assert await serve(run, 7) == 3


async def test_another_grant_has_limits_of_its_own(start: Start) -> None:
    for name in ("one", "other"):
        run = await start(LIMITED, "--grant", name)
        await run.ready()
        assert await serve(run, SHARED + 1) == SHARED


async def test_a_call_that_certainly_did_not_run_costs_nothing(start: Start) -> None:
    run = await start({**LIMITED, "all_tools": {"rate_limit": "1/hour"}})
    await run.ready()
    for n in range(3):
        run.client_says(call(n))
        assert (await run.server_hears())["id"] == n
        run.server_says({"jsonrpc": "2.0", "id": n, "error": {"code": -32602, "message": "no"}})
        await run.client_hears()
    assert await serve(run, 2) == 1
