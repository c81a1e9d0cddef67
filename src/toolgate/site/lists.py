"""Lists of servers and of tools, a page of them at a time: by risk, by category, by signal, by letter, or all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from toolgate.catalogue.entries import ServerEntry, ToolEntry
from toolgate.classifier.classify import Category, Risk
from toolgate.design.page import Page
from toolgate.site.addressed import server_row, tool_row
from toolgate.site.making import catalogue_page
from toolgate.site.surroundings import Surroundings
from toolgate.site.told import CATEGORIES, RISKS, SIGNALS, signal_name

PAGE: Final = 100
"""Entries on one page."""


@dataclass(slots=True, frozen=True)
class Part:
    """Which page of a list this is, from 1, and how many entries the whole list has."""

    number: int
    total: int

    @property
    def start(self) -> int:
        """The place of the first entry, from 0."""
        return (self.number - 1) * PAGE

    @property
    def pages(self) -> int:
        """How many pages there are; an empty list has one."""
        return max(1, -(-self.total // PAGE))

    @property
    def near(self) -> list[int]:
        """The pages that this one links to, in order: all of a short list, else the ends and the neighbourhood.

        Every page is at most a few steps away, because whole hundreds and tens are among them.
        """
        last, step = self.pages, 10 if self.pages > 30 else 1
        wanted = {1, last, *range(max(1, self.number - 2), min(last, self.number + 2) + 1), *range(step, last, step)}
        return sorted(wanted)


@dataclass(slots=True, frozen=True)
class Listing:
    """A list of tools: what it is called, where it is, and what is said about it."""

    title: str
    path: tuple[str, ...]
    lead: str
    advice: str = ""


def by_risk(risk: Risk) -> Listing:
    """The tools of a risk level."""
    return Listing(f"{risk} risk", ("risk", risk.lower()), RISKS[risk])


def by_category(category: Category) -> Listing:
    """The tools of a category."""
    told = CATEGORIES[category]
    return Listing(f"{category} tools", ("category", category.lower()), told.means, f"{told.why} {told.rule}")


def by_signal(id_: str) -> Listing:
    """The tools with a signal."""
    advice = SIGNALS[id_].advice if id_ in SIGNALS else ""
    return Listing(signal_name(id_), ("signals", id_), "Tools that show this risk signal.", advice)


def by_letter(letter: str) -> Listing:
    """The tools whose names begin with a letter or digit, or, for `other`, with something else."""
    what = "another sign" if letter == "other" else letter.upper()
    return Listing(f"Tools that begin with {what}", ("letters", letter), "By name, whichever server they belong to.")


def tools_page(here: Surroundings, listing: Listing, part: Part, tools: Sequence[ToolEntry]) -> Page:
    """One page of a list of tools; `tools` are those of this part alone."""
    return _part_page(here, "tools", listing, part, [tool_row(here, tool) for tool in tools])


def servers_page(here: Surroundings, part: Part, servers: Sequence[ServerEntry]) -> Page:
    """One page of the list of all servers."""
    listing = Listing("Servers", ("servers",), "Every server of the catalogue by name, with what its tools can do.")
    return _part_page(here, "servers", listing, part, [server_row(here, server) for server in servers])


def _part_page(here: Surroundings, name: str, listing: Listing, part: Part, rows: Sequence[object]) -> Page:
    which = f", page {part.number} of {part.pages}" if part.number > 1 else ""
    ways = [(number, here.page(number, *listing.path)) for number in part.near] if part.pages > 1 else []
    before, after = part.number - 1, part.number + 1
    data = {"list": listing.title, "total": part.total, "page": part.number, "pages": part.pages, name: rows}
    return catalogue_page(
        here,
        name,
        f"{listing.title}{which}",
        listing.path,
        data,
        f"{part.total} {name} of MCP servers: {listing.title}. {listing.lead}",
        part.number,
        listing=listing,
        part=part,
        ways=ways,
        newer=here.page(before, *listing.path) if before else "",
        older=here.page(after, *listing.path) if after <= part.pages else "",
    )
