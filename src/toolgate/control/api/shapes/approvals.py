"""Calls that wait for a person, and where they are announced."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, Field

from toolgate.control.api.shapes.words import Asked, Shown

ApprovalState = Literal["pending", "approved", "denied", "used", "expired", "void"]
FormatWord = Literal["generic", "slack"]
LinksWord = Literal["open", "sign_in", "none"]

_WEBHOOK: dict[str, Any] = {
    "id": "3d2c1b0a-55d1-4c55-8f7e-6b1d4f6e9a10",
    "name": "on-call",
    "url": "https://hooks.example",
    "format": "generic",
    "servers": "*",
    "values": False,
    "links": "sign_in",
    "allow_private": False,
    "created": "2026-11-22T19:30:00Z",
    "disabled": None,
}


class Approval(Shown):
    """A call that waits for a person, or what was decided of it; without what the call says."""

    id: str
    """`apr_` and ten letters or digits."""
    organisation: str
    """Whose it is; `run` for calls of `toolgate run`."""
    grant_id: str
    """The grant that asked."""
    grant_label: str
    """How that is called."""
    principal: str
    """Who holds it."""
    server_id: str
    """The server that would be called."""
    server_name: str
    """How that is called."""
    method: str
    """The method of the message."""
    tool: str
    """The tool; empty for other methods."""
    fingerprint: str
    """The tool's definition by which the call was judged."""
    policy_id: str
    """The policy that asks for a person."""
    revision: int
    """The revision of that."""
    rule: str
    """What in it asks (RFC 6901)."""
    reason: str
    """Why it asks, in the policy's words."""
    created: str
    """When the call came."""
    expires: str
    """Until when it can be decided on, or used."""
    state: ApprovalState
    """`approved`: a permit for one identical call; `used`: sent; `void`: the rules changed, or it was stopped."""
    decided_by: str
    """Who decided; empty while nobody has."""
    decided_at: str | None
    """When."""
    decision_reason: str
    """Why, in their words; the agent reads it when refused."""
    used_by: str
    """The decision that used the permit."""


class WholeApproval(Approval):
    """The same with the call, whole."""

    policy: str
    """The name of the policy that asks."""
    call: Any
    """Method and parameters as the agent sent them: not to be trusted. Null where its seal does not open any more."""


class Decision(Asked):
    """Why a call is let go on or refused."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "ticket 812"}]})

    reason: str = ""
    """One line; the agent reads it when refused."""


class Webhook(Shown):
    """Where waiting calls are announced; of its URL scheme and host alone."""

    model_config = ConfigDict(json_schema_extra={"examples": [_WEBHOOK]})

    id: str
    """Stays the same for good."""
    name: str
    """How it is called."""
    url: str
    """Scheme and host of its URL: the rest may be a secret."""
    format: FormatWord
    """Signed JSON for programs (Standard Webhooks), or Slack's blocks."""
    servers: Literal["*"] | list[str]
    """Ids of the servers whose calls it hears of: `*` for all."""
    values: bool
    """Whether arguments are sent with their values."""
    links: LinksWord
    """What the link in a message allows: to decide, to decide after signing in, or there is none."""
    allow_private: bool
    """Whether it may be in this machine or a private network."""
    created: str
    """When it was made."""
    disabled: str | None
    """Since when it rests."""


class MadeWebhook(Webhook):
    """A webhook with its secret, which is shown this once."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**_WEBHOOK, "secret": "whsec_..."}]})

    secret: str
    """What messages are signed with; empty for Slack, which checks none."""


class NewWebhook(Asked):
    """A webhook to make."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "on-call", "url": "https://hooks.example/a", "links": "sign_in"}]}
    )

    name: str
    """How you will call it: letters, digits, `.`, `_`, `-`."""
    url: str
    """Where messages are sent, with POST. It is stored sealed."""
    format: FormatWord = "generic"
    """Signed JSON for programs (Standard Webhooks), or Slack's blocks."""
    servers: Literal["*"] | list[str] = "*"
    """Ids of the servers whose calls it hears of: `*` for all."""
    values: bool = False
    """Whether arguments are sent with their values."""
    links: LinksWord = "open"
    """What the link in a message allows: to decide, to decide after signing in, or there is none."""
    allow_private: bool = False
    """Whether it may be in this machine or a private network."""


class WebhookChange(Asked):
    """What to change of a webhook; what is not named stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"disabled": True}]})

    name: str | None = None
    """How you will call it."""
    url: str | None = None
    """Another URL."""
    servers: Literal["*"] | list[str] | None = None
    """Ids of the servers whose calls it hears of: `*` for all."""
    values: bool | None = None
    """Whether arguments are sent with their values."""
    links: LinksWord | None = None
    """What the link in a message allows."""
    allow_private: bool | None = None
    """Whether it may be in this machine or a private network."""
    disabled: bool | None = None
    """Whether it rests; its links then decide nothing."""


class Delivery(Shown):
    """A message of a webhook, and how it went."""

    id: str
    """Its id, which stays the same in each try."""
    approval: str
    """The approval that it tells of."""
    event: str
    """What happened to that."""
    state: Literal["delivered", "waiting", "failed"]
    """How it went."""
    created: str
    """When it was to be sent."""
    attempts: int
    """How often it was tried."""
    next_try: str | None
    """When it is tried again."""
    delivered: str | None
    """When it arrived."""
    error: str
    """Why it did not; may be empty."""


class Tested(Shown):
    """How a test message went."""

    delivered: bool
    """Whether the receiver has it."""
    error: str
    """Why not; may be empty."""


class Deliveries(Shown):
    """The latest messages of a webhook."""

    items: list[Delivery] = Field(max_length=50)
    """The newest first."""
