"""Organisations, members, API tokens."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, Field

from toolgate.control.api.shapes.identity import RoleWord
from toolgate.control.api.shapes.words import Asked, Shown

Approver = Literal["*"] | list[str]

_MEMBER: dict[str, Any] = {
    "id": "3c2f4d1a-9b1f-4bb1-8a53-6d1f0b7c2e90",
    "email": "ada@example.com",
    "name": "Ada",
    "role": "policy_manager",
    "approver": ["6f3c1a52-7f3e-4a51-9d0e-3f1b8f0a7c11"],
    "enters": "password",
    "state": "active",
    "created": "2026-11-22T19:30:00Z",
    "last_seen": None,
}
_TOKEN: dict[str, Any] = {
    "id": "b1a7c0de-55d1-4c55-8f7e-6b1d4f6e9a10",
    "name": "deploy",
    "role": "policy_manager",
    "approver": [],
    "state": "active",
    "created_by": "ada@example.com",
    "created": "2026-11-22T19:30:00Z",
    "expires": "2027-02-20T19:30:00Z",
    "revoked": None,
    "last_used": None,
}


class Member(Shown):
    """A person who may sign in."""

    model_config = ConfigDict(json_schema_extra={"examples": [_MEMBER]})

    id: str
    """Stays the same for good."""
    email: str
    """How they sign in, and what admin events call them."""
    name: str
    """How people call them."""
    role: RoleWord
    """What they may do: each role has all of the one before."""
    approver: Approver
    """The servers whose waiting calls they may decide on (ids): `*` for all."""
    enters: Literal["password", "provider"] | None
    """How they sign in; null until they have."""
    state: Literal["active", "invited", "disabled"]
    """Whether they can."""
    created: str
    """When they were invited."""
    last_seen: str | None
    """When they last asked for something."""


class InvitedMember(Member):
    """A member with a link, which is shown this once."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{**_MEMBER, "link": "https://toolgate.example/welcome/Zk3..."}]}
    )

    link: str
    """Where they choose a password; it opens once, within a week (for a new password: a day)."""


class NewMember(Asked):
    """Somebody to invite."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"email": "ada@example.com", "name": "Ada", "role": "policy_manager"}]}
    )

    email: str
    """How they will sign in; nobody else has it."""
    name: str = ""
    """How people call them; by default the e-mail."""
    role: RoleWord
    """What they may do."""
    approver: Approver = Field(default_factory=list)
    """The servers (names or ids) whose waiting calls they may decide on: `*` for all."""


class MemberChange(Asked):
    """What to change of a member; what is not named stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"role": "viewer"}]})

    name: str | None = None
    """How people call them."""
    role: RoleWord | None = None
    """What they may do. Another role ends their sessions."""
    approver: Approver | None = None
    """The servers (names or ids) whose waiting calls they may decide on: `*` for all."""
    disabled: bool | None = None
    """Whether they are kept out; that ends their sessions."""


class ApiToken(Shown):
    """A token of this API, for a program; never its secret."""

    model_config = ConfigDict(json_schema_extra={"examples": [_TOKEN]})

    id: str
    """Stays the same for good."""
    name: str
    """How it is called; admin events say `token:` and this."""
    role: RoleWord
    """What it may do."""
    approver: Approver
    """The servers whose waiting calls it may decide on (ids): `*` for all."""
    state: Literal["active", "expired", "revoked"]
    """Whether it is accepted."""
    created_by: str
    """Who made it, and knows it."""
    created: str
    """When it was made."""
    expires: str | None
    """From when on it is refused; null for never."""
    revoked: str | None
    """When it was revoked."""
    last_used: str | None
    """When it was last used, to the minute."""


class MintedToken(ApiToken):
    """An API token with its secret, which is shown this once."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**_TOKEN, "token": "tgt_0Vb3..."}]})

    token: str
    """What the program sends as `Authorization: Bearer ...`. It is stored nowhere."""


class NewToken(Asked):
    """An API token to make."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "deploy", "role": "policy_manager", "expires": "90d"}]}
    )

    name: str
    """How you will call it: letters, digits, `.`, `_`, `-`."""
    role: RoleWord
    """What it may do."""
    approver: Approver = Field(default_factory=list)
    """The servers (names or ids) whose waiting calls it may decide on: `*` for all."""
    expires: str = "never"
    """`30d`, `12h`, a date, a time (RFC 3339), or `never`."""


class Organisation(Shown):
    """An organisation: it has servers, policies, grants and members of its own."""

    id: str
    """Stays the same for good."""
    name: str
    """How it is called."""
    created: str
    """When it was made."""
    members: int
    """How many members it has."""


class NewOrganisation(Asked):
    """An organisation to make, with its first admin."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "acme", "admin": {"email": "eve@acme.example", "role": "admin"}}]}
    )

    name: str
    """How you will call it: letters, digits, `.`, `_`, `-`."""
    admin: NewMember
    """Who is invited as its first member; their role is `admin`."""


class MadeOrganisation(Organisation):
    """An organisation with the invitation of its first admin, which is shown this once."""

    admin: InvitedMember
    """Whom to give the link."""
