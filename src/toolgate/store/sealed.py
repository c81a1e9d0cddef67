"""Every place where something lies sealed, so that a rotation of the master key finds all of it.

A column that is not named in SEALED cannot be opened any more once the key that sealed it is retired; a test compares
the list with the tables.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from toolgate.keys import MasterKey, SealBroken, sealed_under
from toolgate.store import access_tokens, approvals, captures, headers, idempotency, oauth, webhooks
from toolgate.store.errors import Busy, StoreError
from toolgate.store.transactions import transaction

_BATCH: Final = 200
_PATIENCE: Final = 10.0
"""Seconds to wait for another process's transaction."""


@dataclass(slots=True, frozen=True)
class SealedColumn:
    """One column. `key` names the columns of the primary key, `binding` gives what the seal of a row is bound to.

    `also` are further columns that `binding` reads, as SQL. `tells` is the kind of change by which the gateways read a
    row of theirs anew, where they hold it; its id stands in the first column of the key.
    """

    file: str
    table: str
    column: str
    key: tuple[str, ...]
    purpose: str
    binding: Callable[[Mapping[str, Any]], bytes]
    also: tuple[str, ...] = ()
    tells: str = ""

    @property
    def name(self) -> str:
        """How people call it."""
        return f"{self.table}.{self.column}"


_DATABASE: Final = "toolgate.db"

SEALED: Final = (
    SealedColumn(
        _DATABASE,
        "upstream_headers",
        "sealed",
        ("server_id", "name"),
        headers.PURPOSE,
        lambda row: headers.binding(row["server_id"], row["name"]),
        tells="server",
    ),
    SealedColumn(
        _DATABASE,
        "oauth_clients",
        "sealed_secret",
        ("server_id",),
        access_tokens.PURPOSE,
        lambda row: oauth.secret_binding(row["server_id"], row["issuer"]),
        also=("issuer",),
    ),
    SealedColumn(
        _DATABASE,
        "oauth_tokens",
        "sealed",
        ("server_id", "grant_id"),
        access_tokens.PURPOSE,
        lambda row: access_tokens.binding(row["server_id"], row["grant_id"], row["url"]),
        also=("(SELECT url FROM servers WHERE id = server_id) AS url",),
        tells="credential",
    ),
    SealedColumn(
        _DATABASE,
        "idempotency",
        "sealed",
        ("organisation_id", "actor", "key"),
        idempotency.PURPOSE,
        lambda row: idempotency.binding(row["organisation_id"], row["actor"], row["key"]),
    ),
    SealedColumn(_DATABASE, "webhooks", "sealed", ("id",), webhooks.PURPOSE, lambda row: row["id"].encode()),
    SealedColumn(
        captures.FILE, "captures", "sealed", ("decision",), captures.SEAL, lambda row: row["decision"].encode()
    ),
    SealedColumn(approvals.FILE, "approvals", "sealed", ("id",), approvals.SEAL, lambda row: row["id"].encode()),
)

BRIEF: Final = frozenset({"oauth_attempts"})
"""Tables whose sealed records live for minutes: they are not sealed anew, and hold up no retirement."""


@dataclass(slots=True)
class Resealed:
    """What became of the records: sealed anew, and those that do not open, which stay as they are."""

    done: int = 0
    broken: int = 0


def census(data: Path) -> dict[str, Counter[str]]:
    """How many records each key seals (by its id), for each column that has any."""
    found: dict[str, Counter[str]] = {}
    for place in _present(data):
        with _opened(data, place) as db:
            rows = db.execute(f"SELECT {place.column} FROM {place.table} WHERE length({place.column}) > 0")  # noqa: S608
            count = Counter(sealed_under(bytes(row[0][:8])) for row in rows)
        if count:
            found[place.name] = count
    return found


def reseal(data: Path, master: MasterKey) -> dict[str, Resealed]:
    """Seal every record with the key in use that another key sealed; safe beside writers, and to be repeated.

    Some hundred rows a transaction. A gateway is woken by nobody here, but finds the changes it has to read.
    """
    return {place.name: _reseal(data, place, master) for place in _present(data)}


def _present(data: Path) -> list[SealedColumn]:
    """The columns whose files are there: before the first use they hold nothing."""
    return [place for place in SEALED if (data / place.file).exists()]


def _reseal(data: Path, place: SealedColumn, master: MasterKey) -> Resealed:
    result, after = Resealed(), None
    with _opened(data, place) as db:
        while True:
            with transaction(db):
                rows = db.execute(*_query(place, master.id, after)).fetchall()
                for row in rows:
                    _step(db, place, master, row, result)
            if len(rows) < _BATCH:
                return result
            after = tuple(rows[-1][name] for name in place.key)


def _query(place: SealedColumn, key_id: str, after: tuple[Any, ...] | None) -> tuple[str, tuple[Any, ...]]:
    """The next records in the order of their key that another key sealed."""
    key = ", ".join(place.key)
    columns = ", ".join((*place.key, place.column, *place.also))
    query = f"SELECT {columns} FROM {place.table} WHERE length({place.column}) > 0"  # noqa: S608 - constants
    query += f" AND substr({place.column}, 1, 8) != ?"
    known: tuple[Any, ...] = (bytes.fromhex(key_id),)
    if after is not None:
        query += f" AND ({key}) > ({', '.join('?' * len(place.key))})"
        known += after
    return f"{query} ORDER BY {key} LIMIT {_BATCH}", known


def _step(db: sqlite3.Connection, place: SealedColumn, master: MasterKey, row: sqlite3.Row, result: Resealed) -> None:
    binding = place.binding(dict(row))
    sealer = master.sealer(place.purpose)
    try:
        plain = sealer.open(bytes(row[place.column]), binding)
    except SealBroken:
        result.broken += 1
        return
    own = tuple(row[name] for name in place.key)
    which = " AND ".join(f"{name} = ?" for name in place.key)
    update = f"UPDATE {place.table} SET {place.column} = ? WHERE {which}"  # noqa: S608 - constants
    db.execute(update, (sealer.seal(plain, binding), *own))
    if place.tells:
        db.execute("INSERT INTO changes (kind, id) VALUES (?, ?)", (place.tells, own[0]))
    result.done += 1


@contextmanager
def _opened(data: Path, place: SealedColumn) -> Iterator[sqlite3.Connection]:
    path = data / place.file
    try:
        uri = f"{path.absolute().as_uri()}?mode=rw"
        with closing(sqlite3.connect(uri, uri=True, timeout=_PATIENCE, isolation_level=None)) as db:
            db.row_factory = sqlite3.Row
            db.execute("PRAGMA synchronous = FULL")
            yield db
    except sqlite3.Error as error:
        if "locked" in str(error):
            raise Busy(str(path), "is locked by another process", "try again") from error
        raise StoreError(str(path), f"cannot be used: {error}", "restore it") from error
