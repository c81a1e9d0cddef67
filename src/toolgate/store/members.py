"""People: who they are, what they may do, how they get in. An e-mail is one member of one organisation."""

from __future__ import annotations

import re
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import IntegrityError

from toolgate.store import approvers, links, names, roles, sessions
from toolgate.store.database import AnyRow, Writing, reading, writing
from toolgate.store.errors import BadInput, Conflict, NotStored
from toolgate.store.roles import Approves, Role
from toolgate.store.tables import DEFAULT_ORGANISATION, oauth_attempts
from toolgate.store.tables import members as table
from toolgate.store.tables import sessions as session_table
from toolgate.store.tables import sign_in_links as link_table

# ASCII only: letters that merely look or fold alike must never be taken for each other.
_EMAIL: Final = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})*")
EMAIL_AT_MOST: Final = 254


@dataclass(slots=True, frozen=True)
class Member:
    """A person. `enters` is how: `invited` (not yet at all), with a `password`, or by a `provider`.

    `bound` says whether an identity at a provider is theirs, also beside a password.
    """

    id: str
    organisation: str
    email: str
    name: str
    role: Role
    approves: Approves
    enters: Literal["invited", "password", "provider"]
    created: float
    disabled: float | None
    last_seen: float | None
    bound: bool = False


@dataclass(slots=True, frozen=True)
class Terms:
    """What an admin says of a member. `approver`: names or ids of servers, or `*`."""

    name: str
    role: str
    approver: Collection[str] = ()


@dataclass(slots=True, frozen=True)
class Invited:
    """A member with the secret of a link, which exists nowhere else and cannot be shown again."""

    member: Member
    secret: str = field(repr=False)


def check_email(place: str, email: str) -> str:
    """The e-mail as it is kept: in lower case, without spaces around it. Raises BadInput."""
    kept = email.strip().lower()
    if len(kept) > EMAIL_AT_MOST or not _EMAIL.fullmatch(kept):
        cause = f"`{names.shown(email)}` is not an e-mail"
        raise BadInput(place, cause, "write it as name@example.com, in ASCII (an international domain as `xn--`)")
    return kept


def invite(
    engine: Engine, actor: str, email: str, terms: Terms, *, organisation: str = DEFAULT_ORGANISATION
) -> Invited:
    """Make a member and a link with which they choose a password. Raises BadInput, Conflict."""
    try:
        with writing(engine, actor, organisation) as change:
            member = insert(change, email, terms)
            return Invited(member, links.make(change, "invite", member.id))
    except IntegrityError:
        raise Conflict("email", f"`{names.shown(email)}` is a member already", "invite somebody else") from None


def insert(change: Writing, email: str, terms: Terms, columns: Mapping[str, object] | None = None) -> Member:
    """Make a member inside a transaction, with further columns. Raises BadInput; IntegrityError for a known e-mail."""
    kept, member_id = check_email("email", email), str(uuid.uuid4())
    values = {**_columns(change, terms), "email": kept, "id": member_id, "organisation_id": change.organisation}
    change.connection.execute(table.insert().values(**values, created=change.now, **(columns or {})))
    member = by_id(change.connection, member_id)
    change.event("add", "member", member_id, after=_noted(member))
    return member


def invite_again(engine: Engine, actor: str, reference: str, *, organisation: str = DEFAULT_ORGANISATION) -> Invited:
    """A new link for a member: to enter for the first time, or to choose another password. Raises NotStored.

    Until it is used, the member's password and sessions stay as they are.
    """
    with writing(engine, actor, organisation) as change:
        member = _find(change.connection, reference, organisation)
        if member.disabled is not None:
            raise Conflict("member", f"`{member.email}` is disabled", "enable the member first")
        purpose: links.Purpose = "invite" if member.enters == "invited" else "reset"
        change.event(f"link.{purpose}", "member", member.id)
        return Invited(member, links.make(change, purpose, member.id))


def amend(
    engine: Engine, actor: str, reference: str, terms: Terms, *, organisation: str = DEFAULT_ORGANISATION
) -> Member:
    """Give a member another name, role or approvals. Another role ends their sessions.

    Raises BadInput, NotStored, and Conflict where the organisation would be left without an admin.
    """
    with writing(engine, actor, organisation) as change:
        before = _find(change.connection, reference, organisation)
        change.connection.execute(table.update().where(table.c.id == before.id).values(_columns(change, terms)))
        after = by_id(change.connection, before.id)
        if after.role != before.role:
            sessions.end_all(change, before.id)
            _keep_an_admin(change, before)
        if after != before:
            change.event("change", "member", before.id, _noted(before), _noted(after))
        return after


