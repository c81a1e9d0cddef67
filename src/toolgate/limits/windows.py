"""Windows of time and what was taken in them (policy.md, section 5). Pure: the time is always an argument.

A calendar window is half-open, from its start up to and without its end. In a sliding window a call made at time t
counts while now < t + seconds, so that no half-open span of that length ever holds more than the maximum.
"""

from __future__ import annotations

import calendar
import math
import time
from bisect import bisect_left
from collections import OrderedDict
from typing import Protocol

from toolgate.policy.decision import Mark, Unit, Window
from toolgate.policy.marks import joined, refuses

MAX_CALLS = 10_000
"""Calls that one sliding window remembers; the next one is refused, whatever its amount."""

_DAY = 86_400
_LENGTH_AND_OFFSET = {
    Unit.SECOND: (1, 0),
    Unit.MINUTE: (60, 0),
    Unit.HOUR: (3_600, 0),
    Unit.DAY: (_DAY, 0),
    Unit.WEEK: (7 * _DAY, 4 * _DAY),  # the epoch was a Thursday, the Monday after it is day 4
}


def bounds(unit: Unit, now: float) -> tuple[int, int]:
    """Start and end, in epoch seconds, of the calendar window in UTC that holds `now`."""
    if unit is Unit.MONTH:
        year, month = time.gmtime(math.floor(now))[:2]
        return _first_of(year, month), _first_of(year + month // 12, month % 12 + 1)
    length, offset = _LENGTH_AND_OFFSET[unit]
    second = math.floor(now)
    start = second - (second - offset) % length
    return start, start + length


def end(window: Window, at: float) -> float:
    """When what is taken at `at` no longer counts."""
    if isinstance(window, Unit):
        return bounds(window, at)[1]
    return at + (window.seconds if isinstance(window, Mark) else window)


def _first_of(year: int, month: int) -> int:
    return calendar.timegm((year, month, 1, 0, 0, 0))


class OpenWindow(Protocol):
    """What was taken from one counter and still counts. An instance stands for itself: equal to no other."""

    @property
    def key(self) -> str:
        """Names the counter."""
        ...

    @property
    def used(self) -> int:
        """The sum of what counts, in nano units."""
        ...

    @property
    def expires(self) -> float:
        """Until then nothing ends by itself."""
        ...

    @property
    def full(self) -> bool:
        """Whether the sum alone does not tell that a call fits: none can be remembered any more, or there is no sum."""
        ...

    def refuses(self, maximum: int) -> bool:
        """Whether a call that does not fit by the sum, or has none, is refused."""
        ...

    def take(self, reservation: str, now: float, amount: int) -> None:
        """Count `amount` from `now` on. Times never decrease from one call to the next."""
        ...

    def change(self, reservation: str, reserved: int, actual: int) -> None:
        """Count `actual` where `reserved` was counted; nothing if the call no longer counts."""
        ...

    def give_back(self, reservation: str, reserved: int) -> None:
        """Count `reserved` no longer; nothing if the call no longer counts."""
        ...

    def fits_at(self, amount: int, maximum: int) -> float:
        """When an amount up to the maximum can fit, as things stand. Only asked while it does not fit."""
        ...


class CalendarWindow:
    """One window of one counter. The next one is a new object, so a reservation that ends late touches only its own."""

    __slots__ = ("expires", "key", "used")
    full = False

    def __init__(self, key: str, expires: float, used: int = 0) -> None:
        self.key = key
        self.expires = expires
        self.used = used

    def refuses(self, _maximum: int) -> bool:
        """The sum decides."""
        return True

    def take(self, _reservation: str, _now: float, amount: int) -> None:
        """Count `amount` from now on."""
        self.used += amount

    def change(self, _reservation: str, reserved: int, actual: int) -> None:
        """Count `actual` instead of what was reserved."""
        self.used += actual - reserved

    def give_back(self, _reservation: str, reserved: int) -> None:
        """Count the reservation no longer."""
        self.used -= reserved

    def fits_at(self, _amount: int, _maximum: int) -> float:
        """When an amount up to the maximum can fit."""
        return self.expires

    def past(self, now: float) -> bool:
        """Whether nothing that was taken still counts."""
        return self.expires <= now

    def holds(self, _reservation: str, now: float) -> bool:
        """Whether what this reservation took still counts."""
        return now < self.expires


class SlidingWindow:
    """The calls of the last `seconds` seconds of one counter, oldest first.

    `expires` is never later than the end of the oldest call: until then nothing has to be looked at.
    """

    __slots__ = ("_freed", "calls", "expires", "full", "key", "seconds", "used")

    def __init__(self, key: str, seconds: int) -> None:
        self.key = key
        self.seconds = seconds
        self.calls: OrderedDict[str, tuple[float, int]] = OrderedDict()
        self.expires = math.inf
        self.used = 0
        self.full = False
        self._freed: list[tuple[int, float]] | None = None

    def refuses(self, _maximum: int) -> bool:
        """The sum decides, and the room for calls."""
        return True

    def take(self, reservation: str, now: float, amount: int) -> None:
        """Count `amount` from now on."""
        if not self.calls:
            self.expires = now + self.seconds
        self.calls[reservation] = (now, amount)
        self.used += amount
        self._changed()

    def change(self, reservation: str, _reserved: int, actual: int) -> None:
        """Count `actual` instead of what was reserved."""
        call = self.calls.get(reservation)
        if call is not None:
            self.calls[reservation] = (call[0], actual)
            self.used += actual - call[1]
            self._changed()

    def give_back(self, reservation: str, _reserved: int) -> None:
        """Count the reservation no longer."""
        call = self.calls.pop(reservation, None)
        if call is not None:
            self.used -= call[1]
            self._changed()

    def advance(self, now: float) -> None:
        """Drop the calls that no longer count."""
        calls = self.calls
        while calls:
            reservation, (at, amount) = next(iter(calls.items()))
            if at + self.seconds > now:
                self.expires = at + self.seconds
                break
            del calls[reservation]
            self.used -= amount
        else:
            self.expires = math.inf
        self._changed()

    def fits_at(self, amount: int, maximum: int) -> float:
        """When an amount up to the maximum can fit."""
        if self._freed is None:
            self._freed = self._frees()
        enough = bisect_left(self._freed, (self.used + amount - maximum,))
        return self._freed[max(enough, len(self.calls) - MAX_CALLS)][1]

    def past(self, now: float) -> bool:
        """Whether nothing that was taken still counts."""
        self.advance(now)
        return not self.calls

    def holds(self, reservation: str, now: float) -> bool:
        """Whether what this reservation took still counts."""
        call = self.calls.get(reservation)
        return call is not None and now < call[0] + self.seconds

    def _frees(self) -> list[tuple[int, float]]:
        """What the end of each call frees in sum and when. Kept until a change, so that refusals stay cheap."""
        freed, total = [], 0
        for at, amount in self.calls.values():
            total += amount
            freed.append((total, at + self.seconds))
        return freed

    def _changed(self) -> None:
        self.full = len(self.calls) >= MAX_CALLS
        self._freed = None


class MarkWindow:
    """What was used: a set of parts, all kept until `seconds` after the last call that set one. One object, no list.

    The end of a reservation changes nothing: a call that may have run was made, and one that was given back leaves
    its mark, which is the strict side.
    """

    __slots__ = ("expires", "key", "seconds", "used")
    full = True

    def __init__(self, key: str, seconds: int, expires: float, used: int = 0) -> None:
        self.key = key
        self.seconds = seconds
        self.expires = expires
        self.used = used

    def refuses(self, maximum: int) -> bool:
        """Whether all parts of `maximum` are set; none of them never refuses."""
        return refuses(self.used, maximum)

    def take(self, _reservation: str, now: float, amount: int) -> None:
        """Set the parts of `amount`; none of them asks and leaves no trace."""
        if amount:
            self.used = joined(self.used, amount)
            self.expires = max(self.expires, now + self.seconds)

    def change(self, _reservation: str, _reserved: int, _actual: int) -> None:
        """Nothing: a mark does not settle."""

    def give_back(self, _reservation: str, _reserved: int) -> None:
        """Nothing: the mark stays."""

    def fits_at(self, _amount: int, _maximum: int) -> float:
        """When nothing is set any longer."""
        return self.expires

    def past(self, now: float) -> bool:
        """Whether nothing is set."""
        return not self.used or self.expires <= now

    def holds(self, _reservation: str, _now: float) -> bool:
        """Never: the end of a reservation changes nothing here."""
        return False
