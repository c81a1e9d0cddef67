"""The stored catalogue: servers, tools, their definitions, and what is sent to be judged or stored."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, Field

from toolgate.control.api.shapes.recommending import ClassifiedTool
from toolgate.control.api.shapes.words import Asked, Shown


class CatalogueCounts(Shown):
    """How much there is that everybody may see."""

    servers: int
    """Servers."""
    tools: int
    """Their tools."""
    by_category: dict[str, int]
    """How many tools are of each category."""
    by_risk: dict[str, int]
    """How many are of each risk."""
    by_signal: dict[str, int]
    """How many have each reason to look closer, by its id."""


class CatalogueServer(Shown):
    """What is known of a server. Texts are of strangers: not to be trusted."""

    name: str
    """Which it is."""
    slug: str
    """Its part of an address."""
    source: Literal["box", "import", "registry", "scan"]
    """Where its tools come from: shipped with the product, a list, nowhere yet, the server itself."""
    tools: int
    """How many of its tools are known."""
    counts: dict[str, int]
    """How many are of each category."""
    risk: str | None
    """That of its riskiest tool; null where none is known."""
    tokens: int | None
    """About how many tokens its definitions take of a model's context; null where they are not known."""
    title: str
    """How it calls itself; may be empty."""
    about: str
    """What it says of itself; may be empty."""
    version: str
    """Its version; may be empty."""
    repository: str
    """Where its source is; may be empty."""
    package: str
    """What it is installed as; may be empty."""
    url: str
    """Where it is reached; may be empty."""
    own: bool
    """Whether the own organisation alone sees it."""
    seen: str | None
    """When its tools were listed last, or a registry named it; null for what came in the box."""


class CatalogueServers(Shown):
    """A part of a list of servers."""

    items: list[CatalogueServer]
    """In the order of the list."""
    next: str | None
    """The `cursor` of the next page; null on the last one."""
    total: int
    """How many there are in all."""


class ToolSignal(Shown):
    """A reason to look closer at a tool."""

    id: str
    """Its kind."""
    text: str
    """What it says."""
    parameter: str
    """The parameter that gives it; empty where it is the whole tool."""


class CatalogueTool(Shown):
    """What is known of a tool. Names and texts are of strangers: not to be trusted."""

    server: str
    """Its server."""
    server_slug: str
    """The server's part of an address."""
    name: str
    """How the server calls it."""
    slug: str
    """Its part of an address."""
    category: str
    """What kind of tool it is."""
    risk: str
    """How much harm it can do."""
    confidence: str
    """How sure that is."""
    signals: list[ToolSignal]
    """Why to look closer."""
    evidence: list[str]
    """What says so, the deciding piece first."""
    parameters: list[str]
    """What it takes, nested ones as `files[].path`."""
    description: str
    """What it says of itself; empty where the facts alone are known."""
    fingerprint: str
    """Of its definition; empty where the facts alone are known."""
    definition: dict[str, Any] | None
    """As the server lists it; null where the facts alone are known."""
    first_seen: str | None
    """Since when it is listed."""
    last_seen: str | None
    """When it was listed last."""


class CatalogueTools(Shown):
    """A part of a list of tools."""

    items: list[CatalogueTool]
    """In the order of the list."""
    next: str | None
    """The `cursor` of the next page; null on the last one."""
    total: int
    """How many there are in all."""


class DefinitionVersion(Shown):
    """A definition that a tool had or has."""

    fingerprint: str
    """What tells it from others."""
    category: str
    """What kind of tool it made it."""
    risk: str
    """How much harm that can do."""
    changed: list[str]
    """What differs from the one before; empty for the first."""
    first_seen: str
    """Since when it was listed."""
    last_seen: str
    """When it was listed last."""
    gone: str | None
    """When the tool was missed first; null while it is listed."""
    definition: dict[str, Any]
    """As the server listed it."""


class CatalogueHistory(Shown):
    """The definitions of a tool."""

    items: list[DefinitionVersion]
    """The newest first."""


class FillIn(Shown):
    """A place of a policy that denies until somebody fills it in."""

    pointer: str
    """Where (RFC 6901)."""
    what: str
    """What is to stand there."""
    example: Any
    """What could."""


class CataloguePolicy(Shown):
    """The policy that the tools of a server ask for."""

    document: str
    """Its text: what it does not name is denied."""
    fill_ins: list[FillIn]
    """What is to be filled in; empty unless it was asked for tightened."""


class ToolList(Asked):
    """Tools to judge."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"server": "crm", "tools": [{"name": "delete_contact", "description": "Gone."}]}]
        }
    )

    server: str = Field(default="", max_length=512)
    """What the server is called: it counts as context."""
    tools: list[dict[str, Any]] = Field(max_length=1000)
    """Tools as `tools/list` gives them."""


class Refusal(Shown):
    """A definition that cannot be judged or stored."""

    name: str
    """What it is called; empty where that is no text."""
    cause: str
    """Why."""


class Classified(Shown):
    """How tools were judged."""

    tools: list[ClassifiedTool]
    """In the order of the list."""
    refused: list[Refusal]
    """What could not be judged."""
    document: str
    """The policy that they ask for."""


class ListedServer(Asked):
    """The tools of one server, as it lists them."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "acme/crm", "tools": [{"name": "list_contacts"}], "version": "1.2.0"}]}
    )

    name: str = Field(min_length=1, max_length=512)
    """Which server it is."""
    tools: list[dict[str, Any]] = Field(max_length=1000)
    """All of its tools as `tools/list` gives them: others are gone."""
    title: str = Field(default="", max_length=200)
    """How it calls itself."""
    about: str = Field(default="", max_length=4000)
    """What it says of itself."""
    version: str = Field(default="", max_length=255)
    """Its version."""
    repository: str = Field(default="", max_length=2000)
    """Where its source is: `owner/name`, or a URL."""
    package: str = Field(default="", max_length=2000)
    """What it is installed as: `npm:name`."""
    url: str = Field(default="", max_length=2000)
    """Where it is reached."""


class Drifted(Shown):
    """What a list of tools changed of what was known."""

    added: list[str]
    """Tools that were not known."""
    changed: list[str]
    """Tools whose definition is another."""
    removed: list[str]
    """Tools that are no longer listed."""
    same: list[str]
    """Tools as they were."""
    refused: list[Refusal]
    """What could not be stored."""
