"""Reads the index: pages of records, single ones, new ones, counts. For the threads of a process that serves people."""

from __future__ import annotations

import base64
import binascii
import sqlite3
import struct
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

from toolgate.audit import tallies
from toolgate.audit.filters import Brief, Filter
from toolgate.audit.lines import Lines
from toolgate.audit.records import AnyEntry, Decision, Outcome
from toolgate.audit.tallies import Counts, Kind

PAGE: Final = 50
LOOK_AT_MOST: Final = 200_000
"""Records that one page looks through for what is rare; then it says how far it got, and the next page goes on."""
_NEAR: Final = 5_000
"""The newest records, which are searched by time before all others are."""
_CHUNK: Final = 500
_CACHE: Final = "PRAGMA cache_size = -16000"  # KiB: the rows of some 50,000 records
_ROWS: Final = "SELECT (SELECT max(id) FROM records) - (SELECT min(id) FROM records)"
"""About how many records there are; in one SELECT it would read them all."""
_BY_TIME: Final = "records INDEXED BY ix_records_time"  # what else it takes for equal filters reads every record
_BY_DECISION: Final = "records INDEXED BY ix_records_decision_id"
_AS_IT_LIES: Final = "records NOT INDEXED"
_PLACED: Final = "time, chain, seq, segment, offset, result_segment, result_offset"
_BRIEF: Final = ", ".join(Brief._fields)


class Found(NamedTuple):
    """A record as it is shown, exported and described: its chain, its entry, and how the call ended where known."""

    chain: str
    entry: AnyEntry
    outcome: Outcome | None


class Place(NamedTuple):
    """Where a record stands in the log, newest first: by its time, then its chain, then its number there."""

    time: float
    chain: str
    seq: int

    def text(self) -> str:
        """The place as an opaque word for addresses."""
        packed = struct.pack(">dq", self.time, self.seq) + self.chain.encode()
        return base64.urlsafe_b64encode(packed).decode().rstrip("=")

    @classmethod
    def of(cls, text: str) -> Self:
        """The place of such a word; raises ValueError."""
        try:
            packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            time, seq = struct.unpack_from(">dq", packed)
            return cls(time, packed[16:].decode("ascii"), seq)
        except (binascii.Error, struct.error, ValueError) as error:
            raise ValueError("this is no place in the log") from error


@dataclass(slots=True, frozen=True)
class Page:
    """Some records, newest first. `older` and `newer` lead on, where there is anything.

    `looked_back_to` (epoch seconds): the page is not full because the search went no further; `older` goes on from
    there. `gone`: records whose lines are not in the journal any more.
    """

    found: list[Found]
    older: Place | None
    newer: Place | None
    looked_back_to: float | None
    gone: int


