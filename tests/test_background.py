"""Work beside the calls: it never dies unheard, and it lets others run."""

from __future__ import annotations

import asyncio
from collections.abc import Generator

import pytest

from toolgate.background import in_turns, repeating


async def test_a_step_that_fails_is_said_and_tried_again(capsys: pytest.CaptureFixture[str]) -> None:
    done = asyncio.Event()
    tries: list[int] = []

    async def step() -> None:
        tries.append(len(tries))
        if len(tries) == 1:
            raise OSError("the disk is gone")
        done.set()

    task = asyncio.create_task(repeating(0, step, first_after=0))
    async with asyncio.timeout(20):
        await done.wait()
    task.cancel()
    assert capsys.readouterr().err.startswith("toolgate: background task: OSError: the disk is gone\n")


async def test_others_run_between_the_slices_of_long_work() -> None:
    ran: list[str] = []

    def work() -> Generator[None, None, str]:
        for _ in range(3):
            ran.append("slice")
            yield
        return "result"

    async def other() -> None:
        for _ in range(3):
            ran.append("other")
            await asyncio.sleep(0)

    result, _ = await asyncio.gather(in_turns(work()), other())
    assert result == "result"
    assert ran[:4] == ["slice", "other", "slice", "other"]
