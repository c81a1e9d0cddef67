"""What is wrong with what a server says beside its tools: the hazards of each item, by the rules about its kind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from toolgate.classifier.hazards.items import NAMED_BY, item_hazards
from toolgate.scanner.findings import Finding, of_hazard
from toolgate.scanner.items import Item, label
from toolgate.scanner.rules import RULES
from toolgate.scanner.same_names import same_names


def of_items(server: str, items: Sequence[Item]) -> Iterator[Finding]:
    """The findings of a server's items. A rule that is not about the kind of an item finds nothing in it."""
    for item in items:
        for hazard in item_hazards(item.kind, item.said):
            if item.kind in RULES[hazard.rule].about:
                yield of_hazard(hazard, server, item=item.label)
    yield from _of_names(server, items)


def _of_names(server: str, items: Sequence[Item]) -> Iterator[Finding]:
    for kind, place in NAMED_BY.items():
        names = [item.name for item in items if item.kind == kind and item.name]
        for name, hazard in same_names(names, place):
            if kind in RULES[hazard.rule].about:
                yield of_hazard(hazard, server, item=label(kind, name))
