"""Opens the database, brings it to the present schema, and gives out its two kinds of transaction."""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine, Row
from sqlalchemy.exc import DBAPIError, IntegrityError

from toolgate.store import tables
from toolgate.store.directory import database_file, prepare_directory, private_file
from toolgate.store.errors import Busy, StoreError

AnyRow: TypeAlias = Row[*tuple[Any, ...]]
AnySelect: TypeAlias = sa.Select[*tuple[Any, ...]]

HEAD = "0005"
"""The newest migration; a test compares it with the scripts."""

SCHEMA = Path(__file__).parent / "schema.sql"
"""What the migrations make of an empty file; a test compares it with them."""

LOCK_WAIT = 10.0
"""Seconds a writer waits for another one."""


def open_database(data: Path, *, kept: int = 0) -> Engine:
    """The database of `data`, made (0600, the directory 0700) and migrated where needed.

    At most `kept` connections stay open for the next use, until `dispose`: a page asks several times, and to open one
    is to read the whole schema. Several processes may call this at once: one migrates, the others wait. Raises
    StoreError.
    """
    prepare_directory(data)
    path = database_file(data)
    private_file(path)
    engine = _engine(path, kept)
    if _schema(path) != HEAD:
        with _migration_lock(data):
            _bring_up(engine, path)
    return engine


def _bring_up(engine: Engine, path: Path) -> None:
    known = _schema(path)
    if known is None:
        _create(path)
    elif known != HEAD:
        _migrate(engine, path)


def _engine(path: Path, kept: int) -> Engine:
    url = URL.create("sqlite+pysqlite", database=str(path))
    arguments = {"timeout": LOCK_WAIT, "isolation_level": None}
    if kept:
        pool = {"pool_size": kept, "max_overflow": -1, "pool_use_lifo": True}  # the last used: its cache is the warmest
        engine = sa.create_engine(url, poolclass=sa.QueuePool, connect_args=arguments, **pool)
    else:
        engine = sa.create_engine(url, poolclass=sa.NullPool, connect_args=arguments)
    sa.event.listen(engine, "connect", _settle_connection)
    sa.event.listen(engine, "begin", _begin)
    return engine


def _settle_connection(connection: sqlite3.Connection, _record: object) -> None:
    """Write-ahead log, so that readers never wait; every commit synced, so that a revocation outlives a power cut."""
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def _begin(connection: Connection) -> None:
    """A writer takes its lock at once: a transaction that reads first and writes later could otherwise fail midway."""
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN DEFERRED")


def _schema(path: Path) -> str | None:
    """The migration the file is at; `""` when it names none, None when it is empty.

    Plain sqlite3: most starts need no more than this.
    """
    try:
        with closing(sqlite3.connect(path, timeout=LOCK_WAIT)) as connection:
            names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
            known = "alembic_version" in names
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone() if known else None
    except sqlite3.Error as error:
        raise _unreadable(str(path), error) from error
    if row:
        return str(row[0])
    return "" if names else None


@contextmanager
def _migration_lock(data: Path) -> Iterator[None]:
    descriptor = os.open(data / "migrate.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _create(path: Path) -> None:
    """A new database at once, in one transaction: a first start should not wait for all migrations and for alembic."""
    statements = SCHEMA.read_text("utf-8")
    try:
        with closing(sqlite3.connect(path, timeout=LOCK_WAIT, isolation_level=None)) as connection:
            _settle_connection(connection, None)
            connection.executescript(f"BEGIN IMMEDIATE;\n{statements}COMMIT;")
    except sqlite3.Error as error:
        raise _unreadable(str(path), error) from error


def _migrate(engine: Engine, path: Path) -> None:
    # Imported here: alembic takes half a second to load, and only a file of an older version needs it.
    from toolgate.store import migrate

    try:
        with engine.execution_options(writes=True).begin() as connection:
            migrate.upgrade(connection)
    except migrate.UnknownRevision as error:
        cause = "was written by a newer version of Toolgate"
        raise StoreError(str(path), cause, "upgrade Toolgate, or choose another directory with --data") from error
    except DBAPIError as error:
        raise _unreadable(str(path), error) from error


def _unreadable(place: str, error: Exception) -> StoreError:
    cause = str(getattr(error, "orig", error))
    if "locked" in cause:
        return Busy(place, "is locked by another process", "try again when the other command has ended")
    return StoreError(place, f"cannot be used: {cause}", "restore it from a backup, or choose another with --data")


@dataclass(slots=True)
class Writing:
    """One transaction of a writer, and who writes."""

    connection: Connection
    actor: str
    organisation: str
    now: float

    def note(
        self,
        action: str,
        kind: str,
        target: str,
        before: Mapping[str, object] | None = None,
        after: Mapping[str, object] | None = None,
    ) -> None:
        """Tell the gateways (`changes`) and the administrators (`admin_events`). `before`, `after`: never a secret."""
        self.connection.execute(tables.changes.insert().values(kind=kind, id=target))
        self.event(action, kind, target, before, after)

    def event(
        self,
        action: str,
        kind: str,
        target: str,
        before: Mapping[str, object] | None = None,
        after: Mapping[str, object] | None = None,
    ) -> None:
        """Tell the administrators alone, of what no gateway has to read anew."""
        self.connection.execute(
            tables.admin_events.insert().values(
                time=self.now,
                organisation_id=self.organisation,
                actor=self.actor,
                action=action,
                kind=kind,
                target=target,
                before=_json(before),
                after=_json(after),
            )
        )


_together: ContextVar[Writing | None] = ContextVar("together", default=None)


def _json(fields: Mapping[str, object] | None) -> str | None:
    return None if fields is None else json.dumps(fields, ensure_ascii=False, sort_keys=True)


@contextmanager
def writing(engine: Engine, actor: str, organisation: str = tables.DEFAULT_ORGANISATION) -> Iterator[Writing]:
    """One transaction that writes: all of it happens, or, when anything raises, nothing.

    Raises StoreError where the database cannot be written, and leaves IntegrityError to the caller. Inside `together`
    it joins that transaction.
    """
    outer = _together.get()
    if outer is not None:
        yield Writing(outer.connection, actor, organisation, outer.now)
        return
    try:
        with engine.execution_options(writes=True).begin() as connection:
            yield Writing(connection, actor, organisation, time.time())
    except IntegrityError:
        raise  # a name that is taken: the caller knows which
    except DBAPIError as error:
        raise _unreadable(_place(engine), error) from error


@contextmanager
def together(engine: Engine, actor: str, organisation: str = tables.DEFAULT_ORGANISATION) -> Iterator[Writing]:
    """One transaction for several functions of the store: each `writing` and `reading` in this thread joins it."""
    with writing(engine, actor, organisation) as change:
        token = _together.set(change)
        try:
            yield change
        finally:
            _together.reset(token)


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One transaction that reads: all its statements see the same state. Inside `together` it joins that one."""
    outer = _together.get()
    if outer is not None:
        yield outer.connection
        return
    try:
        with engine.connect() as connection:
            yield connection
    except DBAPIError as error:
        raise _unreadable(_place(engine), error) from error


def latest_change(engine: Engine) -> int:
    """The number of the newest change: what `store.changes.announce` waits for after a write."""
    with reading(engine) as connection:
        return connection.scalar(sa.select(sa.func.max(tables.changes.c.seq))) or 0


def _place(engine: Engine) -> str:
    return engine.url.database or str(engine.url)
