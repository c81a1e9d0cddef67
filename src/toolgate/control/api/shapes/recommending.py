"""Known servers, what a server's tools are, and the policy that they ask for; a call that is tried."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, Field

from toolgate.control.api.shapes.words import Asked, Shown


class KnownServer(Shown):
    """A server that many people use."""

    id: str
    """A name to register it under."""
    title: str
    """How it is called."""
    vendor: str
    """Whose it is."""
    category: str
    """What it is for."""
    about: str
    """What it does."""
    sign_in: Literal["oauth", "token", "none"]
    """How one signs in there: in a browser, with a secret made there, or not at all."""
    url: str
    """Where it is; empty for a command."""
    command: str
    """What starts it; empty for a URL."""
    header: str
    """How a token goes with each request; may be empty."""
    variables: list[str]
    """What a command reads its secrets from."""
    note: str
    """What to know before; may be empty."""


class KnownServers(Shown):
    """Servers that many people use."""

    items: list[KnownServer]
    """Those whose name fits best come first."""


class ClassifiedTool(Shown):
    """What a tool probably does, judged by its definition alone."""

    name: str
    """The tool."""
    category: str
    """What kind of tool it is."""
    risk: str
    """How much harm it can do."""
    confidence: str
    """How sure that is."""
    evidence: list[str]
    """What in the definition says so, the deciding piece first: words of the server, not to be trusted."""
    signals: list[str]
    """Why to look closer."""


class Recommended(Shown):
    """The policy that a server's tools ask for."""

    document: str
    """Its text: what it does not name is denied."""
    tools: list[ClassifiedTool]
    """How each tool was judged."""


class Apply(Asked):
    """Which server's recommended policy becomes which policy."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"server": "crm", "policy": "crm-recommended"}]})

    server: str
    """Name or id of the server whose tools are judged."""
    policy: str
    """Name of the policy; it is made where there is none."""


class Trial(Asked):
    """A call to try against a document or a policy. Nothing is sent, stored or charged."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"policy": "careful", "server": "crm", "tool": "delete_contact", "arguments": {"id": "4711"}}]
        }
    )

    document: str | None = None
    """The text of a document; either this or a `policy`."""
    policy: str | None = None
    """Name or id of a policy: its current revision is tried."""
    server: str | None = None
    """Name or id of the server: arguments are checked against the tool's definition."""
    tool: str
    """The tool."""
    arguments: dict[str, Any] = Field(default_factory=dict)
    """Its arguments."""
    grant: str | None = None
    """Id or label of a grant to try as; without one, as `label`, `principal` and `labels` say."""
    label: str = ""
    """What the policy reads as `grant.label`."""
    principal: str = ""
    """What it reads as `grant.principal`."""
    labels: dict[str, str] = Field(default_factory=dict)
    """What it reads as `grant.labels.KEY`."""
    earlier: list[str] = Field(default_factory=list, max_length=200)
    """Tools that the same session used lately: what flows go by."""


class Tried(Shown):
    """What came out. Counters are not looked at: a limit that is used up would still deny the call."""

    outcome: Literal["allow", "deny", "wait"]
    """The decision."""
    rule: str
    """What decided."""
    message: str
    """What the agent would read."""
    visible: bool
    """Whether the agent is told why."""
    shown: bool | None
    """Whether `tools/list` shows the tool."""
    charges: list[dict[str, Any]]
    """What it would take from each limit."""
    counts_for: list[str]
    """The flows that it would count for, by their places in the document."""
    approval_timeout: Any
    """For how long a person would be waited for; null where none is."""
    steps: list[dict[str, Any]]
    """Everything that is looked at, in order."""
