"""CPU of a reservation over three limits with 32 concurrent callers, in memory and in SQLite.

    python bench/limits.py [--json] [--rounds 15] [--turns 200]

Interleaved rounds, the median and the fastest; what the loop costs by itself is taken off. `shared`: all callers
charge the same three counters, `own`: each caller its own three, `denied`: shared and exhausted.
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
Work = Callable[[int, str], Awaitable[object]]


def three(owner: int, maximum: int) -> tuple[Charge, ...]:
    return tuple(
        Charge(f"grant:{owner}:spend:{unit.value}", "spend", NANO, maximum, unit, "/all_tools/limits/0")
        for unit in WINDOWS
    )


async def turn(work: Work, names: Sequence[str]) -> int:
    """Nanoseconds of this process's CPU while 32 callers do one thing at once."""
    started = time.process_time_ns()
    await asyncio.gather(*(work(number, name) for number, name in enumerate(names)))
    return time.process_time_ns() - started


async def nothing(_number: int, _name: str) -> None:
    """What a caller costs by itself; taken off."""


async def lives(counters: Counters, turns: int, *, shared: bool, maximum: int) -> tuple[float, float]:
    """Microseconds for one reservation and for its end, over so many turns of 32 callers."""
    charges = [three(0 if shared else number, maximum) for number in range(CALLERS)]
    idle = taken = ended = 0
    for number in range(turns):
        names = [f"{time.monotonic_ns():x}-{number}-{caller}" for caller in range(CALLERS)]
        idle += await turn(nothing, names)
        taken += await turn(lambda caller, name: counters.reserve(name, charges[caller]), names)
        ended += await turn(lambda _caller, name: counters.commit(name), names)
    calls = turns * CALLERS * 1000
    return max(0, taken - idle) / calls, max(0, ended - idle) / calls


CASES = {"shared": (True, 10**30), "own": (False, 10**30), "denied": (True, 0)}


async def measure(rounds: int, turns: int, directory: Path) -> dict[tuple[str, str], list[tuple[float, float]]]:
    figures: dict[tuple[str, str], list[tuple[float, float]]] = {}
    memory, sqlite = MemoryCounters(), SqliteCounters(directory / "counters.db")
    backends: dict[str, Counters] = {"memory": memory, "sqlite": sqlite}
    for _ in range(rounds):
        for case, (shared, maximum) in CASES.items():
            for backend, counters in backends.items():
                figures.setdefault((backend, case), []).append(
                    await lives(counters, turns, shared=shared, maximum=maximum)
                )
    await sqlite.close()
    return figures


def row(backend: str, case: str, times: Sequence[tuple[float, float]]) -> dict[str, str | float]:
    taken, ended = [time for time, _ in times], [time for _, time in times]
    return {
        "backend": backend,
        "case": case,
        "reserve_median_us": round(statistics.median(taken), 2),
        "reserve_fastest_us": round(min(taken), 2),
        "commit_median_us": round(statistics.median(ended), 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--turns", type=int, default=200, help="of 32 callers each, in every round")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        figures = uvloop.run(measure(options.rounds, options.turns, Path(directory)))
    rows = [row(backend, case, times) for (backend, case), times in figures.items()]
    if options.json:
        print(json.dumps(rows))
        return
    print("  ".join(f"{title:>18}" for title in rows[0]))
    for figure in rows:
        print("  ".join(f"{value:>18}" for value in figure.values()))


if __name__ == "__main__":
    main()
