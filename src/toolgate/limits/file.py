"""The file of the SQLite counters: opening it, its tables, its write-ahead log."""

from __future__ import annotations

import sqlite3
from contextlib import ExitStack, closing
from pathlib import Path

from toolgate.limits.counters import CountersUnavailable

VERSION = 2
"""The form of the tables, kept in the file as `user_version`. Version 1 had no marks, and is taken over as it is."""

SCHEMA = """
CREATE TABLE clock (id INTEGER PRIMARY KEY CHECK (id = 0), now REAL NOT NULL);
INSERT INTO clock VALUES (0, 0.0);
-- `seconds` is 0 for calendar windows, below 0 for marks, whose parts are in `used`.
-- Amounts are decimal text: sums in nano units outgrow 64 bits.
-- `ends` is when to look whether the row is still needed.
CREATE TABLE windows (key TEXT PRIMARY KEY, seconds INTEGER NOT NULL, expires REAL NOT NULL, used TEXT NOT NULL,
                      calls INTEGER NOT NULL, ends REAL NOT NULL) WITHOUT ROWID;
CREATE INDEX windows_by_end ON windows (ends);
CREATE TABLE calls (key TEXT NOT NULL, reservation TEXT NOT NULL, expires REAL NOT NULL, amount TEXT NOT NULL,
                    PRIMARY KEY (key, reservation)) WITHOUT ROWID;
CREATE INDEX calls_by_end ON calls (key, expires);
CREATE TABLE reservations (id TEXT PRIMARY KEY, owner TEXT NOT NULL, charges TEXT NOT NULL) WITHOUT ROWID;
"""


def connect(path: Path) -> sqlite3.Connection:
    """Open the file, readable for its owner only, and make its tables if it is new. Raises `CountersUnavailable`."""
    with ExitStack() as opened:
        try:
            path.touch(mode=0o600)
            connection = opened.enter_context(closing(sqlite3.connect(path, timeout=5.0, isolation_level=None)))
            for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "wal_autocheckpoint = 0"):
                connection.execute(f"PRAGMA {pragma}")
            _migrate(connection, path)
            connection.execute("PRAGMA busy_timeout = 0")
        except (sqlite3.Error, OSError) as error:
            raise CountersUnavailable(str(path), f"the counter store cannot be opened: {error}") from error
        opened.pop_all()
    return connection


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("BEGIN IMMEDIATE")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version not in {0, 1, VERSION}:
        cause = f"the counter store has version {version}, this release reads version {VERSION}"
        raise CountersUnavailable(str(path), cause, "start the release that wrote it")
    if version == 0:
        for statement in SCHEMA.split(";"):
            connection.execute(statement)
    if version != VERSION:
        connection.execute(f"PRAGMA user_version = {VERSION}")
    connection.execute("COMMIT")


def checkpoint(path: Path) -> None:
    """Copy the log into the file: most of it while others write, then the rest under the lock."""
    with closing(sqlite3.connect(path, timeout=0.1, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def is_lock(error: Exception) -> bool:
    """Whether another connection has the lock: nothing is wrong, only too early."""
    return isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
