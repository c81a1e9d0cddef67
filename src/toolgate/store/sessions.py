"""Sessions of members in browsers: on the server, found by digest, ended when anything about the member changes."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from toolgate.store.database import AnyRow, Writing, reading, writing
from toolgate.store.errors import NotStored
from toolgate.store.names import shown
from toolgate.store.tables import members as member_table
from toolgate.store.tables import sessions as table

IDLE: Final = 12 * 3600.0
"""Seconds after which a session that nobody used has ended."""
LIFE: Final = 14 * 86_400.0
"""Seconds after which any session has ended."""
TOUCH: Final = 60.0
"""Seconds between two notes that a session is in use: not every page is a write."""
_AT_MOST: Final = 50
"""Sessions that one member may have; the ones unused for longest make room."""
_ID: Final = 16
_AGENT: Final = 200


@dataclass(slots=True, frozen=True)
class Session:
    """One browser that is signed in. `id` is the beginning of its digest, in hex: it opens nothing."""

    id: str
    member_id: str
    created: float
    last_used: float
    expires: float
    address: str
    agent: str


def digest_of(secret: str) -> bytes:
    """The digest under which a session is found: of 256 random bits, so neither salt nor slowness is needed."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def begin(change: Writing, member_id: str, address: str, agent: str, instead_of: bytes | None = None) -> str:
    """Sign a member in inside a transaction; returns the secret of the cookie, always a new one.

    `instead_of` is the digest of what the browser had before: it ends, so nobody who planted or saw it gains anything.
    """
    secret = secrets.token_urlsafe(32)
    dead = sa.or_(table.c.expires <= change.now, table.c.last_used <= change.now - IDLE, table.c.digest == instead_of)
    change.connection.execute(table.delete().where(dead))
    values = {
        "digest": digest_of(secret),
        "member_id": member_id,
        "created": change.now,
        "last_used": change.now,
        "expires": change.now + LIFE,
        "address": address[:64],
        "agent": agent[:_AGENT],
    }
    change.connection.execute(table.insert().values(values))
    newest = sa.select(table.c.digest).where(table.c.member_id == member_id).order_by(table.c.last_used.desc())
    kept = newest.limit(_AT_MOST)
    change.connection.execute(table.delete().where(table.c.member_id == member_id, table.c.digest.not_in(kept)))
    seen = member_table.update().where(member_table.c.id == member_id).values(last_seen=change.now)
    change.connection.execute(seen)
    return secret


def alive(now: float) -> sa.ColumnElement[bool]:
    """What a session must be to count, in a query of table `sessions`."""
    return sa.and_(table.c.expires > now, table.c.last_used > now - IDLE)


def touch(engine: Engine, digest: bytes, now: float) -> None:
    """Note that a session is in use. It is no news to administrators."""
    with writing(engine, "session") as change:
        found = change.connection.execute(table.update().where(table.c.digest == digest).values(last_used=now))
        if found.rowcount:
            owner = sa.select(table.c.member_id).where(table.c.digest == digest).scalar_subquery()
            change.connection.execute(member_table.update().where(member_table.c.id == owner).values(last_seen=now))


def of_member(engine: Engine, member_id: str, now: float) -> list[Session]:
    """The living sessions of a member, the last used first."""
    living = sa.select(table).where(table.c.member_id == member_id, alive(now)).order_by(table.c.last_used.desc())
    with reading(engine) as connection:
        return [read(row) for row in connection.execute(living)]


def end(engine: Engine, actor: str, member_id: str, session_id: str, organisation: str) -> None:
    """End one session of a member. Raises NotStored."""
    with writing(engine, actor, organisation) as change:
        rows = change.connection.execute(sa.select(table).where(table.c.member_id == member_id)).all()
        found = [row for row in rows if read(row).id == session_id]
        if not found:
            raise NotStored("session", f"there is no session `{shown(session_id)}`", "it may have ended already")
        change.connection.execute(table.delete().where(table.c.digest == found[0].digest))
        change.event("session.end", "member", member_id, before={"session": session_id})


def end_all(change: Writing, member_id: str, but: bytes | None = None) -> int:
    """End every session of a member inside a transaction, except the one with digest `but`; returns how many."""
    which = sa.and_(table.c.member_id == member_id, table.c.digest != (but or b""))
    return change.connection.execute(table.delete().where(which)).rowcount


def read(row: AnyRow) -> Session:
    """A row of table `sessions`."""
    return Session(
        id=row.digest.hex()[:_ID],
        member_id=row.member_id,
        created=row.created,
        last_used=row.last_used,
        expires=row.expires,
        address=row.address,
        agent=row.agent,
    )
