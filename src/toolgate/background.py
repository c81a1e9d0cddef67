"""Work that goes on beside the calls: long work in turns with them, and steps repeated for ever."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Generator
from typing import TypeVar, cast

T = TypeVar("T")


async def in_turns(work: Generator[None, None, T]) -> T:
    """Long work in slices, so that other calls go on meanwhile."""
    while True:
        try:
            next(work)
        except StopIteration as done:
            await asyncio.sleep(0)  # what follows on a big value is a long step of its own
            return cast("T", done.value)
        await asyncio.sleep(0)


async def repeating(seconds: float, step: Callable[[], Awaitable[None]], *, first_after: float) -> None:
    """The root of a background task: what fails is said, and tried again at the next turn."""
    await asyncio.sleep(first_after)
    while True:
        try:
            await step()
        except Exception as error:  # noqa: BLE001 - a background task must not die unheard
            complain(f"background task: {type(error).__name__}: {error}")
        await asyncio.sleep(seconds)


def complain(text: str) -> None:
    """One line for the operator's log, in one write: the processes of an installation share it."""
    sys.stderr.write(f"toolgate: {text}\n")
    sys.stderr.flush()
