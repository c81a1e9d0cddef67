"""What the catalogue says of a server and of a tool."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

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
    """One server. `counts` has every category; `risk` is that of its riskiest tool.

    `tokens` is about how many tokens of a model's context its definitions take, None where these are not known.
    `organisation` is "" for what everybody may see; what was scanned belongs to who scanned it.
    """

    name: str
    slug: str
    source: Source
    tools: int
    counts: Mapping[Category, int]
    risk: Risk
    tokens: int | None = None
    title: str = ""
    about: str = ""
    version: str = ""
    repository: str = ""
    package: str = ""
    url: str = ""
    organisation: str = ""
    seen: float | None = None
