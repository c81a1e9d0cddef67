"""Tools of the catalogue that an attack abuses: a few of them, of different servers, to lead to from its page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from itertools import chain, product, zip_longest
from typing import Final

from toolgate.attacks.abuse import Kind
from toolgate.attacks.case import Case
from toolgate.catalogue.entries import ToolEntry

SHOWN: Final = 8
ENOUGH: Final = 40
"""Tools of each kind among which SHOWN of different servers are looked for."""
Find = Callable[[str | None, str | None], Iterable[ToolEntry]]
"""The first ENOUGH tools of a category (None: any) with a signal (None: with or without)."""


def kind_of(tool: ToolEntry) -> Kind:
    """What attacks go by."""
    return tool.category, frozenset(signal.id for signal in tool.signals)


def abused_by(case: Case, find: Find) -> list[ToolEntry]:
    """Tools that the case abuses, of each kind that it names in turn, one of each server."""
    if not (case.categories or case.signals):
        return []
    categories: list[str | None] = [*case.categories] or [None]
    signals: list[str | None] = [*case.signals] or [None]
    rows = [find(category, signal) for category, signal in product(categories, signals)]
    found: dict[str, ToolEntry] = {}
    for tool in filter(None, chain.from_iterable(zip_longest(*rows))):
        found.setdefault(tool.server_slug, tool)
    return list(found.values())[:SHOWN]


class Examples:
    """The first tools of each kind among those of a whole catalogue."""

    def __init__(self, tools: Iterable[ToolEntry]) -> None:
        self._first: Final[dict[tuple[str | None, str | None], list[ToolEntry]]] = defaultdict(list)
        for tool in tools:
            category, signals = kind_of(tool)
            for kind in product((category, None), (*signals, None)):
                if len(self._first[kind]) < ENOUGH:
                    self._first[kind].append(tool)

    def of(self, case: Case) -> list[ToolEntry]:
        """A few that the case abuses."""
        return abused_by(case, lambda category, signal: self._first.get((category, signal), []))
