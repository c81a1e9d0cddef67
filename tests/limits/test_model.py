"""Every backend against a naive model that keeps the whole history and adds it up anew for each question."""

from __future__ import annotations

import asyncio
import math
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from toolgate.limits.counters import Counters, Exhausted
from toolgate.limits.memory import MemoryCounters
from toolgate.limits.sqlite import SqliteCounters
from toolgate.limits.windows import bounds
from toolgate.policy.decision import NANO, Charge, Mark, Unit, Window

from .backends import VirtualClock, charge, mark


@dataclass
class Taken:
    """One charge of one call, for ever."""

    reservation: str
    at: float
    charge: Charge
    amount: int


class NaiveCounters:
    def __init__(self) -> None:
        self.now = 0.0
        self.history: list[Taken] = []
        self.open: set[str] = set()

    def used(self, limit: Charge, now: float) -> int:
        if isinstance(limit.window, Mark):
            return self.parts(limit.key, now)[0] * NANO
        return sum(taken.amount for taken in self.history if taken.charge.key == limit.key and counts(taken, now))

    def parts(self, key: str, now: float) -> tuple[int, float]:
        """The parts that are set, and until when: all are forgotten when none was set for the length of the mark."""
        parts, until = 0, 0.0
        for taken in self.history:
            if taken.charge.key == key and taken.charge.amount and isinstance(taken.charge.window, Mark):
                parts = (parts if taken.at < until else 0) | taken.charge.amount // NANO
                until = taken.at + taken.charge.window.seconds
        return (parts, until) if now < until else (0, 0.0)

    def refuses(self, limit: Charge, used: int) -> bool:
        if not isinstance(limit.window, Mark):
            return used + limit.amount > limit.maximum
        asked = {part for part in (1, 2) if limit.maximum // NANO & part}
        return bool(asked) and all(used // NANO & part for part in asked)

    def look(self, charges: Sequence[Charge]) -> Exhausted | None:
        for limit in charges:
            used = self.used(limit, self.now)
            if self.refuses(limit, used):
                return Exhausted(limit, used, self.resets_at(limit))
        return None

    def resets_at(self, limit: Charge) -> int | None:
        if isinstance(limit.window, Mark):
            return math.ceil(self.parts(limit.key, self.now)[1])
        if limit.amount > limit.maximum:
            return None
        ends = {math.ceil(end(taken)) for taken in self.history if taken.charge.key == limit.key}
        fits = (at for at in sorted(ends) if at > self.now and self.used(limit, at) + limit.amount <= limit.maximum)
        return next(fits)

    def reserve(self, reservation: str, charges: Sequence[Charge]) -> Exhausted | None:
        refusal = self.look(charges)
        if refusal is None:
            self.history += [Taken(reservation, self.now, limit, limit.amount) for limit in charges]
            self.open.add(reservation)
        return refusal

    def end(self, reservation: str, actual: dict[str, int]) -> None:
        if reservation in self.open:
            self.open.remove(reservation)
            for taken in self.history:
                if taken.reservation == reservation:
                    taken.amount = actual.get(taken.charge.key, taken.amount)


def end(taken: Taken) -> float:
    window = taken.charge.window
    assert not isinstance(window, Mark)
    return taken.at + window if isinstance(window, int) else bounds(window, taken.at)[1]


def counts(taken: Taken, now: float) -> bool:
    return now < end(taken)


LIMITS: st.SearchStrategy[tuple[str, Window]] = st.sampled_from(
    [("calls", Unit.SECOND), ("calls", Unit.MINUTE), ("spend", Unit.MONTH), ("burst", 1), ("burst", 7), ("slow", 60)]
)
PARTS = st.integers(0, 3)
AMOUNTS = st.one_of(st.integers(0, 4), st.sampled_from([2**63, 10**21]))
MAXIMA = st.one_of(st.integers(0, 9), st.sampled_from([2**64, 10**22]))


@st.composite
def calls(draw: st.DrawFn) -> tuple[Charge, ...]:
    chosen = draw(st.lists(LIMITS, max_size=3, unique=True))
    sums = [charge(name, draw(AMOUNTS), draw(MAXIMA), window) for name, window in chosen]
    if not draw(st.booleans()):
        return tuple(sums)
    place = draw(st.integers(0, len(sums)))
    return (*sums[:place], mark("flow", draw(PARTS), draw(PARTS), 7), *sums[place:])


class CountersMachine(RuleBasedStateMachine):
    """Set `make` in a subclass."""

    make: Callable[[Path, VirtualClock], Counters]

    @initialize()
    def open(self) -> None:
        self.directory = Path(tempfile.mkdtemp())
        self.clock = VirtualClock()
        self.runner = asyncio.Runner()
        self.counters = self.started()
        self.model = NaiveCounters()
        self.model.now = self.clock.now
        self.made = self.ticks = 0

    def started(self) -> Counters:
        return type(self).make(self.directory, self.clock)

    def teardown(self) -> None:
        if hasattr(self, "runner"):
            self.runner.run(self.counters.close())
            self.runner.close()
            shutil.rmtree(self.directory)

    @rule(seconds=st.sampled_from([0.0, 0.001, 0.5, 1.0, 6.999, 7.0, 60.0, 86_400.0 * 31, -5.0]))
    def time_passes(self, seconds: float) -> None:
        self.clock.now += seconds
        self.model.now = max(self.model.now, self.clock.now)
        # a moment that no operation sees is no moment for the store, and the clock may go back before one does
        self.ticks += 1
        assert self.runner.run(self.counters.reserve(f"tick {self.ticks}", (charge("ticks", 0, 1),))) is None

    @rule(charges=calls())
    def peek(self, charges: tuple[Charge, ...]) -> None:
        assert self.runner.run(self.counters.peek(charges)) == self.model.look(charges)

    @rule(charges=calls())
    def reserve(self, charges: tuple[Charge, ...]) -> None:
        self.made += 1
        told = self.runner.run(self.counters.reserve(f"r{self.made}", charges))
        assert told == self.model.reserve(f"r{self.made}", charges)

    @rule(back=st.integers(0, 3))
    def commit(self, back: int) -> None:
        self.runner.run(self.counters.commit(f"r{self.made - back}"))
        self.model.end(f"r{self.made - back}", {})

    @rule(back=st.integers(0, 3))
    def roll_back(self, back: int) -> None:
        reservation = f"r{self.made - back}"
        self.runner.run(self.counters.rollback(reservation))
        self.model.end(reservation, {taken.charge.key: 0 for taken in self.model.history})

    @rule(back=st.integers(0, 3), limit=LIMITS, amount=AMOUNTS)
    def settle(self, back: int, limit: tuple[str, Window], amount: int) -> None:
        actual = {charge(limit[0], window=limit[1]).key: amount}
        self.runner.run(self.counters.settle(f"r{self.made - back}", actual))
        self.model.end(f"r{self.made - back}", actual)


class MemoryMachine(CountersMachine):
    make = staticmethod(lambda _directory, clock: MemoryCounters(clock))

    @rule()
    def restart_from_a_snapshot(self) -> None:
        assert isinstance(self.counters, MemoryCounters)
        data = self.counters.snapshot()
        self.counters = MemoryCounters(self.clock)
        self.counters.restore(data)


class SqliteMachine(CountersMachine):
    make = staticmethod(lambda directory, clock: SqliteCounters(directory / "counters.db", clock))

    @rule()
    def go_on_in_another_process(self) -> None:
        """Two connections take turns, so that neither can rely on what it read before."""
        other = self.started()
        self.runner.run(self.counters.close())
        self.counters = other

    @rule(charges=calls())
    def another_process_reserves(self, charges: tuple[Charge, ...]) -> None:
        other = self.started()
        self.made += 1
        told = self.runner.run(other.reserve(f"r{self.made}", charges))
        assert told == self.model.reserve(f"r{self.made}", charges)
        self.runner.run(other.close())


MemoryMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
SqliteMachine.TestCase.settings = settings(
    max_examples=15, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestMemoryAgainstTheModel = MemoryMachine.TestCase
TestSqliteAgainstTheModel = SqliteMachine.TestCase
