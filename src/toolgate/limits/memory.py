"""Counters of one process, in memory; durable through the journal, whose charges rebuild them at start."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence

from toolgate.limits.counters import Exhausted
from toolgate.limits.fitting import fit, merged
from toolgate.limits.snapshot import VERSION, Snapshot, decode, encode
from toolgate.limits.windows import CalendarWindow, MarkWindow, SlidingWindow, bounds, end
from toolgate.policy.decision import Charge, Unit, Window

_OpenWindow = CalendarWindow | SlidingWindow | MarkWindow
_Held = dict[_OpenWindow, int]
"""What a reservation took: the very windows, so that one that passed meanwhile is changed without effect."""


class MemoryCounters:
    """Counters for one event loop; not for threads. No method suspends, so each is atomic.

    At start: `restore` the last snapshot, `replay` and `replay_outcome` every journal entry after it, in order, then
    `recover`. What stands in neither is gone, so a snapshot belongs to a position of the journal.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._now = 0.0
        self._windows: OrderedDict[str, _OpenWindow] = OrderedDict()
        self._reservations: dict[str, _Held] = {}
        self._unconfirmed: set[str] = set()
        self._turns = 0
        self._many = 1024

    @property
    def now(self) -> float:
        """The time of the last operation, the one to journal with its charges: the clock's, never running backwards."""
        return self._now

    @property
    def size(self) -> tuple[int, int]:
        """How many counters and how many open reservations are remembered."""
        return len(self._windows), len(self._reservations)

    async def peek(self, charges: Sequence[Charge]) -> Exhausted | None:
        """Whether `reserve` would refuse now; takes nothing."""
        held = fit(charges, self._tick(), self._windows, self._window)
        return held if isinstance(held, Exhausted) else None

    async def reserve(self, reservation: str, charges: Sequence[Charge]) -> Exhausted | None:
        """Take every charge or none. Raises ValueError for an id that is open and for a negative amount."""
        now = self._tick()
        held = fit(charges, now, self._windows, self._window)
        if isinstance(held, Exhausted):
            return held
        if reservation in self._reservations:
            raise ValueError(f"the reservation {reservation!r} is open already")
        self._reservations[reservation] = held
        for window, amount in held.items():
            window.take(reservation, now, amount)
        return None

    async def commit(self, reservation: str) -> None:
        """Let the reservation stand as it is."""
        self._reservations.pop(reservation, None)

    async def rollback(self, reservation: str) -> None:
        """Give every charge of the reservation back; a window that has passed meanwhile is left as it is."""
        self._give_back(reservation)

    async def settle(self, reservation: str, actual: Mapping[str, int]) -> None:
        """Replace the reserved amounts in the windows they were reserved in, without effect where these have passed.

        A negative amount is none: what was reserved stands.
        """
        self._settle(reservation, actual)

    async def close(self) -> None:
        """Nothing is pending: whoever wants to keep the counters takes a snapshot."""

    def snapshot(self) -> bytes:
        """The whole state, without what has passed. For `restore`, in this or a later process."""
        now = self._tick()
        windows = [window for window in self._windows.values() if window.expires > now or not window.past(now)]
        calendars = [(each.key, each.expires, each.used) for each in windows if isinstance(each, CalendarWindow)]
        slidings = [_calls(each) for each in windows if isinstance(each, SlidingWindow) and each.calls]
        marks = [_set(each) for each in windows if isinstance(each, MarkWindow) and each.used]
        reservations = [(reservation, _written(held)) for reservation, held in self._reservations.items()]
        return encode(Snapshot(VERSION, now, calendars, slidings, reservations, marks))

    def restore(self, data: bytes) -> None:
        """Take a snapshot's state into these counters, which must be new. Raises `SnapshotRefused`."""
        snapshot = decode(data)
        if self._windows or self._reservations:
            raise ValueError("a snapshot is restored into new counters only")
        self._now = snapshot.now
        for key, expires, used in snapshot.calendars:
            self._windows[key] = CalendarWindow(key, expires, used)
        for key, seconds, calls in snapshot.slidings:
            sliding = self._windows[key] = SlidingWindow(key, seconds)
            for reservation, at, amount in calls:
                sliding.take(reservation, at, amount)
        for key, seconds, expires, used in snapshot.marks:
            self._windows[key] = MarkWindow(key, seconds, expires, used)
        for reservation, charges in snapshot.reservations:
            self._reservations[reservation] = self._held(charges)
            self._unconfirmed.add(reservation)

    def replay(self, reservation: str, at: float, charges: Iterable[tuple[str, str, int, Window]]) -> None:
        """Take again what a journalled decision took at epoch time `at`: (key, counter, amount, window) each.

        A decision whose reservation the snapshot holds is only confirmed. Charges of windows that have passed are
        skipped. Nothing is refused: what the journal holds was admitted.
        """
        self._unconfirmed.discard(reservation)
        if reservation in self._reservations:
            return
        at = self._now = max(self._now, at)
        present = max(self._clock(), at)
        taken = [Charge(key, name, amount, amount, kind, "") for key, name, amount, kind in charges]
        held = {self._window(charge, at): charge.amount for charge in merged(taken) if end(charge.window, at) > present}
        self._reservations[reservation] = held
        for window, amount in held.items():
            window.take(reservation, at, amount)

    def replay_outcome(self, reservation: str, settled: Mapping[str, int], *, rolled_back: bool = False) -> None:
        """End a reservation as its journalled outcome says; nothing if it is unknown or ended."""
        if rolled_back:
            self._give_back(reservation)
        else:
            self._settle(reservation, settled)

    def recover(self, has_journal_entry: Callable[[str], bool]) -> int:
        """After the replay: give back what was reserved but never journalled, let all else stand; how many given back.

        Only reservations of the snapshot that the replay did not confirm are asked for. One that stands without an
        outcome (the process died while the call was out) counts until its windows pass.
        """
        released = [reservation for reservation in self._unconfirmed if not has_journal_entry(reservation)]
        for reservation in released:
            self._give_back(reservation)
        self._unconfirmed.clear()
        self._reservations.clear()
        self._tick()
        return len(released)

    def _tick(self) -> float:
        """The store's time: the highest the clock ever showed. Looks at some old counters if new ones came."""
        now = self._clock()
        self._now = now = now if now > self._now else self._now  # a third of the cost of max()
        if self._turns:
            self._sweep(now)
        return now

    def _window(self, charge: Charge, now: float) -> _OpenWindow:
        """The window of a counter at `now`: the one there is, rid of what has passed, or a new one."""
        window = self._windows.get(charge.key)
        if isinstance(window, SlidingWindow):
            window.advance(now)
        elif window is None or window.expires <= now:
            window = self._windows[charge.key] = _opened(charge, now)
            self._turns += 1
        return window

    def _give_back(self, reservation: str) -> None:
        for window, amount in self._reservations.pop(reservation, {}).items():
            window.give_back(reservation, amount)

    def _settle(self, reservation: str, actual: Mapping[str, int]) -> None:
        for window, amount in self._reservations.pop(reservation, {}).items():
            settled = actual.get(window.key, -1)
            if settled >= 0:
                window.change(reservation, amount, settled)

    def _held(self, charges: list[tuple[str, float, int]]) -> _Held:
        """What a restored reservation took, as far as its windows are still there."""
        held: _Held = {}
        for key, expires, amount in charges:
            window = self._windows.get(key)
            if window is not None and (isinstance(window, SlidingWindow) or window.expires == expires):
                held[window] = amount
        return held

    def _sweep(self, now: float) -> None:
        """For each counter that was made, look at the two oldest and drop what has passed: no timer, no long pause.

        Runs before windows are looked up, never between: a window that is in hand must stay the one in the table.
        """
        windows = self._windows
        for _ in range(min(2 * self._turns, len(windows))):
            key, window = next(iter(windows.items()))
            if window.past(now):
                del windows[key]
            else:
                windows.move_to_end(key)
        self._turns = 0
        if len(self._reservations) > self._many:
            self._drop_passed(now)

    def _drop_passed(self, now: float) -> None:
        """Forget reservations that nobody ended and whose windows have all passed; rare, as it waits for a doubling."""
        reservations = self._reservations.items()
        self._reservations = {id_: held for id_, held in reservations if any(each.holds(id_, now) for each in held)}
        self._many = max(1024, 2 * len(self._reservations))


def _opened(charge: Charge, now: float) -> _OpenWindow:
    if isinstance(charge.window, int):
        return SlidingWindow(charge.key, charge.window)
    if isinstance(charge.window, Unit):
        return CalendarWindow(charge.key, bounds(charge.window, now)[1])
    return MarkWindow(charge.key, charge.window.seconds, now + charge.window.seconds)


def _calls(window: SlidingWindow) -> tuple[str, int, list[tuple[str, float, int]]]:
    calls = [(reservation, at, amount) for reservation, (at, amount) in window.calls.items()]
    return window.key, window.seconds, calls


def _set(window: MarkWindow) -> tuple[str, int, float, int]:
    return window.key, window.seconds, window.expires, window.used


def _written(held: _Held) -> list[tuple[str, float, int]]:
    """The charges of a reservation as a snapshot keeps them."""
    return [
        (window.key, window.expires if isinstance(window, CalendarWindow) else 0.0, amount)
        for window, amount in held.items()
    ]