class Records:
    """The index of one journal, for reading. Every method may be called from any thread, and raises sqlite3.Error.

    Connections are kept and lent out; each call sees one state of the database and holds it only while it reads, so
    that the log of writes can be folded in and nobody waits.
    """

    def __init__(self, database: Path, journal: Path) -> None:
        self._database = database
        self._journal = journal
        self._free: deque[_Reader] = deque()

    def close(self) -> None:
        """Free what nobody has borrowed."""
        while self._free:
            self._free.pop().close()

    @contextmanager
    def _borrowed(self) -> Iterator[_Reader]:
        try:
            reader = self._free.pop()  # the one that was used last: its cache is the warmest
        except IndexError:
            reader = _Reader(self._database, self._journal)
        try:
            yield reader
        except BaseException:
            reader.close()
            raise
        self._free.append(reader)

    def page(
        self, wanted: Filter, size: int = PAGE, *, before: Place | None = None, after: Place | None = None
    ) -> Page:
        """At most `size` records from the newest on, from those older than `before`, or from those just after."""
        with self._borrowed() as reader:
            return reader.newer(wanted, size, after) if after is not None else reader.older(wanted, size, before)

    def every(self, wanted: Filter, newest: int | None = None) -> Iterator[Found]:
        """All that match (or only the newest so many), oldest first, read piece by piece: nobody is held up."""
        after = None if newest is None else self._place_of(wanted, newest)
        while True:
            with self._borrowed() as reader:
                found, after = reader.forward(wanted, _CHUNK, after)
            yield from found
            if after is None:
                return

    def _place_of(self, wanted: Filter, count: int) -> Place | None:
        """The place just before the newest `count` records; None where there are no more than these."""
        with self._borrowed() as reader:
            return reader.place_of(wanted, count)

    def one(self, decision_id: str, organisations: tuple[str, ...]) -> Found | None:
        """The decision of this id, where one of these organisations has it."""
        with self._borrowed() as reader:
            return reader.one(Filter(decision_id=decision_id, organisations=organisations)) if decision_id else None

    def newest(self) -> int:
        """The number of the newest row: what `since` goes on from."""
        with self._borrowed() as reader:
            return int(reader.connection.execute("SELECT coalesce(max(id), 0) FROM records").fetchone()[0])

    def since(self, newest: int, limit: int) -> list[Brief]:
        """The rows that were added after that one, oldest first, at most `limit`."""
        query = f"SELECT {_BRIEF} FROM records WHERE id > ? ORDER BY id LIMIT ?"  # noqa: S608 (constants only)
        with self._borrowed() as reader:
            return [Brief(*row) for row in reader.connection.execute(query, (newest, limit))]

    def hours(self, organisations: tuple[str, ...], since: int) -> dict[int, Counts]:
        """The counts of each hour from `since` (hours since 1970) on in which there was anything."""
        with self._borrowed() as reader:
            return tallies.hours(reader.connection, organisations, since)

    def ranking(self, kind: Kind, organisations: tuple[str, ...], since: int, most: int) -> list[tuple[str, Counts]]:
        """The largest servers, grants, rules or reasons from an hour on, at most so many."""
        with self._borrowed() as reader:
            return tallies.ranking(reader.connection, kind, organisations, since, most)

    def ever(self, kind: Kind, organisations: tuple[str, ...], name: str) -> bool:
        """Whether there may be a record of this server, grant or rule: to find that there is none, all are read."""
        with self._borrowed() as reader:
            return tallies.ever(reader.connection, kind, organisations, name)


