"""What calls said, where a server is set to keep it: sealed, for some days, in a file of its own (`captures.db`).

Records hold no values; this is the opt-in beside them. Each row is sealed for its own decision.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from toolgate.keys import MasterKey, Sealer
from toolgate.store.directory import private_file
from toolgate.store.errors import Busy, StoreError

FILE: Final = "captures.db"
SEAL: Final = "capture"
"""The purpose of the key that seals captures; each is bound to its decision id."""
MOST_DAYS: Final = 365
_DAY: Final = 86_400.0
_SCHEMA: Final = (
    "CREATE TABLE IF NOT EXISTS captures (decision TEXT PRIMARY KEY, server_id TEXT NOT NULL, time REAL NOT NULL,"
    " expires REAL NOT NULL, sealed BLOB NOT NULL) WITHOUT ROWID"
)


class Capture(NamedTuple):
    """One call to keep: `text` is its method and parameters as JSON, `time` in epoch seconds."""

    decision: str
    server_id: str
    time: float
    days: int
    text: bytes


def keep(data: Path, sealer: Sealer, captures: Iterable[Capture]) -> None:
    """Seal and store these in one transaction, and delete what has expired. Raises StoreError."""
    rows = [(it.decision, it.server_id, it.time, it.time + it.days * _DAY, _sealed(sealer, it)) for it in captures]
    with _opened(data) as db:
        db.execute("BEGIN IMMEDIATE")
        db.executemany("INSERT OR IGNORE INTO captures VALUES (?, ?, ?, ?, ?)", rows)
        db.execute("DELETE FROM captures WHERE expires <= ?", (time.time(),))
        db.execute("COMMIT")


def forget(data: Path, server_id: str | None = None) -> int:
    """Delete what has expired, and everything of one server where named; how many that were. Raises StoreError."""
    if not (data / FILE).exists():
        return 0
    with _opened(data) as db:
        which = "DELETE FROM captures WHERE expires <= ? OR server_id = ?"
        return db.execute(which, (time.time(), server_id or "")).rowcount


def open_capture(data: Path, master: MasterKey, decision_id: str) -> dict[str, Any] | None:
    """What this call said (`method`, `params`); None where it was not kept, or no longer.

    Whoever shows it to somebody writes an administrators' event of that. Raises SealBroken, StoreError.
    """
    if not (data / FILE).exists():
        return None
    query = "SELECT sealed FROM captures WHERE decision = ? AND expires > ?"
    with _opened(data) as db:
        row = db.execute(query, (decision_id, time.time())).fetchone()
    if row is None:
        return None
    said: dict[str, Any] = msgspec.json.decode(master.sealer(SEAL).open(bytes(row[0]), decision_id.encode()))
    return said


def _sealed(sealer: Sealer, capture: Capture) -> bytes:
    return sealer.seal(capture.text, capture.decision.encode())


@contextmanager
def _opened(data: Path) -> Iterator[sqlite3.Connection]:
    path = data / FILE
    private_file(path)
    try:
        with closing(sqlite3.connect(path, timeout=5.0, isolation_level=None)) as db:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
            db.execute("PRAGMA secure_delete = ON")
            db.execute(_SCHEMA)
            yield db
    except sqlite3.Error as error:
        if "locked" in str(error):
            raise Busy(str(path), "is locked by another process", "try again") from error
        raise StoreError(str(path), f"cannot be used: {error}", "restore it, or move it away") from error
