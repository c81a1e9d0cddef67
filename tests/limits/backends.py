"""What every test of the limits shares: a clock that is moved by hand, charges, and the backends under test."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from toolgate.limits.counters import Counters
from toolgate.limits.memory import MemoryCounters
from toolgate.limits.sqlite import SqliteCounters
from toolgate.policy.decision import NANO, Charge, Mark, Unit, Window


class VirtualClock:
    """Shows the time it was set to, backwards too."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


Open = Callable[[Path, VirtualClock], AbstractAsyncContextManager[Counters]]


@asynccontextmanager
async def open_memory(_directory: Path, clock: VirtualClock) -> AsyncIterator[Counters]:
    counters = MemoryCounters(clock)
    yield counters
    await counters.close()


@asynccontextmanager
async def open_sqlite(directory: Path, clock: VirtualClock) -> AsyncIterator[Counters]:
    counters = SqliteCounters(directory / "counters.db", clock)
    yield counters
    await counters.close()


every_backend = pytest.mark.parametrize("open_counters", [open_memory, open_sqlite])


def charge(name: str = "calls", amount: int = 1, maximum: int = 10, window: Window = Unit.MINUTE) -> Charge:
    kind = window.value if isinstance(window, Unit) else str(window)
    return Charge(f"grant:g1:{name}:{kind}", name, amount, maximum, window, f"/tools/run/limits/{name}")


def mark(name: str = "flow", sets: int = 0, refuses: int = 0, seconds: int = 60) -> Charge:
    """A charge of a mark: the parts that it sets, and those that together refuse it."""
    return Charge(f"grant:g1:{name}:mark", name, sets * NANO, refuses * NANO, Mark(seconds), "/flows/0")


async def take_until_refused(counters: Counters, limit: Charge, prefix: str = "r") -> int:
    """How many calls fit, one after the other."""
    for number in itertools.count():
        if await counters.reserve(f"{prefix}{number}", [limit]):
            return number
    raise AssertionError
