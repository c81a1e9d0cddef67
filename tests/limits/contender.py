"""A process of its own that reserves from a shared file, for tests that race it or kill it.

contender.py race FILE MAXIMUM    64 callers until each was refused 3 times; prints how many calls it was allowed
contender.py cross FILE SIDE      500 calls that each exclude the same one of the other side; prints those that passed
contender.py work FILE JOURNAL    for ever: reserve, write the id into JOURNAL, sometimes end; prints a line a call
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

from toolgate.limits.sqlite import SqliteCounters
from toolgate.policy.decision import NANO, Charge, Mark, Unit


def limit(maximum: int) -> Charge:
    return Charge("grant:g1:calls:month", "calls", 1, maximum, Unit.MONTH, "/tools/run/limits/0")


async def race(path: Path, maximum: int) -> None:
    counters = SqliteCounters(path)
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)

    async def caller(number: int) -> int:
        allowed = refused = 0
        while refused < 3:
            name = f"{os.getpid()}-{number}-{allowed}-{refused}"
            if await counters.reserve(name, [limit(maximum)]):
                refused += 1
            else:
                allowed += 1
                await counters.commit(name)
        return allowed

    print(sum(await asyncio.gather(*(caller(number) for number in range(64)))), flush=True)
    await counters.close()


def marks(call: int, side: int) -> list[Charge]:
    """What sets the mark of one side and asks for that of the other."""
    return [
        Charge(
            f"grant:g1:{flow}:{call}",
            f"flow:{flow}",
            NANO if flow == side else 0,
            0 if flow == side else NANO,
            Mark(3600),
            f"/flows/{flow}",
        )
        for flow in (0, 1)
    ]


async def cross(path: Path, side: int) -> None:
    counters = SqliteCounters(path)
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    calls = list(range(500)) if side else list(range(499, -1, -1))
    refused = [await counters.reserve(f"{side}-{call}", marks(call, side)) for call in calls]
    print(*(call for call, told in zip(calls, refused, strict=True) if told is None), flush=True)
    await counters.close()


async def work(path: Path, journal: Path) -> None:
    counters = SqliteCounters(path)
    entries = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    async def caller(number: int) -> None:
        for call in range(sys.maxsize):
            name = f"{os.getpid()}-{number}-{call}-{time.monotonic_ns()}"
            assert await counters.reserve(name, [limit(10**12)]) is None
            os.write(entries, f"{name}\n".encode())
            print(name, flush=True)
            if call % 3:
                await counters.commit(name)

    await asyncio.gather(*(caller(number) for number in range(8)))


if __name__ == "__main__":
    verb, file, last = sys.argv[1:]
    verbs = {"race": lambda: race(Path(file), int(last)), "cross": lambda: cross(Path(file), int(last))}
    asyncio.run(verbs.get(verb, lambda: work(Path(file), Path(last)))())
