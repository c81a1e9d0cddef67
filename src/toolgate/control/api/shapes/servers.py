"""Servers and their tools."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, Field

from toolgate.control.api.shapes.stopping import Stop
from toolgate.control.api.shapes.words import Asked, Shown
from toolgate.policy.categories import Category, Risk

_SERVER: dict[str, Any] = {
    "id": "6f3c1a52-7f3e-4a51-9d0e-3f1b8f0a7c11",
    "name": "crm",
    "proxy_url": "http://127.0.0.1:8484/mcp/6f3c1a52-7f3e-4a51-9d0e-3f1b8f0a7c11/",
    "url": "https://crm.example/mcp",
    "command": None,
    "allow_private": False,
    "ca_file": None,
    "client_certificate": None,
    "client_key": None,
    "proxy": None,
    "pin": True,
    "capture": None,
    "headers": {"authorization": "sealed"},
    "protocol_revision": "2025-11-25",
    "tools": 12,
    "grants": 3,
    "created": "2026-11-22T19:30:00Z",
    "stopped": None,
}


class FromEnvironment(Asked):
    """A value that the gateway reads from its own environment when it needs it."""

    env: str
    """The name of the variable."""


Credentials = dict[str, str | FromEnvironment]


class NewServer(Asked):
    """A server to register: by its `url`, or by the `command` that starts it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "crm",
                    "url": "https://crm.example/mcp",
                    "headers": {"Authorization": "Bearer 1b9f"},
                    "pin": True,
                }
            ]
        }
    )

    name: str
    """How you will call it: letters, digits, `.`, `_`, `-`; unique among your servers."""
    url: str | None = None
    """The MCP endpoint: https, or http on this machine or where `allow_private` is true."""
    command: list[str] | None = None
    """The words of the command to start, where the operator allowed that (`--allow-command-servers`)."""
    headers: Credentials = Field(default_factory=dict)
    """What is sent with each request to the URL: stored sealed, never shown again."""
    variables: Credentials = Field(default_factory=dict)
    """The environment of the command: stored sealed, never shown again."""
    allow_private: bool = False
    """Whether the server may be in a private network, or speak plain http."""
    pin: bool = False
    """Whether new and changed tools are withheld until somebody accepts them."""


class ServerChange(Asked):
    """What to change of a server; what is not named stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"url": "https://crm.example/v2/mcp", "pin": True}]})

    url: str | None = None
    """Another endpoint."""
    command: list[str] | None = None
    """Another command."""
    headers: Credentials = Field(default_factory=dict)
    """Headers to add, or to give another value."""
    variables: Credentials = Field(default_factory=dict)
    """Variables to add, or to give another value."""
    without: list[str] = Field(default_factory=list)
    """Names of headers or variables to delete."""
    allow_private: bool | None = None
    """Whether the server may be in a private network."""
    pin: bool | None = None
    """Whether new and changed tools are withheld."""


class Server(Shown):
    """A registered server."""

    model_config = ConfigDict(json_schema_extra={"examples": [_SERVER]})

    id: str
    """Stays the same for good."""
    name: str
    """How it is called."""
    proxy_url: str
    """Where agents connect to it, with the token of a grant."""
    url: str | None
    """Where the gateway connects to it; null for a command."""
    command: list[str] | None
    """The words of the command that is started; null for a URL."""
    allow_private: bool
    """Whether it may be in a private network, or speak plain http."""
    ca_file: str | None
    """The file of the only certificate authority that is trusted for it."""
    client_certificate: str | None
    """The file of the certificate that it is shown."""
    client_key: str | None
    """The file of the key of that."""
    proxy: str | None
    """The proxy through which it is reached."""
    pin: bool
    """Whether new and changed tools are withheld until somebody accepts them."""
    capture: int | None
    """For how many days what its calls say is kept, sealed; null for not at all."""
    headers: dict[str, str]
    """Names of its headers or variables, and where the values come from: `sealed`, or `env:NAME`."""
    protocol_revision: str | None
    """The revision of the Model Context Protocol that it speaks, once known."""
    tools: int
    """How many tools it has."""
    grants: int
    """How many living grants open it."""
    created: str
    """When it was registered."""
    stopped: Stop | None
    """Who stopped it and why; null while nobody did."""


class Remark(Shown):
    """What did not work out, although the request did."""

    place: str
    """Where."""
    cause: str
    """Why, in one sentence."""
    mend: str
    """What to do about it; may be empty."""


class ReachedServer(Server):
    """A server, and whether it answered when it was asked for its tools."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**_SERVER, "reachable": True, "warning": None}]})

    reachable: bool
    """Whether it told its tools."""
    warning: Remark | None
    """Why it did not."""


