"""What outlives an exchange, across processes and restarts: whose task it started, and whether it was continued.

Task ids are bound to the grant whose call created them; an unfinished request is continued once for its price. Both
are rare beside calls, so one small SQLite file shared by the processes of the machine is enough.
"""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Final

from toolgate.gateway import answers
from toolgate.policy.decision import Verdict
from toolgate.protocol.messages import Message
from toolgate.protocol.revisions import CLIENT_CAPABILITIES_KEY

NOT_OWN: Final = Verdict("deny", "(task)", "This grant has no such task.")
_EXTENSION: Final = "io.modelcontextprotocol/tasks"
_METHODS: Final = frozenset({"tasks/get", "tasks/update", "tasks/cancel"})
"""What the extension has; `tasks/result` is of revision 2025-11-25 only."""
_METHOD_NOT_FOUND: Final = -32601
_INVALID_PARAMS: Final = -32602
_MISSING_CAPABILITY: Final = -32021
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


def unknown_task(message: Message, decision: str, *, modern: bool) -> bytes:
    """What a server says of a task that it does not know, so that another grant's is not told from none.

    In revision 2026-07-28 some methods are gone, and the client must have declared the extension (SEP-2663).
    """
    code, text = _INVALID_PARAMS, "there is no such task"
    facts: dict[str, object] = {"decision": decision}
    if modern and message.method not in _METHODS:
        code, text = _METHOD_NOT_FOUND, f"revision 2026-07-28 has no `{message.method}`"
    elif modern and not _declares_tasks(message.meta.get(CLIENT_CAPABILITIES_KEY)):
        code, text = _MISSING_CAPABILITY, f"the client did not declare `{_EXTENSION}`"
        facts["requiredCapabilities"] = {"extensions": {_EXTENSION: {}}}
    return answers.error(message.id, code, text, facts)


def _declares_tasks(capabilities: object) -> bool:
    extensions = capabilities.get("extensions") if isinstance(capabilities, dict) else None
    return isinstance(extensions, dict) and _EXTENSION in extensions
