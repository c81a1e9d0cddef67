"""`/attacks` and the lists below it: all documented attacks, those of a kind, and those with a verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from toolgate.attacks.case import Case, Verdict
from toolgate.attacks.kinds import KINDS
from toolgate.design.page import Page
from toolgate.site.attack_links import SECTION, attack_row, kind_path, kinds_of, verdict_path
from toolgate.site.making import catalogue_page
from toolgate.site.surroundings import Surroundings
from toolgate.site.verdicts import LIMITS, VERDICTS


def attacks_page(here: Surroundings, cases: Sequence[Case]) -> Page:
    """The first page of the attack database: what a gateway does about each attack, and the ways to them."""
    data = {
        **attack_counts(here, cases),
        "limits": LIMITS,
        "frameworks": here.at(SECTION, "frameworks"),
        "attacks": [attack_row(here, case) for case in cases],
    }
    about = f"{len(cases)} attacks on MCP as cases that anyone can run: what stops each, and what does not."
    return catalogue_page(here, "attacks", "Attack database", (SECTION,), data, about, told=VERDICTS)


def attack_counts(here: Surroundings, cases: Sequence[Case]) -> dict[str, Any]:
    """How many attacks there are, of how many a source is cited, how many have each verdict and are of each kind."""
    verdicts, kinds = Counter(case.verdict for case in cases), Counter(case.kind for case in cases)
    return {
        "total": len(cases),
        "documented": sum(bool(case.sources) for case in cases),
        "verdicts": [
            {
                "verdict": verdict,
                "attacks": verdicts[verdict],
                "means": told.means,
                "href": here.at(*verdict_path(verdict)),
            }
            for verdict, told in VERDICTS.items()
        ],
        "kinds": [
            {
                "kind": kind,
                "title": KINDS[kind].title,
                "means": KINDS[kind].text,
                "attacks": kinds[kind],
                "href": here.at(*kind_path(kind)),
            }
            for kind in kinds_of(cases)
        ],
    }


def kind_page(here: Surroundings, kind: str, cases: Sequence[Case]) -> Page:
    """The attacks of a kind, of which there must be one."""
    title, means = KINDS[kind].title, KINDS[kind].text
    return _list_page(here, title, means, kind_path(kind), [case for case in cases if case.kind == kind])


def verdict_page(here: Surroundings, verdict: Verdict, cases: Sequence[Case]) -> Page:
    """The attacks with a verdict."""
    told = VERDICTS[verdict]
    fit = [case for case in cases if case.verdict == verdict]
    return _list_page(here, f"Attacks: {told.word.lower()}", told.means, verdict_path(verdict), fit)


def _list_page(here: Surroundings, title: str, means: str, path: tuple[str, ...], cases: Sequence[Case]) -> Page:
    data = {
        "list": title,
        "means": means,
        "total": len(cases),
        "attacks": [attack_row(here, case) for case in cases],
    }
    about = f"{len(cases)} attacks on MCP. {title}: {means}"
    return catalogue_page(here, "attack_list", title, path, data, about, told=VERDICTS)
