"""Policies and their revisions. A revision never changes; a document that does not validate never becomes one."""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, Row

from toolgate.policy.document import parse
from toolgate.store import names
from toolgate.store.database import AnyRow, AnySelect, Writing, reading, writing
from toolgate.store.errors import Conflict, NotStored
from toolgate.store.tables import DEFAULT_ORGANISATION, grants, policies, policy_revisions

_LISTED = (
    policies.c.id,
    policies.c.name,
    *(policy_revisions.c[name] for name in ("revision", "digest", "author", "created")),
)


@dataclass(slots=True, frozen=True, kw_only=True)
class Listed:
    """A policy with one of its revisions: the SHA-256 digest (hex) of its document, who and when."""

    id: str
    name: str
    revision: int
    digest: str
    author: str
    created: float
    grants: int


@dataclass(slots=True, frozen=True, kw_only=True)
class Policy(Listed):
    """The same with the document's text, as it was given: up to a megabyte, which lists do without."""

    document: str


@dataclass(slots=True, frozen=True)
class Revision:
    """One line of a policy's history."""

    revision: int
    digest: str
    author: str
    created: float


def put(engine: Engine, actor: str, name: str, text: str, *, organisation: str = DEFAULT_ORGANISATION) -> Policy:
    """Make `text` the current revision of the policy `name`, which is made when it does not exist.

    The text that is current already makes no new revision. Raises PolicyError for a document that does not validate:
    then the last good revision stays.
    """
    with writing(engine, actor, organisation) as change:
        policy_id = store(change, name, text)
    return get(engine, policy_id, organisation=organisation)


def store(change: Writing, name: str, text: str, origin: str | None = None) -> str:
    """`put` inside a transaction; returns the policy's id. `origin` marks a policy that is made, not one revised."""
    names.check_name("policy name", name)
    parse(text)
    digest = digest_of(text)
    known = change.connection.execute(_current(policies.c.name == name, change.organisation)).one_or_none()
    if known is None:
        policy_id, revision = str(uuid.uuid4()), 1
        _insert_policy(change, policy_id, name, origin)
    else:
        policy_id, revision = known.id, known.revision + 1
    if known is None or known.digest != digest:
        _insert_revision(change, policy_id, revision, text, digest)
        before = {"revision": known.revision, "digest": known.digest} if known else None
        after = {"name": name, "revision": revision, "digest": digest}
        change.note("put", "policy", policy_id, before=before, after=after)
    return policy_id


def revise(change: Writing, policy_id: str, text: str, expected: int) -> None:
    """Make `text` the current revision inside a transaction, if `expected` is the one that is current now.

    Raises NotStored, PolicyError, and Conflict where somebody was quicker.
    """
    name = find(change.connection, policy_id, organisation=change.organisation).name
    current = change.connection.execute(_current(policies.c.id == policy_id, change.organisation)).one()
    if current.revision != expected:
        cause = f"revision {current.revision} of `{name}` was saved by `{current.author}` meanwhile"
        raise Conflict("revision", cause, "look at what changed, then save again")
    store(change, name, text)


def create(change: Writing, name: str, text: str) -> str:
    """Make a policy under a name that is free; returns its id. Raises BadInput, PolicyError, Conflict."""
    _check_free(change, name)
    return store(change, name, text)


def rename(change: Writing, policy_id: str, name: str) -> None:
    """Call a policy otherwise inside a transaction. Raises NotStored, BadInput, Conflict."""
    before = find(change.connection, policy_id, organisation=change.organisation).name
    if name == before:
        return
    _check_free(change, name)
    change.connection.execute(policies.update().where(policies.c.id == policy_id).values(name=name))
    change.note("rename", "policy", policy_id, before={"name": before}, after={"name": name})


def _check_free(change: Writing, name: str) -> None:
    names.check_name("policy name", name)
    if change.connection.execute(_current(policies.c.name == name, change.organisation)).one_or_none() is not None:
        raise Conflict("policy name", f"there is a policy named `{name}` already", "choose another name")


