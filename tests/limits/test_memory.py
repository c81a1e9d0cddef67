"""What only the counters in memory have: snapshots, replay of the journal, bounded memory."""

from __future__ import annotations

import msgspec
import pytest

from toolgate.limits.memory import MemoryCounters
from toolgate.limits.snapshot import SnapshotRefused
from toolgate.policy.decision import Charge, Unit, Window

from .backends import VirtualClock, charge, mark, take_until_refused


def journalled(*charges: Charge) -> list[tuple[str, str, int, Window]]:
    return [(each.key, each.counter, each.amount, each.window) for each in charges]


async def used(counters: MemoryCounters, limit: Charge) -> int:
    refusal = await counters.peek([charge(limit.counter, 1, 0, limit.window)])
    assert refusal is not None
    return refusal.used


async def restarted(counters: MemoryCounters, clock: VirtualClock) -> MemoryCounters:
    fresh = MemoryCounters(clock)
    fresh.restore(counters.snapshot())
    return fresh


async def test_a_snapshot_keeps_sums_calls_and_open_reservations() -> None:
    clock = VirtualClock()
    counters = MemoryCounters(clock)
    day, span = charge("spend", 10**22, 10**23, Unit.DAY), charge("burst", 3, 10, 60)
    await counters.reserve("open", [day, span])
    clock.now += 10.25
    await counters.reserve("ended", [day, span])
    await counters.commit("ended")
    fresh = await restarted(counters, clock)
    assert (await used(fresh, day), await used(fresh, span)) == (2 * 10**22, 6)
    await fresh.rollback("open")
    await fresh.rollback("ended")
    assert (await used(fresh, day), await used(fresh, span)) == (10**22, 3)
    clock.now += 60
    assert await used(fresh, span) == 0


async def test_a_snapshot_keeps_marks_and_when_they_end() -> None:
    clock = VirtualClock()
    counters = MemoryCounters(clock)
    await counters.reserve("a", [mark(sets=1), mark("other", sets=2)])
    clock.now += 30
    await counters.reserve("b", [mark(sets=2)])
    fresh = await restarted(counters, clock)
    clock.now += 59
    refusal = await fresh.peek([mark(refuses=3)])
    assert refusal is not None
    assert refusal.resets_at == clock.now + 1
    assert await fresh.peek([mark("other", refuses=2)]) is None
    clock.now += 1
    assert await fresh.peek([mark(refuses=3)]) is None


def test_a_snapshot_from_before_there_were_marks_is_read() -> None:
    counters = MemoryCounters(VirtualClock())
    counters.restore(b'[1,1800000000.0,[["k",1800000060.0,5]],[],[]]')
    assert counters.size == (1, 0)


async def test_replay_sets_the_marks_of_the_journal_and_no_outcome_takes_them_away() -> None:
    clock = VirtualClock()
    counters = MemoryCounters(clock)
    counters.replay("old", clock.now - 61, journalled(mark("old", sets=1)))
    counters.replay("a", clock.now - 50, journalled(mark(sets=1), charge()))
    counters.replay("b", clock.now - 20, journalled(mark(sets=2)))
    counters.replay("asked", clock.now - 1, journalled(mark(refuses=4)))
    counters.replay_outcome("a", {}, rolled_back=True)
    counters.recover(lambda _id: False)
    refusal = await counters.peek([mark(refuses=3)])
    assert refusal is not None
    assert refusal.resets_at == clock.now + 40
    assert await counters.peek([mark("old", refuses=1)]) is None


async def test_marks_that_were_only_asked_for_are_forgotten_at_once() -> None:
    clock = VirtualClock()
    counters = MemoryCounters(clock)
    for number in range(1_000):
        await counters.reserve(f"r{number}", [mark(f"flow{number}", refuses=1, seconds=604_800)])
        await counters.commit(f"r{number}")
    assert counters.size[0] < 10


async def test_a_restored_clock_does_not_run_backwards() -> None:
    clock = VirtualClock(1_800_000_059.0)
    counters = MemoryCounters(clock)
    await counters.reserve("a", [charge(maximum=1)])
    clock.now -= 3600
    fresh = await restarted(counters, clock)
    assert await take_until_refused(fresh, charge(maximum=1)) == 0


async def test_a_snapshot_leaves_out_what_has_passed() -> None:
    clock = VirtualClock()
    counters = MemoryCounters(clock)
    await counters.reserve("a", [charge("calls"), charge("burst", window=60)])
    empty = len(MemoryCounters(clock).snapshot())
    await counters.commit("a")
    clock.now += 120
    assert len(counters.snapshot()) <= empty + 16


@pytest.mark.parametrize("data", [b"", b"no json", b"[]", b"{}", b"[1]", b'[1,0.0,[["k"]],[],[]]', b"[" * 100_000])
def test_bytes_that_are_no_snapshot_are_refused(data: bytes) -> None:
    with pytest.raises(SnapshotRefused):
        MemoryCounters(VirtualClock()).restore(data)