class _Reader:
    """One connection and what it needs to read entries."""

    def __init__(self, database: Path, journal: Path) -> None:
        self.connection = sqlite3.connect(database, timeout=10.0, isolation_level=None, check_same_thread=False)
        self.connection.execute("PRAGMA query_only = ON")
        self.connection.execute(_CACHE)
        self._lines = Lines(journal)

    def close(self) -> None:
        self.connection.close()
        self._lines.close()

    def one(self, wanted: Filter) -> Found | None:
        terms, values = wanted.condition()
        rows = self._rows(terms, values, "DESC", 1, _BY_DECISION)
        return self._found(*rows[0][1:]) if rows else None

    def older(self, wanted: Filter, size: int, before: Place | None) -> Page:
        floor = self._floor(before, LOOK_AT_MOST) if wanted.narrow else None
        terms, values = wanted.condition()
        if before is not None:
            terms += ["time <= ?", "(time, chain, seq) < (?, ?, ?)"]
            values += [before.time, *before]
        if floor is not None:
            terms.append("time >= ?")
            values.append(floor)
        near = self._floor(before, _NEAR) if wanted.narrow and floor is None else None
        rows = self._searched(terms, values, size + 1, near)
        further = Place(floor, "", -1) if floor is not None and floor > wanted.since else None
        full = len(rows) > size
        older = _place(rows[size - 1]) if full else further
        newer = None if before is None else _place(rows[0]) if rows else before
        looked = floor if further is not None and not full else None
        return self._page(rows[:size], older, newer, looked)

    def newer(self, wanted: Filter, size: int, after: Place) -> Page:
        rows = self._after(wanted, size + 1, after)
        if len(rows) <= size:  # the newest page of all, and a whole one
            return self.older(wanted, size, None)
        rows = rows[size - 1 :: -1]
        return self._page(rows, _place(rows[-1]), _place(rows[0]), None)

    def forward(self, wanted: Filter, size: int, after: Place | None) -> tuple[list[Found], Place | None]:
        """Records oldest first, and from where to go on; None at the end."""
        rows = self._after(wanted, size, after)
        found = [one for row in rows if (one := self._found(*row[1:])) is not None]
        return found, _place(rows[-1]) if len(rows) == size else None

    def place_of(self, wanted: Filter, count: int) -> Place | None:
        terms, values = wanted.condition()
        rows = self._rows(terms, values, "DESC", count + 1)
        return _place(rows[count]) if len(rows) > count else None

    def _after(self, wanted: Filter, limit: int, after: Place | None) -> list[tuple[Any, ...]]:
        terms, values = wanted.condition()
        if after is not None:
            terms += ["time >= ?", "(time, chain, seq) > (?, ?, ?)"]
            values += [after.time, *after]
        return self._rows(terms, values, "ASC", limit)

    def _searched(
        self, terms: list[str], values: list[object], limit: int, near: float | None
    ) -> list[tuple[Any, ...]]:
        """Newest first. What the newest do not have enough of is rare: then to read the table as it lies costs half."""
        if near is None:
            return self._rows(terms, values, "DESC", limit)
        rows = self._rows([*terms, "time >= ?"], [*values, near], "DESC", limit)
        if len(rows) < limit:
            rest = self._rows([*terms, "time < ?"], [*values, near], "DESC", limit - len(rows), _AS_IT_LIES)
            rows += rest
        return rows

    def _rows(
        self, terms: list[str], values: list[object], order: str, limit: int, source: str = _BY_TIME
    ) -> list[tuple[Any, ...]]:
        where = f" WHERE {' AND '.join(terms)}" if terms else ""
        ordered = f"ORDER BY time {order}, chain {order}, seq {order} LIMIT ?"
        query = f"SELECT {_PLACED} FROM {source}{where} {ordered}"  # noqa: S608 (constants only)
        return self.connection.execute(query, (*values, limit)).fetchall()

    def _floor(self, before: Place | None, count: int) -> float | None:
        """The time of the record that so many are newer than; None where there are not so many."""
        (rows,) = self.connection.execute(_ROWS).fetchone()
        if rows is None or rows < count:
            return None
        where, values = ("", []) if before is None else (" WHERE time <= ?", [before.time])
        query = f"SELECT time FROM records{where} ORDER BY time DESC LIMIT 1 OFFSET ?"  # noqa: S608 (constants only)
        row = self.connection.execute(query, (*values, count)).fetchone()
        return None if row is None else row[0]

    def _page(
        self, rows: list[tuple[Any, ...]], older: Place | None, newer: Place | None, looked: float | None
    ) -> Page:
        found = [one for row in rows if (one := self._found(*row[1:])) is not None]
        return Page(found, older, newer, looked, len(rows) - len(found))

    def _found(
        self, chain: str, seq: int, segment: int, offset: int, ended_in: int | None, ended_at: int | None
    ) -> Found | None:
        entry = self._lines.at(chain, segment, offset)
        if entry is None or entry.seq != seq:
            return None
        outcome = self._lines.at(chain, ended_in, ended_at) if ended_in is not None and ended_at is not None else None
        fits = isinstance(outcome, Outcome) and isinstance(entry, Decision) and outcome.decision_id == entry.decision_id
        return Found(chain, entry, outcome if fits and isinstance(outcome, Outcome) else None)


def _place(row: tuple[Any, ...]) -> Place:
    return Place(*row[:3])