def disable(
    engine: Engine, actor: str, reference: str, *, disabled: bool, organisation: str = DEFAULT_ORGANISATION
) -> Member:
    """Keep a member out (their sessions end at once), or let them in again. Raises NotStored, Conflict."""
    with writing(engine, actor, organisation) as change:
        before = _find(change.connection, reference, organisation)
        if disabled == (before.disabled is not None):
            return before
        values = {"disabled": change.now if disabled else None}
        change.connection.execute(table.update().where(table.c.id == before.id).values(values))
        if disabled:
            sessions.end_all(change, before.id)
            _keep_an_admin(change, before)
        change.event("disable" if disabled else "enable", "member", before.id)
        return by_id(change.connection, before.id)


def remove(engine: Engine, actor: str, reference: str, *, organisation: str = DEFAULT_ORGANISATION) -> Member:
    """Forget a member, their sessions and links; what they did stays in the records. Raises NotStored, Conflict."""
    with writing(engine, actor, organisation) as change:
        member = _find(change.connection, reference, organisation)
        for owned in (session_table, link_table, oauth_attempts):
            change.connection.execute(owned.delete().where(owned.c.member_id == member.id))
        change.connection.execute(table.delete().where(table.c.id == member.id))
        _keep_an_admin(change, member)
        change.event("remove", "member", member.id, before=_noted(member))
        return member


def get(engine: Engine, reference: str, *, organisation: str = DEFAULT_ORGANISATION) -> Member:
    """The member with this id or e-mail. Raises NotStored."""
    with reading(engine) as connection:
        return _find(connection, reference, organisation)


def every(engine: Engine, *, organisation: str = DEFAULT_ORGANISATION) -> list[Member]:
    """All members of an organisation, by e-mail."""
    query = sa.select(table).where(table.c.organisation_id == organisation).order_by(table.c.email)
    with reading(engine) as connection:
        return [member(row) for row in connection.execute(query)]


def by_id(connection: Connection, member_id: str) -> Member:
    """The member with this id, who is there."""
    return member(connection.execute(sa.select(table).where(table.c.id == member_id)).one())


def member(row: AnyRow) -> Member:
    """A row of table `members`."""
    return Member(
        id=row.id,
        organisation=row.organisation_id,
        email=row.email,
        name=row.name,
        role=roles.check_role("role", row.role),
        approves=roles.read(row.approver),
        enters="password" if row.password else "provider" if row.subject else "invited",
        created=row.created,
        disabled=row.disabled,
        last_seen=row.last_seen,
        bound=row.subject is not None,
    )


def _columns(change: Writing, terms: Terms) -> dict[str, object]:
    approves = approvers.chosen(change.connection, "approver", terms.approver, change.organisation)
    return {
        "name": names.check_text("name", terms.name),
        "role": roles.check_role("role", terms.role),
        "approver": roles.written(approves),
    }


def _find(connection: Connection, reference: str, organisation: str) -> Member:
    named = sa.or_(table.c.id == reference, table.c.email == reference.strip().lower())
    row = connection.execute(sa.select(table).where(named, table.c.organisation_id == organisation)).one_or_none()
    if row is None:
        cause = f"there is no member `{names.shown(reference)}`"
        raise NotStored("member", cause, "`toolgate member list` shows all")
    return member(row)


def last_admin(change: Writing, it: Member) -> bool:
    """Whether nobody else is an admin of the organisation who can sign in."""
    if it.role != "admin" or it.disabled is not None or it.enters == "invited":
        return False
    enters = sa.or_(table.c.password.is_not(None), table.c.subject.is_not(None))
    admin = sa.and_(table.c.organisation_id == it.organisation, table.c.role == "admin", table.c.disabled.is_(None))
    others = sa.select(sa.func.count()).select_from(table).where(admin, enters, table.c.id != it.id)
    return not change.connection.scalar(others)


def _keep_an_admin(change: Writing, before: Member) -> None:
    """Refuse to take the last admin away: nobody could let another one in. Raises Conflict."""
    if last_admin(change, before):
        cause = f"`{before.email}` is the last admin who can sign in"
        raise Conflict("member", cause, "let another admin in first")


def _noted(it: Member) -> dict[str, object]:
    return {"email": it.email, "name": it.name, "role": it.role, "approver": roles.described(it.approves)}
