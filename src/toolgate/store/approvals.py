"""Calls that wait for a person and what was decided of them: one SQLite file for every process of a data directory.

Each step from one state to the next is a single statement with a condition on the state it comes from. So of two
approvers one decides, of two repeats one uses the permit, and what a caller was told is on the disk.
"""

from __future__ import annotations

import secrets
import sqlite3
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Final, Literal, cast

from toolgate.store.approval_search import LOCAL, Search, State
from toolgate.store.errors import Busy, NotStored, StoreError
from toolgate.store.names import shown
from toolgate.store.transactions import transaction
from toolgate.store.versioned import open_versioned

__all__ = ["LOCAL", "Approval", "ApprovalStore", "NotPending", "Search", "State", "TooMany", "Wanted"]

FILE: Final = "approvals.db"
SEAL: Final = "approval"
"""The purpose of the key that seals held calls; each is bound to the id of its approval."""
KEPT: Final = 30 * 86_400
"""Seconds that an approval is kept after it has expired."""
PREFIX: Final = "apr_"
_LETTERS: Final = "abcdefghijkmnpqrstuvwxyz23456789"
_SCHEMA: Final = """
CREATE TABLE approvals (
    id TEXT PRIMARY KEY, created REAL NOT NULL, expires REAL NOT NULL, state TEXT NOT NULL,
    organisation TEXT NOT NULL, grant_id TEXT NOT NULL, grant_label TEXT NOT NULL, principal TEXT NOT NULL,
    server_id TEXT NOT NULL, server_name TEXT NOT NULL, method TEXT NOT NULL, tool TEXT NOT NULL,
    arguments TEXT NOT NULL, rest TEXT NOT NULL, fingerprint TEXT NOT NULL,
    policy_id TEXT NOT NULL, revision INTEGER NOT NULL, rule TEXT NOT NULL, reason TEXT NOT NULL,
    decided_by TEXT NOT NULL DEFAULT '', decided_at REAL, decision_reason TEXT NOT NULL DEFAULT '',
    used_by TEXT NOT NULL DEFAULT '', sealed BLOB NOT NULL);
CREATE INDEX approvals_of_grant ON approvals (grant_id, state);
CREATE INDEX approvals_by_end ON approvals (expires)
"""
_INDEXES: Final = """
CREATE INDEX approvals_by_creation ON approvals (created, id);
CREATE INDEX approvals_by_state ON approvals (state, expires)
"""


@dataclass(slots=True, frozen=True)
class Wanted:
    """A call that needs a person, without what it says: that lies sealed beside it.

    Two calls are identical when they agree in grant, server, method, tool, fingerprint and both digests: `arguments` is
    the keyed one of the record, `rest` that of all other parameters which reach the server ("" where there are none).
    """

    organisation: str
    grant_id: str
    grant_label: str
    principal: str
    server_id: str
    server_name: str
    method: str
    tool: str
    arguments: str
    rest: str
    fingerprint: str
    policy_id: str
    revision: int
    rule: str
    reason: str


@dataclass(slots=True, frozen=True)
class Approval(Wanted):
    """One row; times in epoch seconds. `state` counts the clock: what has expired says so."""

    id: str
    created: float
    expires: float
    state: State
    decided_by: str
    decided_at: float | None
    decision_reason: str
    used_by: str
    """The decision that used the permit."""


class TooMany(StoreError):
    """The grant has as many calls waiting as one grant may have."""


class NotPending(StoreError):
    """Somebody was first, or it is too late; `approval` says what became of it."""

    def __init__(self, approval: Approval) -> None:
        self.approval = approval
        by = f" by {approval.decided_by}" if approval.decided_by else ""
        super().__init__(approval.id, f"is not pending any more: {approval.state}{by}")


