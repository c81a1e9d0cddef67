"""CPU of a reservation over three limits with 32 concurrent callers, in memory and in SQLite.

    python bench/limits.py [--json] [--rounds 7] [--calls 1000]

Interleaved rounds, the median and the fastest; a denial and a whole life (reserve and commit) beside it. `shared`:
all callers charge the same three counters, `own`: each caller its own three.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import uvloop

from toolgate.limits.counters import Counters
from toolgate.limits.memory import MemoryCounters
from toolgate.limits.sqlite import SqliteCounters
from toolgate.policy.decision import NANO, Charge, Unit

CALLERS = 32
WINDOWS = (Unit.MINUTE, Unit.HOUR, Unit.DAY)
Work = Callable[[Counters, str, Sequence[Charge]], Awaitable[object]]


async def reserve(counters: Counters, reservation: str, charges: Sequence[Charge]) -> None:
    await counters.reserve(reservation, charges)


async def reserve_and_commit(counters: Counters, reservation: str, charges: Sequence[Charge]) -> None:
    await counters.reserve(reservation, charges)
    await counters.commit(reservation)


async def nothing(counters: Counters, reservation: str, charges: Sequence[Charge]) -> None:
    """What the loop of a caller costs by itself; taken off the others."""


def three(owner: int, maximum: int) -> tuple[Charge, ...]:
    return tuple(
        Charge(f"grant:{owner}:spend:{unit.value}", "spend", NANO, maximum, unit, "/all_tools/limits/0")
        for unit in WINDOWS
    )


async def caller(work: Work, counters: Counters, names: list[str], charges: Sequence[Charge]) -> None:
    for name in names:
        await work(counters, name, charges)


async def cpu(work: Work, counters: Counters, calls: int, *, shared: bool, maximum: int) -> float:
    """Microseconds of CPU of this process for one call."""
    stamp = time.monotonic_ns()
    names = [[f"{stamp}-{number}-{call}" for call in range(calls)] for number in range(CALLERS)]
    limits = [three(0 if shared else number, maximum) for number in range(CALLERS)]
    started = time.process_time_ns()
    await asyncio.gather(*(caller(work, counters, names[n], limits[n]) for n in range(CALLERS)))
    return (time.process_time_ns() - started) / (calls * CALLERS) / 1000


CASES: dict[str, tuple[Work, bool, int]] = {
    "reserve, shared": (reserve, True, 10**30),
    "reserve, own": (reserve, False, 10**30),
    "reserve and commit, shared": (reserve_and_commit, True, 10**30),
    "reserve and commit, own": (reserve_and_commit, False, 10**30),
    "denied": (reserve, True, 0),
}


async def measure(rounds: int, calls: int, directory: Path) -> dict[str, dict[str, list[float]]]:
    figures: dict[str, dict[str, list[float]]] = {}
    for number in range(rounds):
        memory, sqlite = MemoryCounters(), SqliteCounters(directory / f"{number}.db")
        for backend, counters in (("memory", memory), ("sqlite", sqlite)):
            for case, (work, shared, maximum) in CASES.items():
                count = calls if backend == "memory" else max(1, calls // 4)
                idle = await cpu(nothing, counters, count, shared=shared, maximum=maximum)
                taken = await cpu(work, counters, count, shared=shared, maximum=maximum)
                figures.setdefault(backend, {}).setdefault(case, []).append(max(0.0, taken - idle))
        await sqlite.close()
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--calls", type=int, default=1000, help="of each caller; a quarter of it in SQLite")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        figures = uvloop.run(measure(options.rounds, options.calls, Path(directory)))
    rows = [
        {"backend": backend, "case": case, "median_us": statistics.median(times), "fastest_us": min(times)}
        for backend, cases in figures.items()
        for case, times in cases.items()
    ]
    if options.json:
        print(json.dumps(rows))
        return
    print(f"{'backend':<8} {'case':<28} {'median us':>10} {'fastest us':>11}")
    for row in rows:
        print(f"{row['backend']:<8} {row['case']:<28} {row['median_us']:>10.2f} {row['fastest_us']:>11.2f}")


if __name__ == "__main__":
    main()
