"""Tokens of the REST API, for programs: each has a role of its own and belongs to an organisation, not to a person."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from toolgate.keys import mint_api_token, token_digest
from toolgate.store import approvers, names, roles
from toolgate.store.database import AnyRow, reading, writing
from toolgate.store.errors import BadInput, Conflict, NotStored
from toolgate.store.roles import Approves, Role
from toolgate.store.tables import DEFAULT_ORGANISATION
from toolgate.store.tables import api_tokens as table

TOUCH: Final = 60.0
"""Seconds between two notes that a token is in use."""


@dataclass(slots=True, frozen=True)
class ApiToken:
    """An API token as admins see it. `state` is `active`, `expired` or `revoked`."""

    id: str
    organisation: str
    name: str
    role: Role
    approves: Approves
    created_by: str
    created: float
    expires: float | None
    revoked: float | None
    last_used: float | None
    state: str


@dataclass(slots=True, frozen=True)
class MintedToken:
    """An API token with its secret, which exists nowhere else and cannot be shown again."""

    token: ApiToken
    secret: str = field(repr=False)


def add(
    engine: Engine,
    actor: str,
    name: str,
    role: str,
    *,
    approver: Collection[str] = (),
    expires: float | None = None,
    organisation: str = DEFAULT_ORGANISATION,
) -> MintedToken:
    """Make an API token. `approver`: names or ids of servers, or `*`; `expires`: a moment. BadInput, Conflict."""
    names.check_name("name", name)
    secret, token_id = mint_api_token(), str(uuid.uuid4())
    with writing(engine, actor, organisation) as change:
        if expires is not None and expires <= change.now:
            raise BadInput("expires", "lies in the past", "give a moment to come, such as 90d")
        living = (table.c.organisation_id == organisation, table.c.name == name, table.c.revoked.is_(None))
        if change.connection.execute(sa.select(table.c.id).where(*living)).first():
            raise Conflict("name", f"there is an API token `{name}` already", "revoke it, or choose another name")
        approves = approvers.chosen(change.connection, "approver", approver, organisation)
        values = {"role": roles.check_role("role", role), "approver": roles.written(approves), "expires": expires}
        own = {"id": token_id, "organisation_id": organisation, "name": name, "digest": token_digest(secret)}
        made = table.insert().values(**own, **values, created_by=actor, created=change.now)
        change.connection.execute(made)
        noted = {"name": name, "role": role, "approver": roles.described(approves), "expires": expires}
        change.event("add", "token", token_id, after=noted)
        return MintedToken(_find(change.connection, token_id, organisation, change.now), secret)


def revoke(engine: Engine, actor: str, reference: str, *, organisation: str = DEFAULT_ORGANISATION) -> ApiToken:
    """Refuse a token from now on, for good. Revoking twice changes nothing. Raises NotStored."""
    with writing(engine, actor, organisation) as change:
        found = _find(change.connection, reference, organisation, change.now)
        if found.revoked is None:
            change.connection.execute(table.update().where(table.c.id == found.id).values(revoked=change.now))
            change.event("revoke", "token", found.id, before={"name": found.name})
        return _find(change.connection, found.id, organisation, change.now)


def get(engine: Engine, reference: str, now: float, *, organisation: str = DEFAULT_ORGANISATION) -> ApiToken:
    """The token with this id or name. Raises NotStored."""
    with reading(engine) as connection:
        return _find(connection, reference, organisation, now)


def every(engine: Engine, now: float, *, organisation: str = DEFAULT_ORGANISATION) -> list[ApiToken]:
    """All tokens of an organisation, also those that are revoked or expired, the newest first."""
    query = sa.select(table).where(table.c.organisation_id == organisation).order_by(table.c.created.desc(), table.c.id)
    with reading(engine) as connection:
        return [_token(row, now) for row in connection.execute(query)]


def who(engine: Engine, secret: str, now: float) -> ApiToken | None:
    """The token with this secret, if it may be used."""
    with reading(engine) as connection:
        row = connection.execute(sa.select(table).where(table.c.digest == token_digest(secret))).one_or_none()
    found = None if row is None else _token(row, now)
    return found if found is not None and found.state == "active" else None


def touch(engine: Engine, token_id: str, now: float) -> None:
    """Note that a token is in use. It is no news to administrators."""
    with writing(engine, "token") as change:
        change.connection.execute(table.update().where(table.c.id == token_id).values(last_used=now))


def _find(connection: Connection, reference: str, organisation: str, now: float) -> ApiToken:
    """A revoked token frees its name, so the living one comes first, then the newest."""
    named = sa.or_(table.c.id == reference, table.c.name == reference)
    query = sa.select(table).where(named, table.c.organisation_id == organisation)
    row = connection.execute(query.order_by(table.c.revoked.is_not(None), table.c.created.desc())).first()
    if row is None:
        cause = f"there is no API token `{names.shown(reference)}`"
        raise NotStored("token", cause, "`toolgate token list` shows all")
    return _token(row, now)


def _token(row: AnyRow, now: float) -> ApiToken:
    expired = row.expires is not None and row.expires <= now
    return ApiToken(
        id=row.id,
        organisation=row.organisation_id,
        name=row.name,
        role=roles.check_role("role", row.role),
        approves=roles.read(row.approver),
        created_by=row.created_by,
        created=row.created,
        expires=row.expires,
        revoked=row.revoked,
        last_used=row.last_used,
        state="revoked" if row.revoked is not None else "expired" if expired else "active",
    )
