"""Grants: what a holder of a token may do on one server, under one policy. Tokens are stored as digests only."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from toolgate.keys import mint_token, token_digest
from toolgate.store import names, policies, servers
from toolgate.store.database import AnyRow, AnySelect, Writing, reading, writing
from toolgate.store.errors import BadInput, NotStored, StoreError
from toolgate.store.tables import DEFAULT_ORGANISATION
from toolgate.store.tables import grants as table
from toolgate.store.tables import policies as policy_table
from toolgate.store.tables import servers as server_table

ID_START = re.compile(r"[0-9a-f]{8}[0-9a-f-]{0,28}")


@dataclass(slots=True, frozen=True)
class Grant:
    """A grant as the operator sees it. `state` is `active`, `expired` or `revoked`; times in seconds since 1970."""

    id: str
    label: str
    principal: str
    labels: dict[str, str]
    server_id: str
    server: str
    policy_id: str | None
    policy: str | None
    created: float
    expires: float | None
    revoked: float | None
    rotated: float | None
    state: str


@dataclass(slots=True, frozen=True)
class Minted:
    """A grant with its token, which exists nowhere else and cannot be shown again."""

    grant: Grant
    token: str = field(repr=False)


def add(
    engine: Engine,
    actor: str,
    *,
    server: str,
    policy: str | None,
    label: str,
    principal: str = "",
    labels: Mapping[str, str] | None = None,
    expires: float | None = None,
) -> Minted:
    """Make a grant and its token. Without a policy it denies every call; without a principal the label is its holder.

    `expires` is a moment in seconds since 1970. Raises BadInput, NotStored.
    """
    with writing(engine, actor) as change:
        server_id = servers.find(change.connection, server).id
        policy_id = policies.find(change.connection, policy).id if policy is not None else None
        terms = Terms(server_id, policy_id, principal or label, dict(labels or {}), expires)
        token, grant_id = mint_token(), str(uuid.uuid4())
        insert(change, grant_id, label, terms, token)
        return Minted(_get(change.connection, grant_id, change.now), token)


@dataclass(slots=True, frozen=True)
class Terms:
    """What a grant says; everything but its name and its token."""

    server_id: str
    policy_id: str | None
    principal: str
    labels: Mapping[str, str]
    expires: float | None

    def columns(self) -> dict[str, object]:
        """The terms as the table holds them. Raises BadInput."""
        names.check_text("--principal", self.principal)
        kept = names.check_labels("--labels", self.labels)
        return {
            "server_id": self.server_id,
            "policy_id": self.policy_id,
            "principal": self.principal,
            "labels": json.dumps(kept, sort_keys=True, ensure_ascii=False),
            "expires": self.expires,
        }


def insert(change: Writing, grant_id: str, label: str, terms: Terms, token: str, origin: str | None = None) -> None:
    """Make a grant inside a transaction, for a token of `mint_token`. Raises BadInput."""
    names.check_text("--label", label)
    columns = terms.columns()
    if terms.expires is not None and terms.expires <= change.now:
        raise BadInput("--expires", "lies in the past", "give a moment to come, such as 30d")
    own = {"id": grant_id, "organisation_id": change.organisation, "label": label, "origin": origin}
    values = {**own, **columns, "digest": token_digest(token), "created": change.now}
    change.connection.execute(table.insert().values(values))
    change.note("add", "grant", grant_id, after={"label": label, **asdict(terms)})


def amend(change: Writing, grant_id: str, terms: Terms) -> None:
    """Give a living grant other terms inside a transaction, from its next request on. Raises BadInput."""
    before = _get(change.connection, grant_id, change.now)
    change.connection.execute(table.update().where(table.c.id == grant_id).values(terms.columns()))
    was = Terms(before.server_id, before.policy_id, before.principal, before.labels, before.expires)
    change.note("change", "grant", grant_id, before=asdict(was), after=asdict(terms))


def renew(change: Writing, grant_id: str, token: str) -> None:
    """Exchange a grant's token inside a transaction; the old one is refused from the next request on."""
    values = {"digest": token_digest(token), "rotated": change.now}
    change.connection.execute(table.update().where(table.c.id == grant_id).values(values))
    change.note("rotate", "grant", grant_id)


def end(change: Writing, grant_id: str) -> None:
    """Revoke a living grant inside a transaction."""
    label = _get(change.connection, grant_id, change.now).label
    change.connection.execute(table.update().where(table.c.id == grant_id).values(revoked=change.now))
    change.note("revoke", "grant", grant_id, before={"label": label})


