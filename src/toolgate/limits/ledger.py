"""The counters in one SQLite file: what a transaction reads, changes and writes back. Begins and ends none itself."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from toolgate.limits.counters import Exhausted
from toolgate.limits.fitting import fit
from toolgate.limits.stored import StoredSliding
from toolgate.limits.windows import CalendarWindow, MarkWindow, bounds
from toolgate.policy.decision import Charge, Unit

Window = CalendarWindow | StoredSliding | MarkWindow
Held = list[tuple[str, float, int]]
"""What a reservation took: counter key, end of its calendar window (0 if it is another), amount."""

_RESERVATIONS = "SELECT id, charges FROM reservations WHERE id IN (SELECT value FROM json_each(?))"
_WINDOWS = "SELECT key, seconds, expires, used, calls FROM windows WHERE key IN (SELECT value FROM json_each(?))"
_KEPT = 10_000
_read_held = msgspec.json.Decoder(Held).decode


class Ledger:
    """The file as one connection sees it. In each transaction: `begin`, apply the operations in order, `write`.

    What was read or written is kept for the next transaction while no other connection has changed the file. After
    a transaction that failed: `forget`.
    """

    def __init__(self, connection: sqlite3.Connection, owner: str) -> None:
        self._connection = connection
        self._owner = owner
        self._version = -1
        self._windows: dict[str, Window] = {}
        self._held: dict[str, Held] = {}
        self._opened: dict[Window, float] = {}
        self._changed: dict[Window, None] = {}
        self._taken: dict[str, Held] = {}
        self._ended: set[str] = set()
        self.now = 0.0

    def begin(self, clock: float, reservations: Iterable[str], keys: set[str]) -> None:
        """Read the time, these open reservations, and the counters of these keys and of those reservations."""
        version = self._connection.execute("PRAGMA data_version").fetchone()[0]
        if version != self._version or len(self._windows) > _KEPT:
            self.forget()
            self._version = version
            self.now = max((at for (at,) in self._connection.execute("SELECT now FROM clock")), default=clock)
        if clock > self.now:
            self.now = clock
            self._connection.execute("UPDATE clock SET now = ?", (clock,))
        self._read_reservations([id_ for id_ in reservations if id_ not in self._held])
        keys.update(key for id_ in reservations for key, _, _ in self._held.get(id_, ()))
        self._read_windows(keys - self._windows.keys())

    def forget(self) -> None:
        """Keep nothing of earlier transactions."""
        self._version = -1
        for kept in (self._windows, self._held, self._opened, self._changed, self._taken, self._ended):
            kept.clear()

    def peek(self, charges: Sequence[Charge]) -> Exhausted | None:
        """As `Counters.peek`."""
        held = fit(charges, self.now, self._windows, self._renew)
        return held if isinstance(held, Exhausted) else None

    def reserve(self, reservation: str, charges: Sequence[Charge]) -> Exhausted | None:
        """As `Counters.reserve`."""
        held = fit(charges, self.now, self._windows, self._renew)
        if isinstance(held, Exhausted):
            return held
        if reservation in self._held:
            raise ValueError(f"the reservation {reservation!r} is open already")
        for window, amount in held.items():
            window.take(reservation, self.now, amount)
            if amount or _ends(window):
                self._changed[window] = None
        taken = [(window.key, _span(window), amount) for window, amount in held.items() if _ends(window)]
        self._held[reservation] = self._taken[reservation] = taken
        return None

    def commit(self, reservation: str) -> None:
        """As `Counters.commit`."""
        self._held.pop(reservation, None)
        if self._taken.pop(reservation, None) is None:
            self._ended.add(reservation)

    def rollback(self, reservation: str) -> None:
        """As `Counters.rollback`."""
        for window, amount in self._windows_of(reservation):
            window.give_back(reservation, amount)
        self.commit(reservation)

    def settle(self, reservation: str, actual: Mapping[str, int]) -> None:
        """As `Counters.settle`."""
        for window, amount in self._windows_of(reservation):
            settled = actual.get(window.key, -1)
            if settled >= 0:
                window.change(reservation, amount, settled)
        self.commit(reservation)

    def write(self) -> None:
        """Write what changed, in that order: of two windows of one counter the later stands. Drop what has passed."""
        run = self._connection.executemany
        opened = [_opening(window, ends) for window, ends in self._opened.items() if window in self._changed]
        run("INSERT OR REPLACE INTO windows VALUES (?, ?, 0, '0', 0, ?)", opened)
        run("UPDATE windows SET expires = ?, used = ?, calls = ? WHERE key = ?", [_totals(w) for w in self._changed])
        taken = [(id_, self._owner, msgspec.json.encode(held).decode()) for id_, held in self._taken.items()]
        run("INSERT INTO reservations (id, owner, charges) VALUES (?, ?, ?)", taken)
        run("DELETE FROM reservations WHERE id = ?", [(reservation,) for reservation in self._ended])
        if opened:
            self._sweep(2 * len(opened))
        for window in self._opened.keys() - self._changed.keys():
            self._windows.pop(window.key, None)
        for written in (self._opened, self._changed, self._taken, self._ended):
            written.clear()

    def _read_reservations(self, wanted: list[str]) -> None:
        for id_, charges in self._rows(_RESERVATIONS, wanted):
            self._held[id_] = _read_held(charges)

    def _read_windows(self, wanted: set[str]) -> None:
        rows = self._rows(_WINDOWS, wanted)
        for key, seconds, expires, used, calls in rows:
            if seconds > 0:
                self._windows[key] = StoredSliding(self._connection, key, seconds, expires, int(used), calls)
            elif seconds:
                self._windows[key] = MarkWindow(key, -seconds, expires, int(used))
            else:
                self._windows[key] = CalendarWindow(key, expires, int(used))

    def _rows(self, statement: str, values: Collection[str]) -> Iterable[tuple[Any, ...]]:
        if not values:
            return ()
        return self._connection.execute(statement, (msgspec.json.encode(list(values)).decode(),))

    def _renew(self, charge: Charge, now: float) -> Window:
        """The window of a counter at `now`: the sliding one rid of what has passed, or a new one."""
        window = self._windows.get(charge.key)
        if isinstance(window, StoredSliding):
            window.advance(now)
            self._changed[window] = None
            return window
        window, ends = self._open(charge, now)
        self._windows[charge.key] = window
        self._opened[window] = ends
        return window

    def _open(self, charge: Charge, now: float) -> tuple[Window, float]:
        if isinstance(charge.window, int):
            return StoredSliding(self._connection, charge.key, charge.window), now + charge.window
        if isinstance(charge.window, Unit):
            ends = bounds(charge.window, now)[1]
            return CalendarWindow(charge.key, ends), ends
        lasts = now + charge.window.seconds
        return MarkWindow(charge.key, charge.window.seconds, lasts), lasts

    def _windows_of(self, reservation: str) -> Iterable[tuple[Window, int]]:
        """The windows in which an open reservation took its amounts, as far as they have not passed."""
        for key, span, amount in self._held.get(reservation, ()):
            window = self._windows.get(key)
            if window is not None and _span(window) == span:
                self._changed[window] = None
                yield window, amount

    def _sweep(self, most: int) -> None:
        """Drop up to `most` counters that have passed. `ends` may be too early, but for calendar windows."""
        run = self._connection.execute
        due = "SELECT key, seconds, expires FROM windows WHERE ends <= ? ORDER BY ends LIMIT ?"
        for key, seconds, expires in run(due, (self.now, most)).fetchall():
            last = (
                run("SELECT max(expires) FROM calls WHERE key = ?", (key,)).fetchone()[0] if seconds >= 0 else expires
            )
            if last is not None and last > self.now:
                run("UPDATE windows SET ends = ? WHERE key = ?", (last, key))
                continue
            run("DELETE FROM calls WHERE key = ?", (key,))
            run("DELETE FROM windows WHERE key = ?", (key,))
            self._windows.pop(key, None)


def _span(window: Window) -> float:
    """What tells a calendar window from the next one of its counter; a sliding one is always the same."""
    return window.expires if isinstance(window, CalendarWindow) else 0.0


def _ends(window: Window) -> bool:
    """Whether the end of a reservation may change it: none changes a mark."""
    return not isinstance(window, MarkWindow)


def _opening(window: Window, ends: float) -> tuple[str, int, float]:
    if isinstance(window, MarkWindow):
        return window.key, -window.seconds, ends
    return window.key, window.seconds if isinstance(window, StoredSliding) else 0, ends


def _totals(window: Window) -> tuple[float, str, int, str]:
    return window.expires, str(window.used), window.calls if isinstance(window, StoredSliding) else 0, window.key
