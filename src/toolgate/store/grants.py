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
from toolgate.store.claims import check_claims
from toolgate.store.database import AnyRow, AnySelect, Writing, reading, writing
from toolgate.store.errors import BadInput, Conflict, NotStored
from toolgate.store.grant_search import Sought
from toolgate.store.stops import Stop, stop_of
from toolgate.store.tables import DEFAULT_ORGANISATION
from toolgate.store.tables import grants as table
from toolgate.store.tables import policies as policy_table
from toolgate.store.tables import servers as server_table

ID_START = re.compile(r"[0-9a-f]{8}[0-9a-f-]{0,28}")


@dataclass(slots=True, frozen=True)
class Grant:
    """A grant as the operator sees it. `state`: `active`, `stopped`, `expired`, `revoked`; times in epoch seconds.

    `created_by` has seen the token that is valid now: who made the grant, or rotated it last. `claims` are those of the
    access tokens that lead to it beside its own token; none where it is empty.
    """

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
    created_by: str
    claims: dict[str, object]
    stopped: Stop | None


@dataclass(slots=True, frozen=True)
class Minted:
    """A grant with its token, which exists nowhere else and cannot be shown again."""

    grant: Grant
    token: str = field(repr=False)


def add(  # noqa: PLR0913 - a grant is what its caller names of it
    engine: Engine,
    actor: str,
    *,
    server: str,
    policy: str | None,
    label: str,
    principal: str = "",
    labels: Mapping[str, str] | None = None,
    expires: float | None = None,
    claims: Mapping[str, object] | None = None,
    organisation: str = DEFAULT_ORGANISATION,
) -> Minted:
    """Make a grant and its token. Without a policy it denies every call; without a principal the label is its holder.

    `expires` is a moment in seconds since 1970. Raises BadInput, NotStored.
    """
    with writing(engine, actor, organisation) as change:
        named = dict(labels or {})
        terms = terms_of(
            change,
            server=server,
            policy=policy,
            principal=principal or label,
            labels=named,
            expires=expires,
            claims=claims,
        )
        token, grant_id = mint_token(), str(uuid.uuid4())
        insert(change, grant_id, label, terms, token)
        return Minted(_own(change, grant_id), token)


@dataclass(slots=True, frozen=True)
class Terms:
    """What a grant says; everything but its name and its token. `claims` None: those that it has."""

    server_id: str
    policy_id: str | None
    principal: str
    labels: Mapping[str, str]
    expires: float | None
    claims: Mapping[str, object] | None = None

    def columns(self) -> dict[str, object]:
        """The terms as the table holds them. Raises BadInput."""
        names.check_text("--principal", self.principal)
        kept = names.check_labels("--labels", self.labels)
        claims = {} if self.claims is None else {"claims": _stored(check_claims("--claims", self.claims))}
        return {
            **claims,
            "server_id": self.server_id,
            "policy_id": self.policy_id,
            "principal": self.principal,
            "labels": json.dumps(kept, sort_keys=True, ensure_ascii=False),
            "expires": self.expires,
        }


def terms_of(
    change: Writing,
    *,
    server: str,
    policy: str | None,
    principal: str,
    labels: Mapping[str, str],
    expires: float | None,
    claims: Mapping[str, object] | None = None,
) -> Terms:
    """The terms with a server and a policy by name or id, both of the writer's organisation. Raises NotStored."""
    server_id = servers.find(change.connection, server, organisation=change.organisation).id
    policy_id = None
    if policy is not None:
        policy_id = policies.find(change.connection, policy, organisation=change.organisation).id
    return Terms(server_id, policy_id, principal, labels, expires, claims)


def _stored(claims: Mapping[str, object]) -> str | None:
    return json.dumps(claims, sort_keys=True, ensure_ascii=False) if claims else None


def _check_house(change: Writing, terms: Terms) -> None:
    """A grant joins what belongs to one organisation, whoever found the ids. Raises NotStored."""
    servers.find(change.connection, terms.server_id, organisation=change.organisation)
    if terms.policy_id is not None:
        policies.find(change.connection, terms.policy_id, organisation=change.organisation)


