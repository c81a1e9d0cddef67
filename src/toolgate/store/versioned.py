"""Opening a file of plain sqlite3 whose tables have a version, kept in the file as `user_version`."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from toolgate.store.directory import private_file
from toolgate.store.errors import StoreError
from toolgate.store.transactions import transaction


def open_versioned(
    path: Path,
    scripts: Sequence[str],
    *,
    patience: float,
    synchronous: Literal["FULL", "NORMAL"],
    threads: bool = False,
) -> sqlite3.Connection:
    """Open the file, made where there is none (0600), and bring it up to this release in one transaction.

    `scripts[n]` leads from version n to the next, statements parted by `;`. `patience`: seconds to wait for another
    process. With `FULL` every commit is synced. `threads`: may be used by one thread after the other. The connection
    is in autocommit mode with a write-ahead log. Raises StoreError, sqlite3.Error.
    """
    private_file(path)
    connection = sqlite3.connect(path, timeout=patience, isolation_level=None, check_same_thread=not threads)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        if _version(connection) != len(scripts):
            with transaction(connection):
                _migrate(connection, path, scripts)
    except BaseException:
        connection.close()
        raise
    return connection


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _migrate(connection: sqlite3.Connection, path: Path, scripts: Sequence[str]) -> None:
    """Bring the file up to this release; another process may just have done it."""
    version = _version(connection)
    if not 0 <= version <= len(scripts):
        cause = f"has version {version}, and this release reads version {len(scripts)}"
        raise StoreError(str(path), cause, "start the release that wrote it, or move the file away")
    for script in scripts[version:]:
        for statement in script.split(";"):
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {len(scripts)}")