_COLUMNS: Final = tuple(field.name for field in fields(Approval))
_SELECT: Final = f"SELECT {', '.join(_COLUMNS)} FROM approvals"  # noqa: S608 - constants only
_WANTED: Final = tuple(field.name for field in fields(Wanted))
_NEW: Final = ("id", "created", "expires", "state", "sealed", *_WANTED)
_INSERT: Final = f"INSERT INTO approvals ({', '.join(_NEW)}) VALUES ({', '.join('?' * len(_NEW))})"  # noqa: S608
_SAME: Final = ("grant_id", "server_id", "method", "tool", "arguments", "rest", "fingerprint")
_LIVE: Final = (
    f"{_SELECT} WHERE {' AND '.join(f'{name} = ?' for name in _SAME)}"
    " AND state IN ('pending', 'approved', 'denied') AND expires > ? ORDER BY created DESC LIMIT 1"
)
_DECIDE: Final = (
    "UPDATE approvals SET state = ?, decided_by = ?, decided_at = ?, decision_reason = ?"
    " WHERE id = ? AND state = 'pending' AND expires > ?"
)
_USE: Final = "UPDATE approvals SET state = 'used', used_by = ? WHERE id = ? AND state = 'approved' AND expires > ?"
_VOID: Final = "UPDATE approvals SET state = 'void' WHERE id = ? AND state IN ('pending', 'approved', 'denied')"
_VOID_THOSE: Final = (
    "UPDATE approvals SET state = 'void', decision_reason = ?"
    " WHERE (grant_id = ? OR server_id = ?) AND state IN ('pending', 'approved')"
)
_PREVIOUS: Final = (
    f"{_SELECT} WHERE grant_id = ? AND server_id = ? AND method = ? AND tool = ? AND id != ?"
    " AND state IN ('approved', 'used') AND decided_at < ? ORDER BY decided_at DESC LIMIT 1"
)
_PENDING: Final = "SELECT count(*) FROM approvals WHERE grant_id = ? AND state = 'pending' AND expires > ?"


