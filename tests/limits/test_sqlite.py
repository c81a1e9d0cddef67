"""What only the counters in SQLite have: a file, other processes' locks, failures of the store, recovery."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from toolgate.limits.counters import CountersUnavailable, Exhausted
from toolgate.limits.sqlite import SqliteCounters, process_alive
from toolgate.policy.decision import Charge, Unit

from .backends import VirtualClock, charge, mark


@asynccontextmanager
async def opened(file: Path, clock: VirtualClock | None = None, patience: float = 60) -> AsyncIterator[SqliteCounters]:
    counters = SqliteCounters(file, clock or VirtualClock(), patience)
    yield counters
    await counters.close()


@asynccontextmanager
async def locked(file: Path) -> AsyncIterator[sqlite3.Connection]:
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    yield connection
    connection.close()


async def used(counters: SqliteCounters, limit: Charge) -> int:
    refusal = await counters.peek([charge(limit.counter, 1, 0, limit.window)])
    assert refusal is not None
    return refusal.used


async def test_counters_survive_a_restart(tmp_path: Path) -> None:
    day, span = charge("spend", 10**22, 10**23, Unit.DAY), charge("burst", 3, 10, 60)
    async with opened(tmp_path / "c.db") as counters:
        await counters.reserve("a", [day, span])
    async with opened(tmp_path / "c.db") as counters:
        assert (await used(counters, day), await used(counters, span)) == (10**22, 3)
        await counters.rollback("a")
        assert (await used(counters, day), await used(counters, span)) == (0, 0)


async def test_no_process_sees_the_time_of_the_store_run_backwards(tmp_path: Path) -> None:
    ahead, behind = VirtualClock(1_800_000_060.0), VirtualClock(1_800_000_000.0)
    async with opened(tmp_path / "c.db", ahead) as first, opened(tmp_path / "c.db", behind) as second:
        await first.reserve("a", [charge(maximum=1)])
        refusal = await second.reserve("b", [charge(maximum=1)])
        assert refusal is not None
        assert refusal.resets_at == 1_800_000_120


async def test_one_turn_of_the_loop_is_one_transaction(tmp_path: Path) -> None:
    async with opened(tmp_path / "c.db") as counters, opened(tmp_path / "c.db") as other:
        watch = sqlite3.connect(tmp_path / "c.db")
        before = watch.execute("PRAGMA data_version").fetchone()
        told = await asyncio.gather(*(counters.reserve(f"r{number}", [charge()]) for number in range(64)))
        assert told.count(None) == 10
        assert watch.execute("SELECT count(*) FROM reservations").fetchone() == (10,)
        assert watch.execute("PRAGMA data_version").fetchone() != before
        assert await used(other, charge()) == 10
        watch.close()


async def test_a_lock_of_another_process_is_waited_for_without_blocking_the_loop(tmp_path: Path) -> None:
    async with opened(tmp_path / "c.db") as counters:
        async with locked(tmp_path / "c.db"):
            waiting = asyncio.ensure_future(counters.reserve("a", [charge()]))
            for _ in range(20):
                await asyncio.sleep(0)
            assert not waiting.done()
        assert await waiting is None


async def test_a_lock_beyond_the_patience_is_an_unreachable_store(tmp_path: Path) -> None:
    async with opened(tmp_path / "c.db", patience=0) as counters:
        async with locked(tmp_path / "c.db"):
            with pytest.raises(CountersUnavailable, match="database is locked"):
                await counters.reserve("a", [charge()])
        assert await used(counters, charge()) == 0


async def test_a_full_disk_denies_and_takes_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path / "c.db") as counters:
        await counters.reserve("before", [charge()])
        pages = counters._connection.execute("PRAGMA page_count").fetchone()[0]
        counters._connection.execute(f"PRAGMA max_page_count = {pages}")
        many = [charge(f"other{number}" * 50) for number in range(100)]
        with pytest.raises(CountersUnavailable, match="full"):
            await counters.reserve("too much", [charge(), *many])
        counters._connection.execute("PRAGMA max_page_count = 100000")
        assert await used(counters, charge()) == 1
        assert await counters.reserve("after", [charge(), *many]) is None
        assert await used(counters, charge()) == 2
    async with opened(tmp_path / "c.db") as counters:
        assert await used(counters, charge()) == 2


async def test_a_file_that_is_no_database_is_an_unreachable_store(tmp_path: Path) -> None:
    (tmp_path / "c.db").write_bytes(b"no database " * 1000)
    with pytest.raises(CountersUnavailable, match="cannot be opened"):
        SqliteCounters(tmp_path / "c.db")


async def test_a_directory_that_is_missing_is_an_unreachable_store(tmp_path: Path) -> None:
    with pytest.raises(CountersUnavailable, match="cannot be opened"):
        SqliteCounters(tmp_path / "none" / "c.db")


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE windows SET used = 'many'",
        "UPDATE reservations SET charges = '{'",
        "DROP TABLE calls",
        "DROP TABLE windows",
        "DROP TABLE clock",
    ],
)
async def test_damaged_contents_are_an_unreachable_store(tmp_path: Path, damage: str) -> None:
    async with opened(tmp_path / "c.db") as counters:
        await counters.reserve("a", [charge(), charge("burst", window=60)])
        with sqlite3.connect(tmp_path / "c.db") as connection:
            connection.execute(damage)
        connection.close()
        with pytest.raises(CountersUnavailable):
            await counters.rollback("a")


async def test_an_unknown_version_of_the_file_is_refused_by_name(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "c.db") as connection:
        connection.execute("PRAGMA user_version = 9")
    connection.close()
    with pytest.raises(CountersUnavailable, match="version 9, this release reads version 2"):
        SqliteCounters(tmp_path / "c.db")


async def test_a_file_from_before_there_were_marks_is_taken_over(tmp_path: Path) -> None:
    async with opened(tmp_path / "c.db") as counters:
        await counters.reserve("a", [charge(maximum=1)])
    with sqlite3.connect(tmp_path / "c.db") as connection:
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    async with opened(tmp_path / "c.db") as counters:
        assert await counters.reserve("b", [charge(maximum=1)]) is not None
        assert await counters.reserve("c", [mark(sets=1)]) is None
    async with opened(tmp_path / "c.db") as counters:
        assert await counters.reserve("d", [mark(refuses=1)]) is not None
    with sqlite3.connect(tmp_path / "c.db") as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (2,)
    connection.close()


async def test_a_mark_that_was_set_again_outlives_its_first_end(tmp_path: Path) -> None:
    clock = VirtualClock()
    async with opened(tmp_path / "c.db", clock) as counters:
        await counters.reserve("a", [mark(sets=1)])
        await counters.reserve("never", [mark("other", refuses=1)])
        clock.now += 50
        await counters.reserve("b", [mark(sets=1)])
        clock.now += 50
        for number in range(5):  # each new counter has old ones looked at
            await counters.reserve(f"r{number}", [charge(f"c{number}", window=60)])
        assert await counters.reserve("c", [mark(refuses=1)]) is not None
        clock.now += 10
        assert await counters.reserve("d", [mark(refuses=1)]) is None
        await counters.reserve("e", [charge("last", window=60)])
    with sqlite3.connect(tmp_path / "c.db") as connection:
        assert connection.execute("SELECT count(*) FROM windows WHERE seconds < 0").fetchone() == (0,)
    connection.close()


async def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    async with opened(tmp_path / "c.db"):
        for name in ("c.db", "c.db-wal"):
            assert stat.S_IMODE(os.stat(tmp_path / name).st_mode) == 0o600


async def test_closed_counters_are_an_unreachable_store(tmp_path: Path) -> None:
    counters = SqliteCounters(tmp_path / "c.db")
    await counters.close()
    with pytest.raises(CountersUnavailable, match="closed"):
        await counters.reserve("a", [charge()])


async def test_a_defect_in_a_transaction_leaves_no_caller_without_an_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported: list[BaseException] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: reported.append(context["exception"]))
    async with opened(tmp_path / "c.db") as counters:
        with monkeypatch.context() as broken:
            broken.setattr("toolgate.limits.ledger.fit", None)
            with pytest.raises(CountersUnavailable, match="the transaction failed"):
                await counters.reserve("a", [charge()])
        assert [type(error) for error in reported] == [TypeError]
        assert await counters.reserve("a", [charge()]) is None


async def test_close_finishes_what_is_waiting(tmp_path: Path) -> None:
    counters = SqliteCounters(tmp_path / "c.db", VirtualClock())
    waiting = asyncio.ensure_future(counters.reserve("a", [charge()]))
    await asyncio.sleep(0)
    await counters.close()
    assert await waiting is None
    async with opened(tmp_path / "c.db") as again:
        assert await used(again, charge()) == 1


@pytest.mark.parametrize("turns", [1, 2])
async def test_a_caller_that_is_cancelled_leaves_nothing_taken(tmp_path: Path, turns: int) -> None:
    """Cancelled before the transaction, and after it but before the caller could see its answer."""
    async with opened(tmp_path / "c.db") as counters:
        caller = asyncio.ensure_future(counters.reserve("a", [charge()]))
        for _ in range(turns):
            await asyncio.sleep(0)
        assert caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
        assert await used(counters, charge()) == 0


async def test_a_cancelled_ending_still_ends(tmp_path: Path) -> None:
    async with opened(tmp_path / "c.db") as counters:
        await counters.reserve("a", [charge()])
        ending = asyncio.ensure_future(counters.rollback("a"))
        await asyncio.sleep(0)
        ending.cancel()
        assert await used(counters, charge()) == 0


async def test_recovery_releases_the_dead_without_a_journal_entry_only(tmp_path: Path) -> None:
    async with opened(tmp_path / "c.db") as counters:
        for reservation in ("journalled", "never"):
            await counters.reserve(reservation, [charge(), charge("burst", window=60)])
        assert await counters.recover(lambda _owner: True, lambda _id: False) == 0
        assert await used(counters, charge()) == 2
        assert await counters.recover(lambda owner: owner != counters.owner, {"journalled"}.__contains__) == 1
        assert (await used(counters, charge()), await used(counters, charge("burst", window=60))) == (1, 1)
        await counters.rollback("journalled")
        assert await used(counters, charge()) == 1


def test_a_process_is_told_from_an_earlier_one_of_the_same_number(tmp_path: Path) -> None:
    counters = SqliteCounters(tmp_path / "c.db")
    pid, start = counters.owner.split(":")
    assert process_alive(counters.owner)
    assert not process_alive(f"{pid}:{start[::-1]}x")
    assert process_alive(f"{os.getppid()}:whatever")
    assert not process_alive("4194305:beyond the highest pid")
    asyncio.run(counters.close())


async def test_rows_that_have_passed_are_dropped(tmp_path: Path) -> None:
    clock = VirtualClock()
    async with opened(tmp_path / "c.db", clock) as counters:
        kept = charge("kept", 1, 10**9, 60)
        for number in range(300):
            clock.now += 1
            charges = [charge(f"calendar{number}"), charge(f"sliding{number}", window=2), kept]
            await counters.reserve(f"r{number}", charges)
            await counters.commit(f"r{number}")
            assert await used(counters, kept) == min(number + 1, 60)
        rows = dict.fromkeys(("windows", "calls", "reservations"), 0)
        for table in rows:
            rows[table] = counters._connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        assert rows["windows"] < 100
        assert rows["calls"] < 150
        assert rows["reservations"] == 0


async def test_a_counter_that_was_dropped_is_written_anew_when_it_is_used_again(tmp_path: Path) -> None:
    clock = VirtualClock()
    async with opened(tmp_path / "c.db", clock) as counters:
        await counters.reserve("a", [charge("burst", window=2)])
        clock.now += 10
        await counters.reserve("b", [charge("other", window=Unit.DAY)])
        await counters.reserve("c", [charge("burst", window=2)])
        async with opened(tmp_path / "c.db", clock) as other:
            assert await used(other, charge("burst", window=2)) == 1


async def test_ends_and_reservations_of_one_turn_keep_two_windows_apart(tmp_path: Path) -> None:
    clock = VirtualClock(1_800_000_059.0)
    async with opened(tmp_path / "c.db", clock) as counters:
        await counters.reserve("late", [charge(amount=7)])
        clock.now += 1
        await asyncio.gather(counters.rollback("late"), counters.reserve("next", [charge(amount=3)]))
        async with opened(tmp_path / "c.db", clock) as other:
            assert (await used(counters, charge()), await used(other, charge())) == (3, 3)


async def test_the_log_is_copied_into_the_file_and_stays_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("toolgate.limits.sqlite._LOG_LIMIT", 100_000)
    async with opened(tmp_path / "c.db") as counters:
        sizes = []
        for number in range(640):
            told: Exhausted | None = await counters.reserve(f"r{number}", [charge(maximum=10**6)])
            assert told is None
            await counters.commit(f"r{number}")
            if counters._copying is not None:
                await counters._copying
            sizes.append(os.stat(tmp_path / "c.db-wal").st_size)
        assert max(sizes) < 2_000_000
        assert await used(counters, charge()) == 640
