"""Counts by the hour, so that nobody has to read records to say how many there were.

Names (of servers, grants, rules, reasons) are counted by the day as well: a week of hours is seven times as many rows.
"""

from __future__ import annotations

import sqlite3
from typing import Final, Literal, NamedTuple

from toolgate.audit.records import Gap, Refused, Sum

Kind = Literal["", "server", "grant", "rule", "reason"]
"""What a count is of: everything in the hour, or one server, grant, rule, or reason why a request had no grant."""

HOUR: Final = 3600
_DAY: Final = 24
_ADD: Final = (
    "INSERT INTO tallies (organisation_id, kind, hour, name, allowed, denied, waited, refused)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET allowed = allowed + excluded.allowed,"
    " denied = denied + excluded.denied, waited = waited + excluded.waited, refused = refused + excluded.refused"
)
_EVER: Final = 2**31
_PLACES: Final = {"allow": 0, "deny": 1, "wait": 2}


class Counts(NamedTuple):
    """How many messages were allowed, denied, held for a person; and requests refused for want of a grant."""

    allowed: int = 0
    denied: int = 0
    waited: int = 0
    refused: int = 0

    @property
    def decided(self) -> int:
        """The messages that a policy judged."""
        return self.allowed + self.denied + self.waited


class Tally:
    """The counts of one batch; `store` adds them to the table."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str, int, str], list[int]] = {}

    def decision(self, organisation: str, time: float, outcome: str, server: str, grant: str, rule: str) -> None:
        """Count one decision."""
        self._count(organisation, time, _PLACES[outcome], 1, (("server", server), ("grant", grant), ("rule", rule)))

    def sum(self, organisation: str, entry: Sum) -> None:
        """Count the denials that were not recorded one by one."""
        names: tuple[tuple[Kind, str], ...] = (
            ("server", entry.server_id),
            ("grant", entry.grant_id),
            ("rule", entry.rule),
        )
        self._count(organisation, entry.time, 1, entry.count, names)

    def refused(self, organisation: str, entry: Refused) -> None:
        """Count requests without a valid grant."""
        self._count(organisation, entry.time, 3, entry.count, (("reason", entry.reason),))

    def gap(self, organisation: str, entry: Gap) -> None:
        """Count the calls that were denied because nothing could be written: rule `(store)`."""
        if entry.refused:
            self._count(organisation, entry.time, 1, entry.refused, (("rule", "(store)"),))

    def _count(
        self, organisation: str, time: float, place: int, number: int, names: tuple[tuple[Kind, str], ...]
    ) -> None:
        hour = int(time // HOUR)
        self._add((organisation, "", hour, ""), place, number)
        for kind, name in names:
            if name:
                self._add((organisation, kind, hour, name), place, number)
                self._add((organisation, f"{kind} day", hour - hour % _DAY, name), place, number)

    def _add(self, key: tuple[str, str, int, str], place: int, number: int) -> None:
        counts = self._counts.get(key)
        if counts is None:
            counts = self._counts[key] = [0, 0, 0, 0]
        counts[place] += number

    def store(self, connection: sqlite3.Connection) -> None:
        """Add everything to the table, inside the caller's transaction."""
        rows = [(*key, *counts) for key, counts in self._counts.items()]
        connection.executemany(_ADD, sorted(rows))  # in the table's order: neighbours lie on the same pages


def hours(connection: sqlite3.Connection, organisations: tuple[str, ...], since: int) -> dict[int, Counts]:
    """The counts of each hour from `since` (in hours since 1970) on in which there was anything."""
    found = connection.execute(_summed("hour", _rows(organisations)), (*organisations, "", since, _EVER))
    return {hour: Counts(*counts) for hour, *counts in found}


def ranking(
    connection: sqlite3.Connection, kind: Kind, organisations: tuple[str, ...], since: int
) -> dict[str, Counts]:
    """The counts of each name of this kind from an hour on, unordered: by hours up to midnight, by days from there."""
    midnight = -(-since // _DAY) * _DAY
    rows = _rows(organisations)
    by_hour, by_day = (*organisations, kind, since, midnight), (*organisations, f"{kind} day", midnight, _EVER)
    found = connection.execute(_summed("name", f"{rows} UNION ALL {rows}"), (*by_hour, *by_day))
    return {name: Counts(*counts) for name, *counts in found}


def _rows(organisations: tuple[str, ...]) -> str:
    """A query for the rows of these organisations, of one kind, between two hours."""
    marks = ", ".join("?" * len(organisations))
    where = f"organisation_id IN ({marks}) AND kind = ? AND hour >= ? AND hour < ?"
    return f"SELECT hour, name, allowed, denied, waited, refused FROM tallies WHERE {where}"  # noqa: S608 (constants only)


def _summed(column: str, rows: str) -> str:
    sums = ", ".join(f"sum({counted})" for counted in Counts._fields)
    return f"SELECT {column}, {sums} FROM ({rows}) GROUP BY {column}"  # noqa: S608 (constants only)
