"""Several real processes on one SQLite file: exact together, and no leak after `kill -9`."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from toolgate.limits.sqlite import SqliteCounters, process_alive

from .contender import limit

SCRIPT = Path(__file__).parent / "contender.py"


def contender(verb: str, file: Path, last: object) -> subprocess.Popen[str]:
    command = [sys.executable, str(SCRIPT), verb, str(file), str(last)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


async def used(counters: SqliteCounters) -> int:
    refusal = await counters.peek([limit(0)])
    assert refusal is not None
    return refusal.used


@pytest.mark.slow
async def test_two_processes_together_allow_exactly_the_maximum(tmp_path: Path) -> None:
    racers = [contender("race", tmp_path / "counters.db", 1_000) for _ in range(2)]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    allowed = [int(racer.communicate("go\n", timeout=60)[0]) for racer in start(racers)]
    assert sum(allowed) == 1_000
    counters = SqliteCounters(tmp_path / "counters.db")
    assert await used(counters) == 1_000
    await counters.close()


@pytest.mark.slow
async def test_of_two_calls_in_two_processes_that_exclude_each_other_exactly_one_passes(tmp_path: Path) -> None:
    sides = [contender("cross", tmp_path / "counters.db", side) for side in range(2)]
    for side in sides:
        assert side.stdout is not None
        assert side.stdout.readline() == "ready\n"
    passed = [list(map(int, side.communicate("go\n", timeout=60)[0].split())) for side in start(sides)]
    assert all(passed), "one side was through before the other began"
    assert sorted(passed[0] + passed[1]) == list(range(500))


def start(racers: list[subprocess.Popen[str]]) -> list[subprocess.Popen[str]]:
    """Both begin before either is waited for."""
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    return racers


@pytest.mark.slow
async def test_killed_processes_leak_no_reservation(tmp_path: Path) -> None:
    file, journal = tmp_path / "counters.db", tmp_path / "journal"
    for seed in range(6):
        worker = contender("work", file, journal)
        assert worker.stdout is not None
        for _ in range(random.Random(seed).randrange(1, 400)):
            worker.stdout.readline()
        worker.kill()
        worker.communicate()
        entries = set(journal.read_text().splitlines())
        counters = SqliteCounters(file)
        await counters.recover(process_alive, entries.__contains__)
        assert await used(counters) == len(entries)
        assert await counters.recover(lambda _owner: False, lambda _id: False) == 0, "a reservation was left open"
        await counters.close()


@pytest.mark.slow
async def test_the_reservations_of_a_living_process_are_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "counters.db"
    worker = contender("work", file, tmp_path / "journal")
    assert worker.stdout is not None
    for _ in range(50):
        worker.stdout.readline()
    counters = SqliteCounters(file)
    assert await counters.recover(process_alive, lambda _id: False) == 0
    assert await used(counters) >= 50
    await counters.close()
    worker.kill()
    worker.communicate()
