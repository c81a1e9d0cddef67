"""Attacks as other pages lead to them: their addresses, and a line of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from toolgate.attacks.case import Case
from toolgate.attacks.kinds import KINDS
from toolgate.site.surroundings import Surroundings
from toolgate.site.verdicts import VERDICTS

SECTION: Final = "attacks"
"""The first part of the path of each page of the attack database."""


def attack_brief(case: Case) -> dict[str, Any]:
    """What is said of a case wherever it is told of as JSON; its summary is one line in lists, paragraphs elsewhere."""
    return {
        "attack": case.title,
        "slug": case.slug,
        "number": case.number,
        "kind": case.kind,
        "verdict": case.verdict,
        "categories": list(case.categories),
        "signals": list(case.signals),
    }


def attack_row(here: Surroundings, case: Case) -> dict[str, Any]:
    """An attack as lists have it."""
    return {
        **attack_link(here, case),
        **attack_brief(case),
        "kind_title": KINDS[case.kind].title,
        "kind_href": here.at(*kind_path(case.kind)),
        "summary": one_line(case.summary),
    }


def attack_link(here: Surroundings, case: Case) -> dict[str, str]:
    """An attack as a tool, a server or a framework leads to it."""
    return {
        "attack": case.title,
        "slug": case.slug,
        "verdict": case.verdict,
        "href": here.at(SECTION, case.slug),
    }


def attack_links(here: Surroundings, cases: Iterable[Case]) -> list[dict[str, str]]:
    """Several."""
    return [attack_link(here, case) for case in cases]


def kind_path(kind: str) -> tuple[str, ...]:
    """Where the attacks of a kind are listed."""
    return SECTION, "category", kind


def verdict_path(verdict: str) -> tuple[str, ...]:
    """Where the attacks with a verdict are listed."""
    return SECTION, "verdict", verdict.lower()


def attack_paths(cases: Sequence[Case]) -> Iterator[tuple[str, ...]]:
    """The path of every page of the attack database."""
    yield (SECTION,)
    yield SECTION, "frameworks"
    yield from (kind_path(kind) for kind in kinds_of(cases))
    yield from (verdict_path(verdict) for verdict in VERDICTS)
    yield from ((SECTION, case.slug) for case in cases)


def kinds_of(cases: Iterable[Case]) -> list[str]:
    """The kinds that occur, in the order of all kinds."""
    found = {case.kind for case in cases}
    return [kind for kind in KINDS if kind in found]


def one_line(text: str) -> str:
    """A text of a case, which is broken into lines where its file is, without its breaks."""
    return " ".join(text.split())


def paragraphs(text: str) -> list[str]:
    """The same, an empty line apart."""
    return [one_line(part) for part in text.split("\n\n") if part.strip()]