def insert(change: Writing, grant_id: str, label: str, terms: Terms, token: str, origin: str | None = None) -> None:
    """Make a grant inside a transaction, for a token of `mint_token`. Raises BadInput, NotStored."""
    names.check_text("--label", label)
    _check_house(change, terms)
    columns = terms.columns()
    if terms.expires is not None and terms.expires <= change.now:
        raise BadInput("--expires", "lies in the past", "give a moment to come, such as 30d")
    own = {"id": grant_id, "organisation_id": change.organisation, "label": label, "origin": origin}
    values = {**own, **columns, "digest": token_digest(token), "created": change.now, "created_by": change.actor}
    change.connection.execute(table.insert().values(values))
    change.note("add", "grant", grant_id, after={"label": label, **asdict(terms)})


def amend(change: Writing, grant_id: str, terms: Terms) -> None:
    """Give a living grant other terms inside a transaction, from its next request on. Raises BadInput, NotStored."""
    before = _own(change, grant_id)
    _check_house(change, terms)
    change.connection.execute(table.update().where(table.c.id == grant_id).values(terms.columns()))
    was = Terms(before.server_id, before.policy_id, before.principal, before.labels, before.expires, before.claims)
    change.note("change", "grant", grant_id, before=asdict(was), after=asdict(terms))


def claim(
    engine: Engine,
    actor: str,
    reference: str,
    claims: Mapping[str, object],
    *,
    organisation: str = DEFAULT_ORGANISATION,
) -> Grant:
    """Say which access tokens lead to the grant, none where there are no claims. Raises NotStored, Conflict, BadInput.

    What is open under the grant ends, because somebody else may hold it now.
    """
    with writing(engine, actor, organisation) as change:
        grant = living(change, reference)
        kept = check_claims("--claims", claims)
        change.connection.execute(table.update().where(table.c.id == grant.id).values(claims=_stored(kept)))
        change.note("claim", "grant", grant.id, {"claims": grant.claims}, {"claims": kept})
        return _own(change, grant.id)


def renew(change: Writing, grant_id: str, token: str) -> None:
    """Exchange a grant's token inside a transaction; the old one is refused from the next request on."""
    _own(change, grant_id)
    values = {"digest": token_digest(token), "rotated": change.now, "created_by": change.actor}
    change.connection.execute(table.update().where(table.c.id == grant_id).values(values))
    change.note("rotate", "grant", grant_id)


def end(change: Writing, grant_id: str) -> None:
    """Revoke a living grant inside a transaction."""
    label = _own(change, grant_id).label
    change.connection.execute(table.update().where(table.c.id == grant_id).values(revoked=change.now))
    change.note("revoke", "grant", grant_id, before={"label": label})


def rotate(engine: Engine, actor: str, reference: str, *, organisation: str = DEFAULT_ORGANISATION) -> Minted:
    """Give the grant a new token; the old one is refused from the next request on. Raises NotStored, Conflict."""
    token = mint_token()
    with writing(engine, actor, organisation) as change:
        grant = living(change, reference)
        renew(change, grant.id, token)
        return Minted(_own(change, grant.id), token)


def revoke(engine: Engine, actor: str, reference: str, *, organisation: str = DEFAULT_ORGANISATION) -> Grant:
    """Refuse the grant from now on, for good. Revoking twice changes nothing. Raises NotStored."""
    with writing(engine, actor, organisation) as change:
        grant = _find(change.connection, reference, change.now, organisation)
        if grant.revoked is None:
            end(change, grant.id)
        return _own(change, grant.id)


def attach(
    engine: Engine, actor: str, reference: str, policy: str, *, organisation: str = DEFAULT_ORGANISATION
) -> Grant:
    """Put the grant under another policy, from its next request on. Raises NotStored, Conflict."""
    with writing(engine, actor, organisation) as change:
        grant = living(change, reference)
        policy_id = policies.find(change.connection, policy, organisation=organisation).id
        change.connection.execute(table.update().where(table.c.id == grant.id).values(policy_id=policy_id))
        change.note("attach", "grant", grant.id, {"policy_id": grant.policy_id}, {"policy_id": policy_id})
        return _own(change, grant.id)


def get(engine: Engine, reference: str, now: float, *, organisation: str = DEFAULT_ORGANISATION) -> Grant:
    """The grant with this label, id, or beginning of an id (8 characters and more).

    Raises NotStored, also when several living grants share the label.
    """
    with reading(engine) as connection:
        return _find(connection, reference, now, organisation)