def rotate(engine: Engine, actor: str, reference: str) -> Minted:
    """Give the grant a new token; the old one is refused from the next request on. Raises NotStored, StoreError."""
    token = mint_token()
    with writing(engine, actor) as change:
        grant = _living(change, reference)
        renew(change, grant.id, token)
        return Minted(_get(change.connection, grant.id, change.now), token)


def revoke(engine: Engine, actor: str, reference: str) -> Grant:
    """Refuse the grant from now on, for good. Revoking twice changes nothing. Raises NotStored."""
    with writing(engine, actor) as change:
        grant = _find(change.connection, reference, change.now)
        if grant.revoked is None:
            end(change, grant.id)
        return _get(change.connection, grant.id, change.now)


def attach(engine: Engine, actor: str, reference: str, policy: str) -> Grant:
    """Put the grant under another policy, from its next request on. Raises NotStored, StoreError."""
    with writing(engine, actor) as change:
        grant = _living(change, reference)
        policy_id = policies.find(change.connection, policy).id
        change.connection.execute(table.update().where(table.c.id == grant.id).values(policy_id=policy_id))
        change.note("attach", "grant", grant.id, {"policy_id": grant.policy_id}, {"policy_id": policy_id})
        return _get(change.connection, grant.id, change.now)


def get(engine: Engine, reference: str, now: float) -> Grant:
    """The grant with this label, id, or beginning of an id (8 characters and more).

    Raises NotStored, also when several living grants share the label.
    """
    with reading(engine) as connection:
        return _find(connection, reference, now)


def every(engine: Engine, now: float, server: str | None = None) -> list[Grant]:
    """All grants, the oldest first; of one server when given."""
    with reading(engine) as connection:
        which = sa.true() if server is None else table.c.server_id == servers.find(connection, server).id
        rows = connection.execute(_query(which).order_by(table.c.created, table.c.id))
        return [_grant(row, now) for row in rows]


def _living(change: Writing, reference: str) -> Grant:
    grant = _find(change.connection, reference, change.now)
    if grant.revoked is not None:
        raise StoreError("grant", f"`{names.shown(reference)}` is revoked", "make a new one with `toolgate grant add`")
    return grant


def _find(connection: Connection, reference: str, now: float) -> Grant:
    if names.is_id(reference):
        found = connection.execute(_query(table.c.id == reference)).all()
    else:
        named = connection.execute(_query(table.c.label == reference)).all()
        found = [row for row in named if row.revoked is None] or named
        if not found and ID_START.fullmatch(reference):
            found = connection.execute(_query(table.c.id.startswith(reference))).all()
    if len(found) == 1:
        return _grant(found[0], now)
    if found:
        ids = ", ".join(sorted(row.id for row in found)[:5])
        raise NotStored("grant", f"{len(found)} grants are labelled `{names.shown(reference)}`", f"use the id: {ids}")
    cause = f"there is no grant `{names.shown(reference)}`"
    raise NotStored("grant", cause, "`toolgate grant list` shows all")


def _get(connection: Connection, grant_id: str, now: float) -> Grant:
    return _grant(connection.execute(_query(table.c.id == grant_id)).one(), now)


def _query(which: sa.ColumnElement[bool]) -> AnySelect:
    joined = table.join(server_table, server_table.c.id == table.c.server_id).outerjoin(
        policy_table, policy_table.c.id == table.c.policy_id
    )
    columns = (table, server_table.c.name.label("server"), policy_table.c.name.label("policy"))
    return sa.select(*columns).select_from(joined).where(which, table.c.organisation_id == DEFAULT_ORGANISATION)


def _grant(row: AnyRow, now: float) -> Grant:
    return Grant(
        id=row.id,
        label=row.label,
        principal=row.principal,
        labels=json.loads(row.labels),
        server_id=row.server_id,
        server=row.server,
        policy_id=row.policy_id,
        policy=row.policy,
        created=row.created,
        expires=row.expires,
        revoked=row.revoked,
        rotated=row.rotated,
        state=_state(row.expires, row.revoked, now),
    )


def _state(expires: float | None, revoked: float | None, now: float) -> str:
    if revoked is not None:
        return "revoked"
    return "expired" if expires is not None and expires <= now else "active"
