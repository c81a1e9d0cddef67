"""A process of its own that reserves from a shared file, for tests that race it or kill it.

contender.py race FILE MAXIMUM    64 callers until each was refused 3 times; prints how many calls it was allowed
contender.py work FILE JOURNAL    for ever: reserve, write the id into JOURNAL, sometimes end; prints a line a call
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

from toolgate.limits.sqlite import SqliteCounters
from toolgate.policy.decision import Charge, Unit


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
    asyncio.run(race(Path(file), int(last)) if verb == "race" else work(Path(file), Path(last)))