class RemovedServer(Shown):
    """A server that is no more."""

    id: str
    """Its id."""
    name: str
    """Its name, which is free now."""
    revoked: list[str]
    """Ids of its grants, which are revoked."""


class Tool(Shown):
    """One version of a tool."""

    name: str
    """As the server calls it."""
    status: Literal["current", "withheld", "gone"]
    """`current` is in force, `withheld` waits to be accepted on a pinned server, `gone` was replaced or left."""
    category: Category | None
    """What it is taken for where policies say `tool.category`; null while nobody has judged it."""
    risk: Risk | None
    """What follows from the category."""
    judged_by: str | None
    """Who judged: a lexicon with its version, or a person."""
    fingerprint: str
    """The SHA-256 of the definition in its canonical form."""
    first_seen: str
    """When this version was first listed."""
    last_seen: str
    """When it was last listed."""
    definition: Any
    """What the server says of it, as it says it: not to be trusted."""


class Difference(Shown):
    """One place at which two JSON values differ."""

    pointer: str
    """Where (RFC 6901); empty: the whole."""
    before: Any = None
    """What was there; left out where nothing was."""
    after: Any = None
    """What is there; left out where nothing is."""
    kind: Literal["added", "removed", "changed"]
    """What happened to it."""


class ToolChange(Shown):
    """How a version of a tool differs from the one before."""

    name: str
    """The tool."""
    status: Literal["current", "withheld", "gone"]
    """How the newer version stands."""
    seen: str
    """When the newer version was first listed."""
    before: str | None
    """The fingerprint of the older version; null for a new tool."""
    after: str
    """The fingerprint of the newer version."""
    category_before: Category | None
    """What the older version is taken for; null for a new tool, or while nobody has judged it."""
    category: Category | None
    """What the newer version is taken for, once it is in force."""
    differences: list[Difference]
    """Each place at which they differ."""
    text: str | None
    """The same as lines, as `diff -u` writes them; null where there are too many to compare."""


class AcceptedVersions(Asked):
    """What to let in: tools by name, with whatever version waits, or versions by fingerprint."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"tools": ["create_contact"]}]})

    tools: list[str] = Field(default_factory=list, max_length=1000)
    """Names of tools."""
    versions: list[str] = Field(default_factory=list, max_length=1000)
    """Fingerprints (`after` of a change) of what was looked at; where one waits no more the answer is 409."""


class AcceptedTools(Shown):
    """Tools whose withheld version is in force now."""

    accepted: list[str]
    """Their names."""


class LexiconWord(Shown):
    """What the present lexicon says of a tool."""

    category: Category
    """What it would be taken for."""
    confidence: Literal["high", "medium", "low"]
    """How much there is to go by."""
    evidence: list[str]
    """Why, quoted from the definition, the deciding piece first: not to be trusted."""


class ToolJudgement(Shown):
    """What a tool is taken for, and what the present lexicon says of it."""

    name: str
    """The tool."""
    fingerprint: str
    """Of the version in force, else of the one that waits."""
    status: Literal["current", "withheld"]
    """How that version stands."""
    category: Category | None
    """What it is taken for; null while nobody has judged it."""
    judged_by: str | None
    """Who judged: a lexicon with its version, or a person."""
    lexicon: LexiconWord
    """What the present lexicon says. It changes nothing by itself."""
    differs: bool
    """Whether that is another category."""


class ToolWord(Asked):
    """Of what category a tool is."""

    name: str
    """The tool."""
    category: Category
    """What it is to be taken for."""
    fingerprint: str = Field("", max_length=64)
    """The version that was looked at; where another is there now, the answer is 409."""


class ToolWords(Asked):
    """Of what category tools of one server are."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"tools": [{"name": "run", "category": "Destructive"}]}]})

    tools: list[ToolWord] = Field(min_length=1, max_length=1000)
    """The tools."""


class SomeTools(Asked):
    """Tools of one server, or all."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"tools": ["run"]}]})

    tools: list[str] | None = Field(None, min_length=1, max_length=1000)
    """Their names; null or left out: all."""


class JudgedTool(Shown):
    """A tool that is taken for something else now."""

    name: str
    """The tool."""
    before: Category | None
    """What it was taken for."""
    category: Category
    """What it is taken for."""
    judged_by: str
    """Who judged."""


class JudgedTools(Shown):
    """Tools whose judgement changed."""

    judged: list[JudgedTool]
    """The tools."""


class FetchedTools(Shown):
    """What a server told of its tools."""

    tools: int
    """How many it has now."""
    withheld: list[str]
    """Names of those that wait to be accepted."""
