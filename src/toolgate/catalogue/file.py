"""The file of the catalogue (`catalogue.db`): its tables, and a connection for whoever uses it."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from toolgate.store.errors import Busy, StoreError
from toolgate.store.transactions import transaction
from toolgate.store.versioned import open_versioned

FILE: Final = "catalogue.db"
_PATIENCE: Final = 60.0
"""Seconds that a writer waits for another: loading what is in the box takes some."""
_KEPT: Final = 4
"""Connections that wait for the next reader, each with 16 MB of the file at most."""
_SCHEMA: Final = """
CREATE TABLE facts (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE servers (
    id INTEGER PRIMARY KEY, organisation TEXT NOT NULL, slug TEXT NOT NULL, name TEXT NOT NULL, source TEXT NOT NULL,
    title TEXT NOT NULL DEFAULT '', about TEXT NOT NULL DEFAULT '', version TEXT NOT NULL DEFAULT '',
    repository TEXT NOT NULL DEFAULT '', package TEXT NOT NULL DEFAULT '', url TEXT NOT NULL DEFAULT '',
    registered TEXT NOT NULL DEFAULT '', counts TEXT NOT NULL DEFAULT '[0,0,0,0,0]', risk TEXT, tokens INTEGER,
    seen REAL);
CREATE UNIQUE INDEX servers_by_slug ON servers (slug, organisation);
CREATE TABLE versions (
    id INTEGER PRIMARY KEY, server_id INTEGER NOT NULL, slug TEXT NOT NULL, fingerprint TEXT NOT NULL,
    category TEXT NOT NULL, changed TEXT NOT NULL, first_seen REAL NOT NULL, last_seen REAL NOT NULL, gone REAL,
    definition TEXT NOT NULL);
CREATE INDEX versions_of_tool ON versions (server_id, slug, id);
CREATE TABLE tools (
    id INTEGER PRIMARY KEY, server_id INTEGER NOT NULL, organisation TEXT NOT NULL, server_slug TEXT NOT NULL,
    slug TEXT NOT NULL, name TEXT NOT NULL, category TEXT NOT NULL, risk TEXT NOT NULL, confidence TEXT NOT NULL,
    signals TEXT NOT NULL, evidence TEXT NOT NULL, parameters TEXT NOT NULL, version_id INTEGER, first_seen REAL);
CREATE UNIQUE INDEX tools_of_server ON tools (server_id, slug);
CREATE INDEX tools_by_place ON tools (server_slug, slug, organisation);
CREATE INDEX tools_by_category ON tools (category, organisation);
CREATE INDEX tools_by_risk ON tools (risk, organisation);
CREATE INDEX tools_of_others ON tools (organisation) WHERE organisation > '';
CREATE TABLE signals (signal TEXT NOT NULL, tool_id INTEGER NOT NULL, PRIMARY KEY (signal, tool_id)) WITHOUT ROWID;
CREATE INDEX signals_of_tool ON signals (tool_id);
CREATE TABLE grams (gram TEXT NOT NULL, word TEXT NOT NULL, PRIMARY KEY (gram, word)) WITHOUT ROWID;
CREATE VIRTUAL TABLE tool_words USING fts5(
    whole, name, server, about, facets, tokenize = "unicode61 remove_diacritics 0", prefix = '2 3');
CREATE VIRTUAL TABLE server_words USING fts5(
    whole, name, about, facets, tokenize = "unicode61 remove_diacritics 0", prefix = '2 3');
CREATE VIRTUAL TABLE vocabulary USING fts5vocab(tool_words, row)
"""


class CatalogueFile:
    """An open file, made (0600) where it is missing. May be used from every thread. Raises StoreError.

    Threads of a server come and go, so a connection belongs to whoever uses it, and waits for the next one.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._used = threading.local()
        self._idle: list[sqlite3.Connection] = []
        with self.reading():
            pass

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection, inside another block of this thread that one's. Each statement sees what was committed then."""
        outer: sqlite3.Connection | None = getattr(self._used, "connection", None)
        if outer is not None:
            yield outer
            return
        try:
            connection = self._idle.pop() if self._idle else _connect(self.path)
            self._used.connection = connection
            try:
                yield connection
            finally:
                self._used.connection = None
                self._give_back(connection)
        except sqlite3.Error as error:
            raise _told(self.path, error) from error

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """The same in one transaction: all of it or nothing. One inside another is part of that."""
        with self.reading() as db:
            if db.in_transaction:
                yield db
                return
            with transaction(db):
                yield db

    def _give_back(self, connection: sqlite3.Connection) -> None:
        if len(self._idle) < _KEPT:
            self._idle.append(connection)
        else:
            connection.close()

    def close(self) -> None:
        """Close the connections; no thread may be at work."""
        while self._idle:
            self._idle.pop().close()


def noted(db: sqlite3.Connection, key: str) -> str:
    """What is noted under this key; "" for nothing."""
    row = db.execute("SELECT value FROM facts WHERE key = ?", (key,)).fetchone()
    return "" if row is None else str(row[0])


def note(db: sqlite3.Connection, key: str, value: str) -> None:
    """Note a fact about the file itself."""
    db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (key, value))


def _connect(path: Path) -> sqlite3.Connection:
    connection = open_versioned(path, (_SCHEMA,), patience=_PATIENCE, synchronous="NORMAL", threads=True)
    connection.execute("PRAGMA cache_size = -16000")
    return connection


def _told(path: Path, error: sqlite3.Error) -> StoreError:
    if "locked" in str(error):
        return Busy(str(path), "is locked by another process", "try again")
    return StoreError(str(path), f"cannot be used: {error}", "move it away: what is in the box is loaded anew")