def digest_of(text: str) -> str:
    """The digest by which a revision is known: SHA-256 of the text in UTF-8, in hex."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _insert_policy(change: Writing, policy_id: str, name: str, origin: str | None) -> None:
    values = {"id": policy_id, "organisation_id": change.organisation, "name": name, "revision": 1, "origin": origin}
    change.connection.execute(policies.insert().values(**values, created=change.now))


def _insert_revision(change: Writing, policy_id: str, revision: int, text: str, digest: str) -> None:
    change.connection.execute(
        policy_revisions.insert().values(
            policy_id=policy_id,
            revision=revision,
            document=text,
            digest=digest,
            author=change.actor,
            created=change.now,
        )
    )
    change.connection.execute(policies.update().where(policies.c.id == policy_id).values(revision=revision))


def remove(engine: Engine, actor: str, reference: str, *, organisation: str = DEFAULT_ORGANISATION) -> Policy:
    """Take a policy away; its revisions stay for the records that name them. Returns what it was.

    Raises NotStored, and Conflict while a living grant is under it: without its policy it would deny every call.
    """
    with writing(engine, actor, organisation) as change:
        policy_id = find(change.connection, reference, organisation=organisation).id
        policy = _policy(change.connection.execute(_current(policies.c.id == policy_id, organisation)).one(), 0)
        drop(change, policy_id)
        return policy


def drop(change: Writing, policy_id: str) -> None:
    """`remove` inside a transaction."""
    name = find(change.connection, policy_id, organisation=change.organisation).name
    number = _granted(change.connection, change.organisation).get(policy_id, 0)
    if number:
        cause = f"`{name}` is the policy of {number} living grant" + ("s" if number > 1 else "")
        raise Conflict("policy", cause, "put them under another with `toolgate grant attach`, or revoke them")
    change.connection.execute(policies.update().where(policies.c.id == policy_id).values(removed=change.now))
    change.note("remove", "policy", policy_id, before={"name": name})


def find(connection: Connection, reference: str, *, organisation: str = DEFAULT_ORGANISATION) -> Row[str, str]:
    """(id, name) of the living policy with this name or id. Raises NotStored, for another organisation's as well."""
    column = policies.c.id if names.is_id(reference) else policies.c.name
    living = (policies.c.removed.is_(None), policies.c.organisation_id == organisation)
    row = connection.execute(
        sa.select(policies.c.id, policies.c.name).where(column == reference, *living)
    ).one_or_none()
    if row is None:
        cause = f"there is no policy `{names.shown(reference)}`"
        raise NotStored("policy", cause, "`toolgate policy list` shows all")
    return row


def current(connection: Connection, reference: str, *, organisation: str = DEFAULT_ORGANISATION) -> Policy | None:
    """The policy with this name or id as it is now, without its grants counted; None where there is none."""
    column = policies.c.id if names.is_id(reference) else policies.c.name
    row = connection.execute(_current(column == reference, organisation)).one_or_none()
    return None if row is None else _policy(row, 0)


def get(
    engine: Engine, reference: str, revision: int | None = None, *, organisation: str = DEFAULT_ORGANISATION
) -> Policy:
    """The policy with this name or id, at its current or the given revision. Raises NotStored."""
    with reading(engine) as connection:
        policy_id, name = find(connection, reference, organisation=organisation)
        which = policies.c.id == policy_id
        query = _current(which, organisation) if revision is None else _revision(which, revision, organisation)
        row = connection.execute(query).one_or_none()
        if row is None:
            cause = f"policy `{name}` has no revision {revision}"
            raise NotStored("--revision", cause, f"`toolgate policy show {name}` lists its revisions")
        return _policy(row, _granted(connection, organisation).get(policy_id, 0))


def every(
    engine: Engine, *, organisation: str = DEFAULT_ORGANISATION, after: str = "", limit: int | None = None
) -> list[Listed]:
    """The policies at their current revision, by name: all, or at most `limit` whose names come after `after`."""
    with reading(engine) as connection:
        granted = _granted(connection, organisation)
        query = _current(policies.c.name > after, organisation).with_only_columns(*_LISTED)
        rows = connection.execute(query.order_by(policies.c.name).limit(limit))
        return [Listed(**row._mapping, grants=granted.get(row.id, 0)) for row in rows]


def history(
    engine: Engine,
    reference: str,
    *,
    organisation: str = DEFAULT_ORGANISATION,
    before: int | None = None,
    limit: int | None = None,
) -> list[Revision]:
    """The revisions of a policy (name or id), the newest first, at most `limit` of them. Raises NotStored."""
    table = policy_revisions
    columns = (table.c.revision, table.c.digest, table.c.author, table.c.created)
    with reading(engine) as connection:
        policy_id = find(connection, reference, organisation=organisation).id
        older = sa.true() if before is None else table.c.revision < before
        query = sa.select(*columns).where(table.c.policy_id == policy_id, older)
        rows = connection.execute(query.order_by(table.c.revision.desc()).limit(limit))
        return [Revision(row.revision, row.digest, row.author, row.created) for row in rows]


def _current(which: sa.ColumnElement[bool], organisation: str) -> AnySelect:
    return _joined(which, policy_revisions.c.revision == policies.c.revision, organisation)


def _revision(which: sa.ColumnElement[bool], revision: int, organisation: str) -> AnySelect:
    return _joined(which, policy_revisions.c.revision == revision, organisation)


def _joined(which: sa.ColumnElement[bool], revision: sa.ColumnElement[bool], organisation: str) -> AnySelect:
    joined = policies.join(policy_revisions, policy_revisions.c.policy_id == policies.c.id)
    living = sa.and_(policies.c.removed.is_(None), policies.c.organisation_id == organisation)
    return sa.select(*_LISTED, policy_revisions.c.document).select_from(joined).where(which, revision, living)


def _policy(row: AnyRow, granted: int) -> Policy:
    return Policy(**row._mapping, grants=granted)


def _granted(connection: Connection, organisation: str) -> dict[str, int]:
    mine = grants.c.organisation_id == organisation
    living = sa.and_(mine, grants.c.revoked.is_(None), grants.c.policy_id.is_not(None))
    query = sa.select(grants.c.policy_id, sa.func.count().label("number")).where(living).group_by(grants.c.policy_id)
    return {row.policy_id: row.number for row in connection.execute(query)}