def test_an_unknown_version_is_refused_by_name() -> None:
    data = msgspec.json.encode([3, 0.0, "another form"])
    with pytest.raises(SnapshotRefused, match="version 3 is unknown, this release reads version 2"):
        MemoryCounters(VirtualClock()).restore(data)


async def test_a_snapshot_is_restored_into_new_counters_only() -> None:
    counters = MemoryCounters(VirtualClock())
    await counters.reserve("a", [charge()])
    with pytest.raises(ValueError, match="new counters only"):
        counters.restore(counters.snapshot())


async def test_replay_rebuilds_the_state_from_the_journal_alone() -> None:
    clock = VirtualClock()
    counters = MemoryCounters(clock)
    day, span = charge("spend", 5, 100, Unit.DAY), charge("burst", 5, 100, 60)
    start = clock.now - 30
    for number in range(4):
        counters.replay(f"r{number}", start + number, journalled(day, span))
    counters.replay_outcome("r0", {})
    counters.replay_outcome("r1", {day.key: 50})
    counters.replay_outcome("r2", {}, rolled_back=True)
    assert counters.recover(lambda _id: False) == 0
    assert (await used(counters, day), await used(counters, span)) == (5 + 50 + 5, 15)
    clock.now = start + 60
    assert await used(counters, span) == 10


async def test_replay_skips_windows_that_have_passed() -> None:
    clock = VirtualClock()
    counters = MemoryCounters(clock)
    minute, span, month = charge("m"), charge("s", window=60), charge("month", window=Unit.MONTH)
    counters.replay("old", clock.now - 3600, journalled(minute, span, month))
    assert counters.size[0] == 1
    assert (await used(counters, minute), await used(counters, span), await used(counters, month)) == (0, 0, 1)


async def test_replay_charges_a_shared_counter_once() -> None:
    clock = VirtualClock()
    counters = MemoryCounters(clock)
    counters.replay("r", clock.now, journalled(charge(amount=2), charge(amount=2)))
    assert await used(counters, charge()) == 2


async def test_an_entry_of_the_snapshot_and_of_the_journal_counts_once() -> None:
    clock = VirtualClock()
    counters = MemoryCounters(clock)
    await counters.reserve("both", [charge()])
    await counters.reserve("ended", [charge()])
    await counters.commit("ended")
    fresh = await restarted(counters, clock)
    fresh.replay("both", clock.now, journalled(charge()))
    fresh.replay_outcome("ended", {charge().key: 7})
    assert fresh.recover(lambda _id: False) == 0
    assert await used(fresh, charge()) == 2


async def test_what_was_reserved_but_never_journalled_is_given_back() -> None:
    clock = VirtualClock()
    counters = MemoryCounters(clock)
    for reservation in ("never", "before", "after"):
        await counters.reserve(reservation, [charge(), charge("burst", window=60)])
    fresh = await restarted(counters, clock)
    fresh.replay("after", clock.now, journalled(charge(), charge("burst", window=60)))
    assert fresh.recover({"before"}.__contains__) == 1
    assert (await used(fresh, charge()), await used(fresh, charge("burst", window=60))) == (2, 2)
    assert fresh.size[1] == 0


async def test_the_time_to_journal_is_the_one_that_was_charged() -> None:
    clock = VirtualClock()
    counters = MemoryCounters(clock)
    await counters.reserve("a", [charge(maximum=1)])
    clock.now -= 3600
    await counters.reserve("b", [charge("other")])
    rebuilt = MemoryCounters(clock)
    rebuilt.replay("b", counters.now, journalled(charge("other")))
    assert await used(rebuilt, charge("other")) == 1


async def test_counters_that_have_passed_are_forgotten() -> None:
    clock = VirtualClock()
    counters = MemoryCounters(clock)
    for number in range(20_000):
        clock.now += 0.1
        await counters.reserve(f"r{number}", [charge(f"calendar{number}"), charge(f"sliding{number}", window=60)])
        await counters.commit(f"r{number}")
    assert counters.size[0] < 6_000
    assert counters.size[1] == 0


async def test_reservations_that_nobody_ends_are_forgotten_when_their_windows_have_passed() -> None:
    clock = VirtualClock()
    counters = MemoryCounters(clock)
    for number in range(20_000):
        clock.now += 1
        await counters.reserve(f"r{number}", [charge("calls", 1, 60), charge("burst", 1, 1_000, 60)])
    assert counters.size[1] < 2_500


async def test_a_counter_in_use_survives_the_sweep() -> None:
    clock = VirtualClock()
    counters = MemoryCounters(clock)
    limit = charge("kept", 1, 10**9, window=60)
    for number in range(3_000):
        clock.now += 1
        await counters.reserve(f"r{number}", [charge(f"passing{number}", window=1), limit])
        assert await used(counters, limit) == min(number + 1, 60)
