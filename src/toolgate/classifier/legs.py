"""What presets ask of a tool, told from its definition: its legs of the lethal trifecta, and the money it moves.

The names of tools (`policy/trifecta.py`) and the signals of their parameters are read together: a tool counts as a leg
where either says so. Nothing is proved; what neither recognises is no leg.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from toolgate.classifier.classify import Classification, classify_all
from toolgate.classifier.guarded import Judged, is_amount, is_path, is_run, is_sql
from toolgate.classifier.parameters import text_of
from toolgate.classifier.recommend import is_usable
from toolgate.classifier.tightened import judged_of
from toolgate.policy.categories import Category
from toolgate.policy.definition import Definition
from toolgate.policy.presets.preset import Known
from toolgate.policy.trifecta import Leg, legs_of

_LEAVING = frozenset({"sends", "mail", "url"})
"""A URL that the caller chooses carries out what is written into it, also where a page is only fetched."""


def known_of(tools: Iterable[tuple[Mapping[str, object], Classification]]) -> list[Known]:
    """What is known of each tool that a policy can name, in their order, the first of a name."""
    found: dict[str, Known] = {}
    for tool, classification in tools:
        name = text_of(tool.get("name"))
        if is_usable(name) and name not in found:
            found[name] = _known(judged_of(tool, classification), tool)
    return list(found.values())


def known_as_judged(
    tools: Sequence[Mapping[str, object]], categories: Iterable[Category | None], server: str = ""
) -> list[Known]:
    """The same; a category that somebody accepted counts before what the lexicon says."""
    found = zip(tools, classify_all(tools, server), categories, strict=True)
    return known_of((tool, replace(each, category=own or each.category)) for tool, each, own in found)


def _known(judged: Judged, tool: Mapping[str, object]) -> Known:
    told: dict[Leg, bool] = {leg: test(judged) for leg, test in _TESTS.items()}
    legs = legs_of(Definition(tool)) | {leg for leg, is_leg in told.items() if is_leg}
    amount = next((each.path for each in judged.arguments if is_amount(each)), "")
    return Known(judged.name, judged.category, legs, amount)


def _reads_private(tool: Judged) -> bool:
    """It reads files that the caller names, or queries a database."""
    queries = any(is_sql(each, tool) for each in tool.arguments)
    reads = tool.category == "Read" and any(is_path(each, tool) for each in tool.arguments)
    return queries or reads or _runs(tool)


def _meets_strangers(tool: Judged) -> bool:
    return "untrusted" in tool.signals


def _goes_out(tool: Judged) -> bool:
    return _runs(tool) or not _LEAVING.isdisjoint(tool.signals)


def _runs(tool: Judged) -> bool:
    """What runs a program of the caller can read whatever its server can, and send it."""
    return tool.category == "Execute" and any(is_run(each, tool) for each in tool.arguments)


_TESTS: dict[Leg, Callable[[Judged], bool]] = {
    "private": _reads_private,
    "strangers": _meets_strangers,
    "outward": _goes_out,
}
