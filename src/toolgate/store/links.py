"""Links that let somebody in once: the first admin, whoever was invited, whoever forgot their password."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from toolgate.store.database import Writing, reading, writing
from toolgate.store.errors import NotStored
from toolgate.store.tables import members
from toolgate.store.tables import sign_in_links as table

Purpose: TypeAlias = Literal["first", "invite", "reset"]

LIFE: Final[dict[Purpose, float]] = {"first": 86_400.0, "invite": 7 * 86_400.0, "reset": 86_400.0}
"""Seconds for which each kind of link holds."""


@dataclass(slots=True, frozen=True)
class Link:
    """A link that still holds: for whom, if for somebody who is known, and until when."""

    purpose: Purpose
    member_id: str | None
    email: str
    organisation: str
    expires: float


def make(change: Writing, purpose: Purpose, member_id: str | None = None) -> str:
    """A new link inside a transaction; returns its secret. Earlier links for the same end hold no longer."""
    secret = secrets.token_urlsafe(32)
    same = table.c.purpose == "first" if member_id is None else table.c.member_id == member_id
    change.connection.execute(table.delete().where(sa.or_(same, table.c.expires <= change.now)))
    values = {
        "digest": _digest(secret),
        "organisation_id": change.organisation,
        "purpose": purpose,
        "member_id": member_id,
        "created": change.now,
        "expires": change.now + LIFE[purpose],
    }
    change.connection.execute(table.insert().values(values))
    return secret


def first(engine: Engine, actor: str) -> str | None:
    """The secret of a new first-run link; None as soon as the installation has a member."""
    with writing(engine, actor) as change:
        if change.connection.scalar(sa.select(sa.func.count()).select_from(members)):
            return None
        return make(change, "first")


def look(engine: Engine, secret: str, now: float) -> Link:
    """What the link is for; looking does not use it. Raises NotStored, the same for spent, expired and made up."""
    with reading(engine) as connection:
        return _find(connection, secret, now)


def use(change: Writing, secret: str) -> Link:
    """Use the link up inside a transaction: whatever follows happens together with that, once. Raises NotStored."""
    link = _find(change.connection, secret, change.now)
    change.connection.execute(table.update().where(table.c.digest == _digest(secret)).values(used=change.now))
    return link


def _find(connection: Connection, secret: str, now: float) -> Link:
    joined = table.outerjoin(members, members.c.id == table.c.member_id)
    columns = (table.c.purpose, table.c.member_id, table.c.organisation_id, table.c.expires, members.c.email)
    usable = (table.c.digest == _digest(secret), table.c.used.is_(None), table.c.expires > now)
    enabled = members.c.disabled.is_(None)
    row = connection.execute(sa.select(*columns).select_from(joined).where(*usable, enabled)).one_or_none()
    if row is None or (row.purpose == "first" and connection.scalar(sa.select(sa.func.count()).select_from(members))):
        cause = "was used already, or has expired, or never was one"
        raise NotStored("link", cause, "ask an admin for a new one; `toolgate serve` prints the first")
    return Link(row.purpose, row.member_id, row.email or "", row.organisation_id, row.expires)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
