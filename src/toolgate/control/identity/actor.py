"""Whoever asks something of the control plane, once recognised."""

from __future__ import annotations

from dataclasses import dataclass, field

from toolgate.store import roles
from toolgate.store.members import Member
from toolgate.store.roles import Approves
from toolgate.store.roles import Role as Role
from toolgate.store.tables import DEFAULT_ORGANISATION
from toolgate.store.tokens import ApiToken


@dataclass(slots=True, frozen=True)
class Actor:
    """A member, an API token or a signed link. `name` is what admin events call it.

    `approves`: ids of the servers whose waiting calls it may decide on; None for every server. `session` is the digest
    (hex) of the cookie it came with, "" for those that came without.
    """

    name: str
    organisation: str
    role: Role
    approves: Approves
    member_id: str | None = None
    email: str = ""
    session: str = field(default="", repr=False)

    @classmethod
    def member(cls, member: Member, session: str = "") -> Actor:
        """Somebody who is signed in."""
        return cls(member.email, member.organisation, member.role, member.approves, member.id, member.email, session)

    @classmethod
    def token(cls, token: ApiToken) -> Actor:
        """A program with an API token."""
        return cls(f"token:{token.name}", token.organisation, token.role, token.approves)

    def may(self, role: Role) -> bool:
        """Whether what needs `role` is allowed: each role has all of those below it."""
        return roles.reaches(self.role, role)

    def may_approve(self, server_id: str) -> bool:
        """Whether this one may decide on the waiting calls of a server."""
        return self.approves is None or server_id in self.approves

    @property
    def operates(self) -> bool:
        """Whether this is an admin of the operator's organisation, who may make others."""
        return self.role == "admin" and self.organisation == DEFAULT_ORGANISATION
