"""How people get in: with a password, by a link, or as an identity provider says. Each ends in a new session.

What is judged before a transaction (a password takes a tenth of a second) is compared again inside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlalchemy.exc import IntegrityError

from toolgate.store import links, members, sessions
from toolgate.store.database import Writing, reading, writing
from toolgate.store.errors import StoreError
from toolgate.store.members import Member, Terms
from toolgate.store.names import shown
from toolgate.store.roles import Role
from toolgate.store.sessions import Session
from toolgate.store.tables import DEFAULT_ORGANISATION
from toolgate.store.tables import members as table
from toolgate.store.tables import sessions as session_table

_NO_ENTRY: Final = "is disabled, or changed just now"


class NoEntry(StoreError):
    """This person is not let in. For the sign-in page the sentence is the same whatever the reason."""


@dataclass(slots=True, frozen=True)
class Browser:
    """Where somebody signs in: address and user agent as they are shown to the member later.

    `session` is the digest of the session that this browser had before, which ends.
    """

    address: str
    agent: str
    session: bytes | None = None


@dataclass(slots=True, frozen=True)
class Entered:
    """Who got in, and the secret of the new session."""

    member: Member
    secret: str = field(repr=False)


@dataclass(slots=True, frozen=True)
class Identity:
    """A person as an identity provider knows them. `email` only if the provider says that it is theirs."""

    issuer: str
    subject: str
    email: str
    name: str


def password_of(engine: Engine, email: str) -> tuple[str, str] | None:
    """Id and password hash of the enabled member with this e-mail; None where there is none to compare with."""
    query = sa.select(table.c.id, table.c.password).where(
        table.c.email == email, table.c.disabled.is_(None), table.c.password.is_not(None)
    )
    with reading(engine) as connection:
        row = connection.execute(query).one_or_none()
        return None if row is None else (row.id, row.password)


def by_password(engine: Engine, member_id: str, verified: str, browser: Browser, renewed: str | None = None) -> Entered:
    """Let in whose password was verified against the hash `verified`. `renewed` replaces an outdated hash.

    Raises NoEntry when the member was disabled or got another password meanwhile.
    """
    with writing(engine, "sign-in") as change:
        same = sa.and_(table.c.id == member_id, table.c.password == verified, table.c.disabled.is_(None))
        if not change.connection.execute(table.update().where(same).values(password=renewed or verified)).rowcount:
            raise NoEntry("member", _NO_ENTRY)
        return _enter(change, members.by_id(change.connection, member_id), browser, "password")


def by_link(
    engine: Engine, secret: str, password: str, browser: Browser, *, email: str = "", name: str = ""
) -> Entered:
    """Use a link: set the password (its hash), end every session of the member, and let them in.

    `email` and `name` are those of the first admin. Raises NotStored for a link that does not hold, BadInput.
    """
    with writing(engine, "link") as change:
        link = links.use(change, secret)
        change.organisation = link.organisation
        if link.member_id is None:
            change.actor = members.check_email("email", email)
            terms = Terms(name, "admin", ["*"])
            member = members.insert(change, email, terms, {"password": password})
        else:
            change.actor = link.email
            member = _set_password(change, link.member_id, password)
        return _enter(change, member, browser, f"{link.purpose} link")


def change_password(engine: Engine, member_id: str, verified: str, password: str, browser: Browser) -> Entered:
    """Exchange a member's own password: all sessions end, this browser gets a new one. Raises NoEntry."""
    with writing(engine, "password") as change:
        same = sa.select(table.c.id).where(table.c.id == member_id, table.c.password == verified)
        if change.connection.execute(same.where(table.c.disabled.is_(None))).one_or_none() is None:
            raise NoEntry("password", _NO_ENTRY)
        before = members.by_id(change.connection, member_id)
        change.actor, change.organisation = before.email, before.organisation
        return _enter(change, _set_password(change, member_id, password), browser, "password")


def by_identity(engine: Engine, identity: Identity, browser: Browser, role: Role | None = None) -> Entered:
    """Let in whom a provider vouches for. Who was invited by e-mail is bound to issuer and subject at the first time.

    `role` is what the operator's mapping of claims gives: with one, whoever has no account gets it, and a member has
    that role from now on. Without, only invited people enter. Raises NoEntry.
    """
    try:
        with writing(engine, identity.email or "sign-in") as change:
            member = _bound(change, identity) or _invited(change, identity) or _unknown(change, identity, role)
            if member.disabled is not None:
                raise NoEntry("member", _NO_ENTRY)
            return _enter(change, _with_role(change, member, role), browser, "provider")
    except IntegrityError:
        raise NoEntry("member", "is known under another identity") from None


def bind(engine: Engine, member_id: str, identity: Identity) -> None:
    """Let a member who is signed in enter as this identity, too. Raises NoEntry when it is somebody's already."""
    try:
        with writing(engine, "bind") as change:
            before = members.by_id(change.connection, member_id)
            if before.bound or before.disabled is not None:
                raise NoEntry("account", "is bound to an identity already")
            _bind(change, before, identity)
    except IntegrityError:
        raise NoEntry("identity", "is that of another member") from None


