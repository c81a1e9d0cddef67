"""Grants: what a holder of a token may do on one server, under one policy."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, Field

from toolgate.control.api.shapes.stopping import Stop
from toolgate.control.api.shapes.words import Asked, Shown

StateWord = Literal["active", "stopped", "expired", "revoked"]

_GRANT: dict[str, Any] = {
    "id": "c2b7e1de-0d8a-4f0e-9a53-0d6a5d1f2b11",
    "label": "ci",
    "principal": "build@example.com",
    "labels": {"tenant": "acme"},
    "server_id": "6f3c1a52-7f3e-4a51-9d0e-3f1b8f0a7c11",
    "server": "crm",
    "policy_id": "0b0a4f5e-8a6e-4c1b-9a41-1c2d3e4f5a6b",
    "policy": "careful",
    "created": "2026-11-22T19:30:00Z",
    "expires": "2026-12-22T19:30:00Z",
    "revoked": None,
    "rotated": None,
    "state": "active",
    "created_by": "ada@example.com",
    "claims": {},
    "stopped": None,
}


class GrantLabel(Shown):
    """A grant as everybody may see it."""

    id: str
    """Stays the same for good."""
    label: str
    """How records and you call it."""
    server: str
    """The name of the server that it opens."""
    policy: str | None
    """The name of the policy that it is under; without one it denies every call."""
    state: StateWord
    """Whether its token is accepted (`active`, `expired`, `revoked`); `stopped`: it is, and every call is denied."""
    stopped: Stop | None
    """Who stopped it and why; null while nobody did."""


class Grant(Shown):
    """A grant as admins see it; never its token."""

    model_config = ConfigDict(json_schema_extra={"examples": [_GRANT]})

    id: str
    """Stays the same for good."""
    label: str
    """How records and you call it."""
    principal: str
    """Who holds it: policies read it as `grant.principal`."""
    labels: dict[str, str]
    """What policies read as `grant.labels.KEY`."""
    server_id: str
    """The server that it opens."""
    server: str
    """The name of that."""
    policy_id: str | None
    """The policy that it is under; without one it denies every call."""
    policy: str | None
    """The name of that."""
    created: str
    """When it was made."""
    expires: str | None
    """From when on its token is refused; null for never."""
    revoked: str | None
    """When it was revoked."""
    rotated: str | None
    """When it got its present token, if that is not its first."""
    state: StateWord
    """Whether its token is accepted (`active`, `expired`, `revoked`); `stopped`: it is, and every call is denied."""
    created_by: str
    """Who has seen its present token: who made the grant, or rotated it last."""
    claims: dict[str, Any]
    """The claims of the access tokens that lead to it beside its own token; empty for none."""
    stopped: Stop | None
    """Who stopped it and why; null while nobody did."""


class MintedGrant(Grant):
    """A grant with its token, which is shown this once."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    **_GRANT,
                    "token": "tg_0Vb3...",
                    "proxy_url": "http://127.0.0.1:8484/mcp/6f3c1a52-7f3e-4a51-9d0e-3f1b8f0a7c11/",
                }
            ]
        }
    )

    token: str
    """What the agent sends as `Authorization: Bearer ...`. It is stored nowhere."""
    proxy_url: str
    """Where the agent connects."""


class NewGrant(Asked):
    """A grant to make."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"server": "crm", "policy": "careful", "label": "ci", "expires": "30d"}],
        }
    )

    server: str
    """Name or id of the server that it opens."""
    policy: str | None = None
    """Name or id of the policy that it is under; without one it denies every call."""
    label: str
    """How records and you will call it."""
    principal: str = ""
    """Who holds it; by default the label."""
    labels: dict[str, str] = Field(default_factory=dict)
    """What policies read as `grant.labels.KEY`."""
    expires: str | None = None
    """`30d`, `12h`, a date, a time (RFC 3339); null or `never` for never."""
    claims: dict[str, str | int | bool] = Field(default_factory=dict)
    """Which access tokens of an authorization server lead to it: `iss`, and at least one claim more."""


class GrantChange(Asked):
    """Other terms for a grant; what is not named stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"expires": "30d", "labels": {"tenant": "acme"}}]})

    policy: str | None = None
    """Name or id of another policy; null for none, so that every call is denied."""
    principal: str = ""
    """Who holds it."""
    labels: dict[str, str] = Field(default_factory=dict)
    """All labels that it will have."""
    expires: str | None = None
    """`30d`, `12h`, a date, a time (RFC 3339); null or `never` for never."""
    claims: dict[str, str | int | bool] = Field(default_factory=dict)
    """All claims that access tokens must carry to lead to it; empty for no such token."""


class Attachment(Asked):
    """Under which policy a grant is put."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"policy": "strict"}]})

    policy: str
    """Name or id of the policy."""
