"""What the catalogue says of a server and of a tool."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeAlias, TypeVar

from toolgate.classifier.classify import Category, Confidence, Risk
from toolgate.classifier.signals import Signal

Source: TypeAlias = Literal["box", "import", "registry", "scan"]
"""Where an entry comes from: shipped with the product, a file, the MCP registry, or a server that was asked."""


@dataclass(slots=True, frozen=True)
class ToolEntry:
    """One tool. `server` and `name` are as the server says them, the slugs are their parts of an address.

    `description` and `definition` are third-party text, "" and None for what came in the box: it holds facts alone.
    Times are seconds since 1970.
    """

    server: str
    server_slug: str
    name: str
    slug: str
    category: Category
    risk: Risk
    confidence: Confidence
    signals: tuple[Signal, ...]
    evidence: tuple[str, ...]
    parameters: tuple[str, ...]
    description: str = ""
    fingerprint: str = ""
    definition: Mapping[str, object] | None = field(default=None, repr=False)
    first_seen: float | None = None
    last_seen: float | None = None


@dataclass(slots=True, frozen=True)
class ServerEntry:
    """One server. `counts` has every category; `risk` is that of its riskiest tool, None where no tool is known.

    `tokens` is about how many tokens of a model's context its definitions take, None where these are not known.
    `organisation` is "" for what everybody may see; what was scanned belongs to who scanned it. `seen` is when its
    tools were listed last, or a registry named it; None for what came in the box.
    """

    name: str
    slug: str
    source: Source
    tools: int
    counts: Mapping[Category, int]
    risk: Risk | None
    tokens: int | None = None
    title: str = ""
    about: str = ""
    version: str = ""
    repository: str = ""
    package: str = ""
    url: str = ""
    organisation: str = ""
    seen: float | None = None


@dataclass(slots=True, frozen=True)
class ServerFacts:
    """What is said of a server beside its tools. `name` says which it is; "" is not said.

    `repository` is `owner/name` or a URL, `package` the kind of a package with its identifier (`npm:@owner/name`).
    """

    name: str
    title: str = ""
    about: str = ""
    version: str = ""
    repository: str = ""
    package: str = ""
    url: str = ""


@dataclass(slots=True, frozen=True)
class Version:
    """A definition that a tool had, or has. `changed` says in words what differs from the one before; () for the first.

    `gone` is when the tool was first missed, None while it is listed with this or another definition.
    """

    fingerprint: str
    category: Category
    risk: Risk
    changed: tuple[str, ...]
    first_seen: float
    last_seen: float
    gone: float | None = None
    definition: Mapping[str, object] = field(default_factory=dict, repr=False)


@dataclass(slots=True, frozen=True)
class Refusal:
    """A definition that was not stored, and why. `name` is what it was called, "" where that is no text."""

    name: str
    cause: str


@dataclass(slots=True, frozen=True)
class Drift:
    """What a list of tools changed of what was known: names of tools, sorted."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    same: tuple[str, ...] = ()
    refused: tuple[Refusal, ...] = ()


@dataclass(slots=True, frozen=True)
class Counts:
    """How much there is. Every category and risk has its number, signals those that occur, by their id."""

    servers: int
    tools: int
    by_category: Mapping[Category, int]
    by_risk: Mapping[Risk, int]
    by_signal: Mapping[str, int]


E = TypeVar("E")


@dataclass(slots=True, frozen=True)
class Found(Generic[E]):
    """Some of what was sought, and how much there is of it in all."""

    items: list[E]
    total: int
