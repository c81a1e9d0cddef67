"""Many callers at once, on every backend."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from toolgate.policy.decision import Unit, Window

from .backends import Open, VirtualClock, charge, every_backend, mark, take_until_refused


@every_backend
@pytest.mark.parametrize("window", [Unit.MINUTE, 60])
@pytest.mark.parametrize("maximum", [0, 1, 63, 64, 65, 200])
async def test_64_callers_get_exactly_the_maximum(
    open_counters: Open, tmp_path: Path, window: Window, maximum: int
) -> None:
    limit = charge(maximum=maximum, window=window)
    async with open_counters(tmp_path, VirtualClock()) as counters:
        callers = (take_until_refused(counters, limit, f"{caller}-") for caller in range(64))
        assert sum(await asyncio.gather(*callers)) == maximum


@every_backend
async def test_concurrent_callers_of_several_limits_take_all_or_none(open_counters: Open, tmp_path: Path) -> None:
    wide, narrow = charge("wide", maximum=100), charge("narrow", maximum=30, window=60)
    async with open_counters(tmp_path, VirtualClock()) as counters:
        told = await asyncio.gather(*(counters.reserve(f"r{number}", [wide, narrow]) for number in range(64)))
        assert told.count(None) == 30
        assert await take_until_refused(counters, wide, "w") == 70


@every_backend
async def test_of_two_calls_that_exclude_each_other_exactly_one_passes(open_counters: Open, tmp_path: Path) -> None:
    async with open_counters(tmp_path, VirtualClock()) as counters:
        for race in range(20):
            one = [mark(f"a{race}", sets=1), mark(f"b{race}", refuses=1)]
            other = [mark(f"a{race}", refuses=1), mark(f"b{race}", sets=1)]
            told = await asyncio.gather(*(counters.reserve(f"{race}-{n}", (one, other)[n]) for n in range(2)))
            assert told.count(None) == 1


@every_backend
async def test_of_64_calls_that_exclude_their_own_repetition_one_passes(open_counters: Open, tmp_path: Path) -> None:
    async with open_counters(tmp_path, VirtualClock()) as counters:
        told = await asyncio.gather(*(counters.reserve(f"r{n}", [mark(sets=1, refuses=1)]) for n in range(64)))
        assert told.count(None) == 1


@every_backend
async def test_an_id_that_is_open_is_refused(open_counters: Open, tmp_path: Path) -> None:
    async with open_counters(tmp_path, VirtualClock()) as counters:
        await counters.reserve("r", [charge(maximum=2)])
        with pytest.raises(ValueError, match="is open already"):
            await counters.reserve("r", [charge(maximum=2)])
        assert await take_until_refused(counters, charge(maximum=2), "s") == 1


@every_backend
async def test_a_negative_charge_is_refused(open_counters: Open, tmp_path: Path) -> None:
    async with open_counters(tmp_path, VirtualClock()) as counters:
        with pytest.raises(ValueError, match="is negative"):
            await counters.reserve("r", [charge("other"), charge(amount=-5)])
        assert await take_until_refused(counters, charge("other")) == 10


@every_backend
async def test_a_sliding_window_remembers_ten_thousand_calls_and_refuses_the_next(
    open_counters: Open, tmp_path: Path
) -> None:
    clock = VirtualClock()
    async with open_counters(tmp_path, clock) as counters:
        free = charge(amount=0, maximum=5, window=86_400)
        await asyncio.gather(*(counters.reserve(f"r{number}", [free]) for number in range(10_000)))
        refusal = await counters.reserve("one more", [free])
        assert refusal is not None
        assert (refusal.used, refusal.resets_at) == (0, int(clock.now) + 86_400)
        await counters.rollback("r17")
        assert await counters.reserve("another", [free]) is None
