"""A sliding window whose calls are rows of a table."""

from __future__ import annotations

import math
import sqlite3
from bisect import bisect_left

from toolgate.limits.windows import MAX_CALLS


class StoredSliding:
    """As `SlidingWindow`, inside one transaction: calls are written at once, the totals by the ledger at its end."""

    __slots__ = ("_connection", "_freed", "calls", "expires", "key", "seconds", "used")

    def __init__(
        self,
        connection: sqlite3.Connection,
        key: str,
        seconds: int,
        expires: float = math.inf,
        used: int = 0,
        calls: int = 0,
    ) -> None:
        self._connection = connection
        self.key = key
        self.seconds = seconds
        self.expires = expires
        self.used = used
        self.calls = calls
        self._freed: list[tuple[int, float]] | None = None

    @property
    def full(self) -> bool:
        """Whether no further call can be remembered."""
        return self.calls >= MAX_CALLS

    def refuses(self, _maximum: int) -> bool:
        """The sum decides, and the room for calls."""
        return True

    def take(self, reservation: str, now: float, amount: int) -> None:
        """Count `amount` from now on."""
        self._connection.execute(
            "INSERT INTO calls (key, reservation, expires, amount) VALUES (?, ?, ?, ?)",
            (self.key, reservation, now + self.seconds, str(amount)),
        )
        self.expires = min(self.expires, now + self.seconds)
        self._count(amount, 1)

    def change(self, reservation: str, reserved: int, actual: int) -> None:
        """Count `actual` instead of what was reserved."""
        where = (str(actual), self.key, reservation)
        if self._connection.execute("UPDATE calls SET amount = ? WHERE key = ? AND reservation = ?", where).rowcount:
            self._count(actual - reserved, 0)

    def give_back(self, reservation: str, reserved: int) -> None:
        """Count the reservation no longer."""
        where = (self.key, reservation)
        if self._connection.execute("DELETE FROM calls WHERE key = ? AND reservation = ?", where).rowcount:
            self._count(-reserved, -1)

    def advance(self, now: float) -> None:
        """Drop the calls that no longer count."""
        passed = "FROM calls WHERE key = ? AND expires <= ?"
        amounts = self._connection.execute(f"SELECT amount {passed}", (self.key, now)).fetchall()
        self._connection.execute(f"DELETE {passed}", (self.key, now))
        oldest = self._connection.execute("SELECT min(expires) FROM calls WHERE key = ?", (self.key,)).fetchone()[0]
        self.expires = math.inf if oldest is None else oldest
        self._count(-sum(int(amount) for (amount,) in amounts), -len(amounts))

    def fits_at(self, amount: int, maximum: int) -> float:
        """When an amount up to the maximum can fit."""
        if self._freed is None:
            self._freed = self._frees()
        enough = bisect_left(self._freed, (self.used + amount - maximum,))
        return self._freed[max(enough, self.calls - MAX_CALLS)][1]

    def _frees(self) -> list[tuple[int, float]]:
        rows = "SELECT amount, expires FROM calls WHERE key = ? ORDER BY expires"
        freed, total = [], 0
        for amount, expires in self._connection.execute(rows, (self.key,)):
            total += int(amount)
            freed.append((total, expires))
        return freed

    def _count(self, amount: int, calls: int) -> None:
        self.used += amount
        self.calls += calls
        self._freed = None