class ApprovalStore:
    """The approvals of one data directory; every method may raise StoreError.

    The file is opened at the first use and made where it is missing (0600). Use one store from one thread. `patience`:
    seconds to wait for another process's transaction, which is a statement long.
    """

    def __init__(self, data: Path, *, patience: float = 1.0, clock: Callable[[], float] = time.time) -> None:
        self._path = data / FILE
        self._patience = patience
        self._clock = clock
        self._connection: sqlite3.Connection | None = None

    def live(self, wanted: Wanted) -> Approval | None:
        """The unexpired approval of an identical call that is pending, approved or refused."""
        with self._opened() as db:
            return self._read(db.execute(_LIVE, self._live_key(wanted)).fetchone())

    def ask(self, wanted: Wanted, lifetime: float, sealed: Callable[[str], bytes], limit: int) -> Approval:
        """Open an approval for `lifetime` seconds, or join the live one of an identical call; raises TooMany.

        `sealed` is given the new id and returns the sealed call. `limit`: how many may be pending for one grant.
        """
        with self._opened() as db, transaction(db):
            known = self._read(db.execute(_LIVE, self._live_key(wanted)).fetchone())
            if known is not None:
                return known
            now = self._clock()
            if db.execute(_PENDING, (wanted.grant_id, now)).fetchone()[0] >= limit:
                raise TooMany("approvals", f"{limit} calls of this grant wait for a person already")
            id_ = PREFIX + "".join(secrets.choice(_LETTERS) for _ in range(10))
            rest = (getattr(wanted, name) for name in _WANTED)
            db.execute(_INSERT, (id_, now, now + lifetime, "pending", sealed(id_), *rest))
            db.execute("DELETE FROM approvals WHERE expires < ?", (now - KEPT,))
            return self._one(db, id_)

    def get(self, id_: str) -> Approval:
        """By its whole id, or how that begins (with or without `apr_`); raises NotStored."""
        beginning = id_ if id_.startswith(PREFIX) else PREFIX + id_
        with self._opened() as db:
            found = db.execute(f"{_SELECT} WHERE substr(id, 1, ?) = ? LIMIT 2", (len(beginning), beginning)).fetchall()
        if len(found) != 1 or beginning == PREFIX:
            cause = (
                f"`{shown(id_)}` is how several approvals begin" if found else f"there is no approval `{shown(id_)}`"
            )
            raise NotStored("approval", cause, "`toolgate approval list --state all` shows them")
        return self._approval(found[0])

    def exact(self, id_: str, organisations: Collection[str]) -> Approval:
        """By its whole id; raises NotStored, for one of other organisations in the same words."""
        with self._opened() as db:
            found = self._read(db.execute(f"{_SELECT} WHERE id = ?", (id_,)).fetchone())
        if found is None or found.organisation not in organisations:
            raise NotStored("approval", f"there is no approval `{shown(id_)}`", "the list of approvals shows them")
        return found

    def search(self, search: Search) -> list[Approval]:
        """Those that fit, the newest first."""
        condition, values = search.condition(self._clock())
        query = f"{_SELECT} WHERE {condition} ORDER BY created DESC, id DESC LIMIT ?"
        with self._opened() as db:
            return [self._approval(row) for row in db.execute(query, (*values, search.limit))]

    def count(self, search: Search) -> int:
        """How many fit, whatever its limit."""
        condition, values = search.condition(self._clock())
        with self._opened() as db:
            return int(db.execute(f"SELECT count(*) FROM approvals WHERE {condition}", values).fetchone()[0])  # noqa: S608

    def previous(self, approval: Approval) -> Approval | None:
        """The call of the same grant, server and tool that was approved last before this one was decided on."""
        until = approval.decided_at if approval.decided_at is not None else self._clock() + 1
        kind = (approval.grant_id, approval.server_id, approval.method, approval.tool)
        with self._opened() as db:
            return self._read(db.execute(_PREVIOUS, (*kind, approval.id, until)).fetchone())

    def every(self, states: Collection[str] = ()) -> list[Approval]:
        """All, oldest first; only those in `states` where any are named."""
        with self._opened() as db:
            found = [self._approval(row) for row in db.execute(f"{_SELECT} ORDER BY created, id")]
        return [approval for approval in found if not states or approval.state in states]

    def sealed(self, id_: str) -> bytes:
        """The sealed call of an approval, by its whole id."""
        with self._opened() as db:
            return bytes(db.execute("SELECT sealed FROM approvals WHERE id = ?", (id_,)).fetchone()[0])

    def decide(self, id_: str, state: Literal["approved", "denied"], by: str, reason: str = "") -> Approval:
        """Approve or refuse, by the whole id; raises NotPending when that is over: exactly one decision counts."""
        with self._opened() as db:
            now = self._clock()
            if db.execute(_DECIDE, (state, by, now, reason, id_, now)).rowcount != 1:
                raise NotPending(self._one(db, id_))
            return self._one(db, id_)

    def use(self, id_: str, decision: str) -> bool:
        """Use the permit up for the call with this decision id: True exactly once, and on the disk by then."""
        with self._opened() as db:
            return db.execute(_USE, (decision, id_, self._clock())).rowcount == 1

    def void(self, id_: str) -> bool:
        """End an approval that no call may use any more; False where it had ended already."""
        with self._opened() as db:
            return db.execute(_VOID, (id_,)).rowcount == 1

    def void_those_of(self, *, grant_id: str = "", server_id: str = "", why: str) -> int:
        """End what waits, or was approved and not used yet, of a grant or of a server; how many that were.

        `why` is a sentence for people. What was refused stays refused.
        """
        with self._opened() as db:
            return db.execute(_VOID_THOSE, (why, grant_id, server_id)).rowcount

    def states(self, ids: Collection[str]) -> dict[str, State]:
        """How these stand now."""
        now = self._clock()
        query = f"SELECT id, state, expires FROM approvals WHERE id IN ({', '.join('?' * len(ids))})"  # noqa: S608
        with self._opened() as db:
            return {id_: _counted(state, expires, now) for id_, state, expires in db.execute(query, tuple(ids))}

    def version(self) -> int:
        """A number that changes when another process has written: cheap enough to ask several times a second."""
        with self._opened() as db:
            return int(db.execute("PRAGMA data_version").fetchone()[0])

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _live_key(self, wanted: Wanted) -> tuple[object, ...]:
        return (*(getattr(wanted, name) for name in _SAME), self._clock())

    def _one(self, db: sqlite3.Connection, id_: str) -> Approval:
        return self._approval(db.execute(f"{_SELECT} WHERE id = ?", (id_,)).fetchone())

    def _read(self, row: tuple[Any, ...] | None) -> Approval | None:
        return None if row is None else self._approval(row)

    def _approval(self, row: tuple[Any, ...]) -> Approval:
        stored = Approval(**dict(zip(_COLUMNS, row, strict=True)))
        return replace(stored, state=_counted(stored.state, stored.expires, self._clock()))

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        try:
            if self._connection is None:
                self._connection = _connect(self._path, self._patience)
            yield self._connection
        except sqlite3.Error as error:
            if "locked" in str(error):
                raise Busy(str(self._path), "is locked by another process", "try again") from error
            raise StoreError(str(self._path), f"cannot be used: {error}", "restore it, or move it away") from error


def _counted(state: str, expires: float, now: float) -> State:
    over = state in {"pending", "approved"} and expires <= now
    return "expired" if over else cast("State", state)


def _connect(path: Path, patience: float) -> sqlite3.Connection:
    """Every commit is synced, so that a used permit stays used after a power cut."""
    return open_versioned(path, (_SCHEMA, _INDEXES), patience=patience, synchronous="FULL")
