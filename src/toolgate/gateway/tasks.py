"""What outlives an exchange, across processes and restarts: whose task it started, and whether it was continued.

Task ids are bound to the grant whose call created them; an unfinished request is continued once for its price. Both
are rare beside calls, so one small SQLite file shared by the processes of the machine is enough.
"""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Final

_KEEP: Final = 30 * 86_400
"""Seconds that a binding is kept: longer than any server keeps a task."""
_REMEMBERED: Final = 10_000


class Tasks:
    """The bindings of one data directory."""

    def __init__(self, path: Path) -> None:
        self._known: dict[tuple[str, str], str] = {}
        self._db = sqlite3.connect(path, isolation_level=None, timeout=5.0)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS tasks (server TEXT, task TEXT, grant_id TEXT NOT NULL, created REAL NOT NULL,"
            " PRIMARY KEY (server, task)) WITHOUT ROWID"
        )
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS continued (decision TEXT PRIMARY KEY, expires REAL NOT NULL) WITHOUT ROWID"
        )
        self._db.execute("DELETE FROM tasks WHERE created < ?", (time.time() - _KEEP,))
        self._db.execute("DELETE FROM continued WHERE expires < ?", (time.time(),))

    def bind(self, server: str, task: str, grant: str) -> None:
        """Give the task to the grant; the first grant keeps it, whatever a server says later."""
        if self._known.get((server, task)) == grant:
            return
        self._db.execute("INSERT OR IGNORE INTO tasks VALUES (?, ?, ?, ?)", (server, task, grant, time.time()))

    def owned(self, server: str, task: str, grant: str) -> bool:
        """Whether the grant created the task."""
        key = (server, task)
        owner = self._known.get(key)
        if owner is None:
            row = self._db.execute("SELECT grant_id FROM tasks WHERE server = ? AND task = ?", key).fetchone()
            if row is None:
                return False
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            owner = self._known[key] = row[0]
        return owner == grant

    def continue_once(self, decision: str, expires: float) -> bool:
        """Whether the unfinished request of this decision is continued for the first time; to be asked once."""
        row = self._db.execute("INSERT OR IGNORE INTO continued VALUES (?, ?)", (decision, expires))
        return row.rowcount == 1

    def close(self) -> None:
        """Close the file."""
        self._db.close()
