"""Entries of the catalogue as JSON, with the addresses of their pages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import urlsplit

from toolgate.catalogue.entries import ServerEntry, ToolEntry
from toolgate.classifier.classify import Risk
from toolgate.design.filters import cut
from toolgate.site.surroundings import Surroundings
from toolgate.site.told import RISKS

_ORDER: Final = {risk: place for place, risk in enumerate(RISKS)}
SENTENCE: Final = 240
"""Characters of a description that lists show."""


def riskiest_first(tools: Iterable[ToolEntry]) -> list[ToolEntry]:
    """Sorted by risk, then by name."""
    return sorted(tools, key=lambda tool: (_ORDER[tool.risk], tool.name))


def risks_of(tools: Iterable[ToolEntry]) -> dict[Risk, int]:
    """How many tools there are of each risk that occurs, the highest first."""
    counts = Counter(tool.risk for tool in tools)
    return {risk: counts[risk] for risk in RISKS if counts[risk]}


def tool_row(here: Surroundings, tool: ToolEntry) -> dict[str, Any]:
    """A tool as lists have it: of its description the beginning."""
    return {
        "tool": tool.name,
        "server": tool.server,
        "category": tool.category,
        "risk": tool.risk,
        "confidence": tool.confidence,
        "signals": [signal.text for signal in tool.signals],
        "description": cut(tool.description, SENTENCE),
        "href": here.at("tools", tool.server_slug, tool.slug),
        "server_href": here.at("policies", tool.server_slug),
    }


def tool_link(here: Surroundings, tool: ToolEntry) -> dict[str, str]:
    """A tool as the pages of others lead to it."""
    return {
        "tool": tool.name,
        "server": tool.server,
        "risk": tool.risk,
        "href": here.at("tools", tool.server_slug, tool.slug),
    }


def server_row(here: Surroundings, server: ServerEntry) -> dict[str, Any]:
    """A server as lists have it."""
    return {
        "server": server.name,
        "display_name": server.title,
        "about": cut(server.about, SENTENCE),
        "tools": server.tools,
        "risk": server.risk,
        "counts": dict(server.counts),
        "tokens": server.tokens,
        "href": here.at("policies", server.slug),
    }


def origin_of(server: ServerEntry) -> dict[str, str]:
    """What is known of where a server comes from; what is not known is left out."""
    told = {
        "package": server.package,
        "repository": server.repository,
        "url": server.url,
        "version": server.version,
    }
    return {name: value for name, value in told.items() if value}


def origins(server: ServerEntry) -> list[tuple[str, str, str]]:
    """The same for people: name, value, and where a link may lead, "" for nowhere."""
    return [(name, value, outward(value)) for name, value in origin_of(server).items()]


def outward(address: str) -> str:
    """The address where a page may link to it: https, plain, and to a host with a name; else "".

    Somebody else wrote it, so it is shown as text in any case.
    """
    if not (address.isascii() and address.isprintable()) or {" ", '"', "<", ">", "\\", "`"} & set(address):
        return ""
    try:
        parts = urlsplit(address)
        usable = parts.scheme == "https" and parts.hostname and "@" not in parts.netloc and parts.port != 0
    except ValueError:
        return ""
    return address if usable else ""
