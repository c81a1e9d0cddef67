"""The whole catalogue in memory, for whoever writes a page of everything: grouped, listed, set beside each other."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from toolgate.catalogue.entries import Counts, ServerEntry, ToolEntry
from toolgate.design.filters import cut
from toolgate.policy.categories import PRECEDENCE, RISK
from toolgate.site.addressed import SENTENCE, tool_link
from toolgate.site.lists import PAGE, Listing, Part, by_category, by_letter, by_risk, by_signal
from toolgate.site.searching import LETTERS, letter_of
from toolgate.site.surroundings import Surroundings
from toolgate.site.tool import OTHERS

_FAR: Final = 40
"""How far away in the order of names another tool may be to be shown beside one."""


@dataclass(slots=True, frozen=True)
class Sheet:
    """One page of a list of tools."""

    listing: Listing
    part: Part
    tools: list[ToolEntry]


class Collection:
    """Servers by slug, and their tools."""

    def __init__(self, servers: Sequence[ServerEntry], tools: Iterable[ToolEntry]) -> None:
        self.servers = list(servers)
        self.tools: dict[str, list[ToolEntry]] = {server.slug: [] for server in self.servers}
        for tool in tools:
            self.tools[tool.server_slug].append(tool)
        self.brief = sorted(
            map(_brief, self.every()), key=lambda tool: (tool.name.lower(), tool.name, tool.server_slug)
        )
        """Every tool by name, without what a list does not show."""

    def every(self) -> Iterator[ToolEntry]:
        """Every tool, by server."""
        return (tool for tools in self.tools.values() for tool in tools)

    def counts(self) -> Counts:
        """How much there is."""
        categories = Counter(tool.category for tool in self.brief)
        risks = Counter(tool.risk for tool in self.brief)
        signals = Counter(id_ for tool in self.brief for id_ in {signal.id for signal in tool.signals})
        by_category = {category: categories[category] for category in PRECEDENCE}
        by_risk_ = {risk: risks[risk] for risk in RISK.values()}
        return Counts(len(self.servers), len(self.brief), by_category, by_risk_, dict(signals))

    def sheets(self) -> Iterator[Sheet]:
        """Every page of every list of tools."""
        for risk in dict.fromkeys(RISK.values()):
            yield from _cut_up(by_risk(risk), [tool for tool in self.brief if tool.risk == risk])
        for category in PRECEDENCE:
            yield from _cut_up(by_category(category), [tool for tool in self.brief if tool.category == category])
        for id_ in sorted(self.counts().by_signal):
            has = [tool for tool in self.brief if any(signal.id == id_ for signal in tool.signals)]
            yield from _cut_up(by_signal(id_), has)
        for letter, tools in self._lettered().items():
            yield from _cut_up(by_letter(letter), tools)

    def letters(self) -> dict[str, int]:
        """How many tools there are under each letter that has some."""
        return {letter: len(tools) for letter, tools in self._lettered().items()}

    def beside(self, here: Surroundings) -> dict[tuple[str, str], list[dict[str, Any]]]:
        """For each tool (by both slugs) those of its category on other servers that are named most like it."""
        found = {}
        for category in PRECEDENCE:
            row = [tool for tool in self.brief if tool.category == category]
            links = [tool_link(here, tool) for tool in row]
            for place, tool in enumerate(row):
                near = _near(row, place)
                found[tool.server_slug, tool.slug] = [links[each] for each in near]
        return found

    def _lettered(self) -> dict[str, list[ToolEntry]]:
        found: dict[str, list[ToolEntry]] = defaultdict(list)
        for tool in self.brief:
            found[letter_of(tool.name)].append(tool)
        return {letter: found[letter] for letter in LETTERS if letter in found}


def _near(row: Sequence[ToolEntry], place: int) -> list[int]:
    """Places around one, the nearest first, of tools of other servers."""
    steps = (offset for distance in range(1, _FAR) for offset in (place + distance, place - distance))
    others = (at for at in steps if 0 <= at < len(row) and row[at].server_slug != row[place].server_slug)
    return [at for _, at in zip(range(OTHERS), others, strict=False)]


def _cut_up(listing: Listing, tools: Sequence[ToolEntry]) -> Iterator[Sheet]:
    pages = Part(1, len(tools)).pages
    for number in range(1, pages + 1):
        part = Part(number, len(tools))
        yield Sheet(listing, part, list(tools[part.start : part.start + PAGE]))


def _brief(tool: ToolEntry) -> ToolEntry:
    return replace(tool, definition=None, description=cut(tool.description, SENTENCE), evidence=(), parameters=())
