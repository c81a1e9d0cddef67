"""Counts by the hour, so that nobody has to read records to say how many there were.

Names (of servers, grants, rules, reasons) are counted by the day as well: a week of hours is seven times as many rows.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
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
_DENIED: Final = 1
_REFUSED: Final = 3
_RANKED_BY: Final = {
    "server": "allowed + denied + waited",
    "grant": "allowed + denied + waited",
    "rule": "denied + waited",
    "reason": "refused",
}
"""What makes one of a kind come before another."""


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


class _Alike(NamedTuple):
    """What makes two messages count the same; `place` is that of their outcome among the counts."""

    organisation: str
    hour: int
    place: int
    server: str = ""
    grant: str = ""
    rule: str = ""
    reason: str = ""


class Tally:
    """The counts of one batch; `store` adds them to the table."""

    def __init__(self) -> None:
        self._numbers: dict[_Alike, int] = {}

    def decision(self, organisation: str, time: float, outcome: str, server: str, grant: str, rule: str) -> None:
        """Count one decision."""
        self._count(_Alike(organisation, int(time // HOUR), _PLACES[outcome], server, grant, rule), 1)

    def sum(self, organisation: str, entry: Sum) -> None:
        """Count the denials that were not recorded one by one."""
        hour = int(entry.time // HOUR)
        self._count(_Alike(organisation, hour, _DENIED, entry.server_id, entry.grant_id, entry.rule), entry.count)

    def refused(self, organisation: str, entry: Refused) -> None:
        """Count requests without a valid grant."""
        self._count(_Alike(organisation, int(entry.time // HOUR), _REFUSED, reason=entry.reason), entry.count)

    def gap(self, organisation: str, entry: Gap) -> None:
        """Count the calls that were denied because nothing could be written: rule `(store)`."""
        if entry.refused:
            self._count(_Alike(organisation, int(entry.time // HOUR), _DENIED, rule="(store)"), entry.refused)

    def _count(self, alike: _Alike, number: int) -> None:
        self._numbers[alike] = self._numbers.get(alike, 0) + number

    def store(self, connection: sqlite3.Connection) -> None:
        """Add everything to the table, inside the caller's transaction."""
        counts: dict[tuple[str, str, int, str], list[int]] = {}
        for alike, number in self._numbers.items():
            for key in _keys(alike):
                counts.setdefault(key, [0, 0, 0, 0])[alike.place] += number
        rows = [(*key, *numbers) for key, numbers in counts.items()]
        connection.executemany(_ADD, sorted(rows))  # in the table's order: neighbours lie on the same pages


def _keys(alike: _Alike) -> Iterator[tuple[str, str, int, str]]:
    """The rows in which such a message counts: that of its hour, and of each name in its hour and its day."""
    organisation, hour = alike.organisation, alike.hour
    yield organisation, "", hour, ""
    for kind, name in (
        ("server", alike.server),
        ("grant", alike.grant),
        ("rule", alike.rule),
        ("reason", alike.reason),
    ):
        if name:
            yield organisation, kind, hour, name
            yield organisation, f"{kind} day", hour - hour % _DAY, name


def hours(connection: sqlite3.Connection, organisations: tuple[str, ...], since: int) -> dict[int, Counts]:
    """The counts of each hour from `since` (in hours since 1970) on in which there was anything."""
    found = connection.execute(_summed("hour", _rows(organisations)), (*organisations, "", since, _EVER))
    return {hour: Counts(*counts) for hour, *counts in found}


def ranking(
    connection: sqlite3.Connection, kind: Kind, organisations: tuple[str, ...], since: int, most: int
) -> list[tuple[str, Counts]]:
    """The largest of a kind from an hour on, at most so many, each with its counts; those with none are left out.

    Largest of servers and grants by what was judged, of rules by what they denied or held, of reasons by what they
    refused; equals stand by name. Read by hours up to midnight, by days from there.
    """
    midnight = -(-since // _DAY) * _DAY
    rows = _rows(organisations)
    by_hour, by_day = (*organisations, kind, since, midnight), (*organisations, f"{kind} day", midnight, _EVER)
    size = f"sum({_RANKED_BY[kind]})"
    largest = f"{_summed('name', f'{rows} UNION ALL {rows}')} HAVING {size} > 0 ORDER BY {size} DESC, name LIMIT ?"
    found = connection.execute(largest, (*by_hour, *by_day, most))
    return [(name, Counts(*counts)) for name, *counts in found]


def ever(connection: sqlite3.Connection, kind: Kind, organisations: tuple[str, ...], name: str) -> bool:
    """Whether anything of this server, grant or rule was counted: by days, of which there are few."""
    marks = ", ".join("?" * len(organisations))
    any_day = f"SELECT 1 FROM tallies WHERE organisation_id IN ({marks}) AND kind = ? AND name = ?"  # noqa: S608
    found = connection.execute(f"{any_day} LIMIT 1", (*organisations, f"{kind} day", name))
    return found.fetchone() is not None


def forget(connection: sqlite3.Connection, before: int) -> None:
    """Remove the counts of what was before an hour; a day goes when all of its hours have gone."""
    whole = "hour < CASE WHEN kind LIKE '% day' THEN ? ELSE ? END"
    connection.execute(f"DELETE FROM tallies WHERE {whole}", (before - before % _DAY, before))  # noqa: S608 (constants)


def _rows(organisations: tuple[str, ...]) -> str:
    """A query for the rows of these organisations, of one kind, between two hours."""
    marks = ", ".join("?" * len(organisations))
    where = f"organisation_id IN ({marks}) AND kind = ? AND hour >= ? AND hour < ?"
    return f"SELECT hour, name, allowed, denied, waited, refused FROM tallies WHERE {where}"  # noqa: S608 (constants only)


def _summed(column: str, rows: str) -> str:
    sums = ", ".join(f"sum({counted})" for counted in Counts._fields)
    return f"SELECT {column}, {sums} FROM ({rows}) GROUP BY {column}"  # noqa: S608 (constants only)
