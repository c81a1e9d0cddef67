"""Fills the table `records` from the journal: a row for each decision, completed by how the call ended.

The database is only an index: what it says can always be made anew from the journal, and the entries themselves stay
there. Each batch is one transaction together with the position it read up to, so that a kill at any moment neither
loses nor doubles a row or a count, and so that several processes may index at once.
"""

from __future__ import annotations

import sqlite3
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import Final

import msgspec

from toolgate.audit import tallies
from toolgate.audit.reader import Located, Position, entries
from toolgate.audit.rows import COLUMNS, Batch, BriefEntry, read_briefly
from toolgate.audit.tallies import HOUR

_INSERT: Final = f"INSERT INTO records ({COLUMNS}) VALUES ({', '.join('?' * 18)})"  # noqa: S608 (constants only)
_COMPLETE: Final = (
    "UPDATE records SET result = ?, result_segment = ?, result_offset = ? WHERE decision_id = ? AND chain = ?"
)
_KNOWN: Final = "SELECT chain, seq FROM records WHERE chain = ? AND seq BETWEEN ? AND ?"
_ADVANCE: Final = (
    "INSERT INTO index_positions (chain, segment, offset) VALUES (?, ?, ?)"
    " ON CONFLICT (chain) DO UPDATE SET segment = excluded.segment, offset = excluded.offset"
)

BATCH: Final = 1_000


class Index:
    """Writes the index of one journal in one (migrated) database. Methods raise sqlite3.Error.

    Threads may share it: they take turns, a batch each.
    """

    def __init__(self, database: Path, journal: Path) -> None:
        self.unreadable = 0
        """Lines met that are no entries: `verify` says where."""
        self._journal = journal
        self._connection = sqlite3.connect(database, timeout=10.0, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA synchronous = NORMAL")  # what a power cut undoes is indexed again
        self._organisations: dict[str, str] = {}
        self._turn = Lock()

    def close(self) -> None:
        """Free the database."""
        self._connection.close()

    def catch_up(self) -> None:
        """Index everything that is in the journal now."""
        while self.step() == BATCH:
            pass

    def step(self, limit: int = BATCH) -> int:
        """Index at most so many lines in one transaction; returns how many there were."""
        with self._turn:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                lines = list(islice(entries(self._journal, self._positions()), limit))
                if lines:
                    self._index(lines)
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")
        return len(lines)

    def forget(self, before: float) -> None:
        """Remove what is older than `before` (epoch seconds), as pruning removes its entries; counts by whole hours."""
        self._connection.execute("DELETE FROM records WHERE time < ?", (before,))
        tallies.forget(self._connection, int(before // HOUR))

    def _positions(self) -> dict[str, Position]:
        rows = self._connection.execute("SELECT chain, segment, offset FROM index_positions")
        return {chain: Position(segment, offset) for chain, segment, offset in rows}

    def _index(self, lines: list[Located]) -> None:
        read = [(located, entry) for located in lines if (entry := self._read(located.line)) is not None]
        known = self._known(read)
        batch = Batch(self._organisation_of)
        for located, entry in read:
            batch.take(located, entry, known)
        self._connection.executemany(_INSERT, batch.rows)
        self._connection.executemany(_COMPLETE, batch.ended)
        batch.tally.store(self._connection)
        positions = {located.chain: located.after for located in lines}
        self._connection.executemany(_ADVANCE, [(chain, *position) for chain, position in positions.items()])

    def _read(self, line: bytes) -> BriefEntry | None:
        try:
            return read_briefly(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            self.unreadable += 1
            return None

    def _known(self, read: list[tuple[Located, BriefEntry]]) -> set[tuple[str, int]]:
        """Which of these have a row: those that were indexed before the positions were lost."""
        spans: dict[str, tuple[int, int]] = {}
        for located, entry in read:
            low, high = spans.get(located.chain, (entry.seq, entry.seq))
            spans[located.chain] = (min(low, entry.seq), max(high, entry.seq))
        found: set[tuple[str, int]] = set()
        for chain, (low, high) in spans.items():
            found.update(self._connection.execute(_KNOWN, (chain, low, high)))
        return found

    def _organisation_of(self, grant_id: str) -> str:
        """That of a grant; "" where nobody knows it (`toolgate run` stores none)."""
        known = self._organisations.get(grant_id)
        if known is None:
            query = "SELECT organisation_id FROM grants WHERE id = ?"
            row = self._connection.execute(query, (grant_id,)).fetchone()
            known = self._organisations[grant_id] = row[0] if row else ""
        return known