def every(
    engine: Engine,
    now: float,
    server: str | None = None,
    *,
    policy: str | None = None,
    state: str = "",
    organisation: str = DEFAULT_ORGANISATION,
    after: tuple[float, str] | None = None,
    limit: int | None = None,
) -> list[Grant]:
    """The grants, the oldest first; of one server, under one policy, where given (names or ids). Raises NotStored.

    `after` is the (created, id) of a grant: those that follow it, at most `limit`.
    """
    with reading(engine) as connection:
        which = _which(connection, Sought(server, policy, state), now, organisation)
        if after is not None:
            which.append(sa.tuple_(table.c.created, table.c.id) > after)
        query = _query(sa.and_(*which), organisation).order_by(table.c.created, table.c.id).limit(limit)
        return [_grant(row, now) for row in connection.execute(query)]


def page(
    engine: Engine, now: float, sought: Sought, *, start: int = 0, limit: int, organisation: str = DEFAULT_ORGANISATION
) -> tuple[list[Grant], int]:
    """The grants that are sought, the newest first: at most `limit` from the one at `start`, and how many there are.

    Raises NotStored.
    """
    with reading(engine) as connection:
        which = _which(connection, sought, now, organisation)
        query = _query(sa.and_(*which), organisation).order_by(table.c.created.desc(), table.c.id.desc())
        fitting = [row for row in connection.execute(query).all() if sought.fits(row)]
        return [_grant(row, now) for row in fitting[start : start + limit]], len(fitting)


def _which(connection: Connection, sought: Sought, now: float, organisation: str) -> list[sa.ColumnElement[bool]]:
    """The conditions of what is sought, its text aside. Raises NotStored."""
    which = [table.c.organisation_id == organisation]
    if sought.server is not None:
        which.append(table.c.server_id == servers.find(connection, sought.server, organisation=organisation).id)
    if sought.policy is not None:
        which.append(table.c.policy_id == policies.find(connection, sought.policy, organisation=organisation).id)
    if sought.state:
        which.append(_in_state(sought.state, now))
    return which


def living(change: Writing, reference: str) -> Grant:
    """The grant with this label or id, inside a transaction. Raises NotStored, and Conflict for one that is revoked."""
    grant = _find(change.connection, reference, change.now, change.organisation)
    if grant.revoked is not None:
        raise Conflict("grant", f"`{names.shown(reference)}` is revoked", "make a new one with `toolgate grant add`")
    return grant


def _own(change: Writing, grant_id: str) -> Grant:
    """The grant with this id in the writer's organisation. Raises NotStored."""
    return _find(change.connection, grant_id, change.now, change.organisation)


def _find(connection: Connection, reference: str, now: float, organisation: str) -> Grant:
    if names.is_id(reference):
        found = connection.execute(_query(table.c.id == reference, organisation)).all()
    else:
        named = connection.execute(_query(table.c.label == reference, organisation)).all()
        found = [row for row in named if row.revoked is None] or named
        if not found and ID_START.fullmatch(reference):
            found = connection.execute(_query(table.c.id.startswith(reference), organisation)).all()
    if len(found) == 1:
        return _grant(found[0], now)
    if found:
        ids = ", ".join(sorted(row.id for row in found)[:5])
        raise NotStored("grant", f"{len(found)} grants are labelled `{names.shown(reference)}`", f"use the id: {ids}")
    cause = f"there is no grant `{names.shown(reference)}`"
    raise NotStored("grant", cause, "`toolgate grant list` shows all")


def _query(which: sa.ColumnElement[bool], organisation: str) -> AnySelect:
    joined = table.join(server_table, server_table.c.id == table.c.server_id).outerjoin(
        policy_table, policy_table.c.id == table.c.policy_id
    )
    columns = (table, server_table.c.name.label("server"), policy_table.c.name.label("policy"))
    return sa.select(*columns).select_from(joined).where(which, table.c.organisation_id == organisation)


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
        state=_state(row, now),
        created_by=row.created_by,
        claims=json.loads(row.claims or "{}"),
        stopped=stop_of(row),
    )


def _in_state(state: str, now: float) -> sa.ColumnElement[bool]:
    """The condition of the state that `_state` gives."""
    if state == "revoked":
        return table.c.revoked.is_not(None)
    expired = sa.and_(table.c.expires.is_not(None), table.c.expires <= now)
    if state == "expired":
        return sa.and_(table.c.revoked.is_(None), expired)
    stopped = table.c.stopped.is_not(None) if state == "stopped" else table.c.stopped.is_(None)
    return sa.and_(table.c.revoked.is_(None), sa.not_(expired), stopped)


def _state(row: AnyRow, now: float) -> str:
    if row.revoked is not None:
        return "revoked"
    if row.expires is not None and row.expires <= now:
        return "expired"
    return "active" if row.stopped is None else "stopped"