def sign_out(engine: Engine, digest: bytes) -> None:
    """End the session with this digest, if there is one."""
    with writing(engine, "sign-out") as change:
        joined = session_table.join(table, table.c.id == session_table.c.member_id)
        query = sa.select(table).select_from(joined).where(session_table.c.digest == digest)
        row = change.connection.execute(query).one_or_none()
        if row is None:
            return
        change.actor, change.organisation = row.email, row.organisation_id
        change.connection.execute(session_table.delete().where(session_table.c.digest == digest))
        change.event("sign_out", "member", row.id)


def who(engine: Engine, digest: bytes, now: float) -> tuple[Member, Session] | None:
    """The enabled member of a living session."""
    living = sa.select(session_table).where(session_table.c.digest == digest, sessions.alive(now))
    with reading(engine) as connection:
        session = connection.execute(living).one_or_none()
        if session is None:
            return None
        owner = sa.select(table).where(table.c.id == session.member_id, table.c.disabled.is_(None))
        row = connection.execute(owner).one_or_none()
        return None if row is None else (members.member(row), sessions.read(session))


def refused(engine: Engine, sums: Mapping[str, int]) -> None:
    """Write down how many sign-ins were refused, by e-mail: in sums, because anybody can cause them.

    Those of e-mails that nobody here has are one sum, of the operator's organisation.
    """
    with writing(engine, "sign-in") as change:
        known = change.connection.execute(sa.select(table).where(table.c.email.in_(sums))).all()
        for row in known:
            change.organisation = row.organisation_id
            change.event("sign_in.refused", "member", row.id, after={"email": row.email, "number": sums[row.email]})
        if others := sum(sums.values()) - sum(sums[row.email] for row in known):
            change.organisation = DEFAULT_ORGANISATION
            change.event("sign_in.refused", "organisation", DEFAULT_ORGANISATION, after={"number": others})


def _enter(change: Writing, member: Member, browser: Browser, how: str) -> Entered:
    change.actor, change.organisation = member.email, member.organisation
    change.event("sign_in", "member", member.id, after={"by": how, "address": browser.address})
    return Entered(member, sessions.begin(change, member.id, browser.address, browser.agent, browser.session))


def _set_password(change: Writing, member_id: str, password: str) -> Member:
    """The new hash; whoever was signed in with the old one is not any more."""
    change.connection.execute(table.update().where(table.c.id == member_id).values(password=password))
    ended = sessions.end_all(change, member_id)
    change.event("password", "member", member_id, after={"sessions ended": ended})
    return members.by_id(change.connection, member_id)


def _bound(change: Writing, identity: Identity) -> Member | None:
    same = sa.and_(table.c.issuer == identity.issuer, table.c.subject == identity.subject)
    row = change.connection.execute(sa.select(table).where(same)).one_or_none()
    return None if row is None else members.member(row)


def _invited(change: Writing, identity: Identity) -> Member | None:
    """Bind whoever was invited and has no way in yet. An account with a password is never taken over by an e-mail."""
    unbound = sa.and_(table.c.password.is_(None), table.c.subject.is_(None))
    known = sa.select(table).where(table.c.email == identity.email, unbound)
    row = change.connection.execute(known).one_or_none() if identity.email else None
    if row is None:
        return None
    _bind(change, members.member(row), identity)
    return members.by_id(change.connection, row.id)


def _bind(change: Writing, member: Member, identity: Identity) -> None:
    values = {"issuer": identity.issuer, "subject": identity.subject}
    change.connection.execute(table.update().where(table.c.id == member.id).values(values))
    change.actor, change.organisation = member.email, member.organisation
    change.event("bind", "member", member.id, after=values)


def _unknown(change: Writing, identity: Identity, role: Role | None) -> Member:
    if not identity.email:
        raise NoEntry("e-mail", "is not confirmed by the identity provider", "confirm it there, then sign in again")
    if role is None:
        raise NoEntry("e-mail", f"`{shown(identity.email)}` was not invited", "ask an admin for an invitation")
    columns = {"issuer": identity.issuer, "subject": identity.subject}
    return members.insert(change, identity.email, Terms(identity.name or identity.email, role), columns)


def _with_role(change: Writing, member: Member, role: Role | None) -> Member:
    """The role as the provider says from now on. The last admin stays one: nobody could let another one in."""
    if role is None or role == member.role or members.last_admin(change, member):
        return member
    change.actor, change.organisation = member.email, member.organisation
    change.connection.execute(table.update().where(table.c.id == member.id).values(role=role))
    sessions.end_all(change, member.id)
    change.event("change", "member", member.id, {"role": member.role}, {"role": role})
    return members.by_id(change.connection, member.id)
