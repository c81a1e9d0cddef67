"""Fills the table `records` from the journal: a row for each decision, completed by how the call ended.

The database is only an index: what it says can always be made anew from the journal. Each batch is one transaction
together with the position it read up to, so that a kill at any moment neither loses nor doubles a row, and so that
several processes may index at once.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import msgspec

from toolgate.audit.export import summary
from toolgate.audit.reader import Located, Position, entries
from toolgate.audit.records import AnyEntry, Decision, EntryUnreadable, Gap, Outcome, Refused, Sum, read_line

_COLUMNS = (
    "chain, seq, time, decision_id, outcome, grant_id, grant_label, server_id, method, tool, rule, policy_id, revision,"
    " message, entry"
)
_INSERT = f"INSERT OR IGNORE INTO records ({_COLUMNS}) VALUES ({', '.join('?' * 15)})"  # noqa: S608 (constants only)
_COMPLETE = "UPDATE records SET result = ? WHERE chain = ? AND decision_id = ?"
_ADVANCE = (
    "INSERT INTO index_positions (chain, segment, offset) VALUES (?, ?, ?)"
    " ON CONFLICT (chain) DO UPDATE SET segment = excluded.segment, offset = excluded.offset"
)

BATCH = 500
_BEGINNING = re.compile("[0-9a-f-]{4,36}")

Row = tuple[object, ...]


@dataclass(slots=True, frozen=True)
class Filter:
    """Which records to list; what is empty does not restrict.

    `grant` is a label, an id, or how an id begins; `since` is in epoch seconds; `limit` keeps the newest.
    """

    grant: str = ""
    tool: str = ""
    outcome: str = ""
    since: float = 0.0
    limit: int | None = None


class Index:
    """The index of one journal in one (migrated) database. Methods raise sqlite3.Error."""

    def __init__(self, database: Path, journal: Path) -> None:
        self.unreadable = 0
        """Lines met that are no entries: `verify` says where."""
        self._journal = journal
        self._connection = sqlite3.connect(database, timeout=10.0, isolation_level=None)
        self._connection.execute("PRAGMA synchronous = NORMAL")  # what a power cut undoes is indexed again

    def close(self) -> None:
        """Free the database."""
        self._connection.close()

    def catch_up(self) -> None:
        """Index everything that is in the journal now."""
        while self.step() == BATCH:
            pass

    def step(self, limit: int = BATCH) -> int:
        """Index at most so many lines in one transaction; returns how many there were."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            batch = list(islice(entries(self._journal, self._positions()), limit))
            self._index(batch)
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")
        return len(batch)

    def _positions(self) -> dict[str, Position]:
        rows = self._connection.execute("SELECT chain, segment, offset FROM index_positions")
        return {chain: Position(segment, offset) for chain, segment, offset in rows}

    def _index(self, batch: list[Located]) -> None:
        rows: list[Row] = []
        results: list[Row] = []
        for located in batch:
            entry = self._read(located.line)
            if isinstance(entry, Outcome):
                results.append((_text(located), located.chain, entry.decision_id))
            elif isinstance(entry, Decision | Sum | Refused | Gap):
                rows.append((located.chain, entry.seq, entry.time, *_columns(entry), _text(located)))
        self._connection.executemany(_INSERT, rows)
        self._connection.executemany(_COMPLETE, results)
        positions = {located.chain: located.after for located in batch}
        self._connection.executemany(_ADVANCE, [(chain, *position) for chain, position in positions.items()])

    def _read(self, line: bytes) -> AnyEntry | None:
        try:
            return read_line(line)
        except EntryUnreadable:
            self.unreadable += 1
            return None

    def search(self, wanted: Filter) -> Iterator[tuple[str, AnyEntry, Outcome | None]]:
        """The matching records with their chains, oldest first, each with how the call ended (None: not known)."""
        clause, values = _where(wanted)
        limit = -1 if wanted.limit is None else wanted.limit
        query = f"SELECT chain, seq, time, entry, result FROM records{clause} ORDER BY time DESC, seq DESC LIMIT ?"  # noqa: S608 (constants only)
        ordered = f"SELECT chain, entry, result FROM ({query}) ORDER BY time, seq"  # noqa: S608 (constants only)
        with closing(self._connection.execute(ordered, (*values, limit))) as rows:
            for chain, entry, result in rows:
                yield chain, read_line(entry), _outcome(result)

    def forget(self, before: float) -> None:
        """Remove the records older than `before` (epoch seconds), as pruning removes their entries."""
        self._connection.execute("DELETE FROM records WHERE time < ?", (before,))


def _text(located: Located) -> str:
    return located.line[:-1].decode()


def _columns(entry: Decision | Sum | Refused | Gap) -> Row:
    """From `decision_id` to `message`."""
    if isinstance(entry, Decision):
        who = (entry.grant_id, entry.grant_label, entry.server_id)
        what = (entry.method, entry.tool, entry.rule, entry.policy_id, entry.revision, entry.message)
        return (entry.decision_id, entry.outcome, *who, *what)
    if isinstance(entry, Sum):
        who = (entry.grant_id, entry.grant_label, entry.server_id)
        return ("", "deny", *who, None, None, entry.rule, None, None, summary(entry))
    rule = entry.reason if isinstance(entry, Refused) else None
    outcome = "refused" if isinstance(entry, Refused) else "gap"
    return ("", outcome, None, None, None, None, None, rule, None, None, summary(entry))


def _where(wanted: Filter) -> tuple[str, list[object]]:
    conditions: list[tuple[str, list[object]]] = []
    if wanted.grant:
        begins = "OR grant_id BETWEEN ? AND ? || 'g'" if _BEGINNING.fullmatch(wanted.grant) else ""
        conditions.append((f"(grant_id = ? OR grant_label = ? {begins})", [wanted.grant] * (4 if begins else 2)))
    if wanted.tool:
        conditions.append(("tool = ?", [wanted.tool]))
    if wanted.outcome:
        conditions.append(("outcome = ?", [wanted.outcome]))
    if wanted.since:
        conditions.append(("time >= ?", [wanted.since]))
    if not conditions:
        return "", []
    clause = " WHERE " + " AND ".join(condition for condition, _ in conditions)
    return clause, [value for _, values in conditions for value in values]


_decode_outcome = msgspec.json.Decoder(Outcome).decode


def _outcome(text: str | None) -> Outcome | None:
    return None if text is None else _decode_outcome(text)
