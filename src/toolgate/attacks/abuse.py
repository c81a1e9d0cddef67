"""Which cases abuse a kind of access: told by the category of a tool and by what makes one look closer at it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Final

from toolgate.attacks.case import Case
from toolgate.attacks.reading import all_cases
from toolgate.policy.categories import Category

TELLING: Final[frozenset[Category]] = frozenset({"Execute", "Destructive", "Financial"})
"""Categories that say enough of a tool by themselves; of Read and Write something more must be shared."""
BESIDE: Final = 6
"""How many cases are shown beside a tool."""
Kind = tuple[Category, frozenset[str]]
"""A category, and ids of signals."""


def abuses(case: Case, category: Category, signals: frozenset[str]) -> bool:
    """Whether the case abuses such a tool: of one of its categories and with one of its signals, where it names some.

    What starts, destroys or pays is abused for that alone, whatever its parameters are called.
    """
    if not (case.categories or case.signals):
        return False
    if case.categories and category not in case.categories:
        return False
    telling = bool(case.categories) and category in TELLING
    return telling or not case.signals or not signals.isdisjoint(case.signals)


class Abuses:
    """The cases by what they abuse. What was asked once is remembered: there are few kinds of tools."""

    def __init__(self, cases: Sequence[Case]) -> None:
        self.cases: Final = tuple(cases)
        self._known: Final[dict[Kind, tuple[Case, ...]]] = {}

    def of(self, category: Category, signals: Iterable[str]) -> tuple[Case, ...]:
        """The cases that abuse such a tool, those first that name most of what it is and least beside."""
        kind = category, frozenset(signals)
        if kind not in self._known:
            found = [case for case in self.cases if abuses(case, *kind)]
            self._known[kind] = tuple(sorted(found, key=lambda case: _closeness(case, kind[1])))
        return self._known[kind]

    def of_all(self, kinds: Iterable[Kind]) -> tuple[Case, ...]:
        """The cases that abuse one of several tools, those first that abuse most of them."""
        times = Counter(case.number for category, signals in kinds for case in self.of(category, signals))
        by_number = {case.number: case for case in self.cases}
        return tuple(by_number[number] for number in sorted(times, key=lambda number: (-times[number], number)))


def _closeness(case: Case, signals: frozenset[str]) -> tuple[int, int, int]:
    return -len(signals.intersection(case.signals)), len(case.categories) or len(case.signals), case.number


@cache
def shipped() -> Abuses:
    """Of every case that comes with Toolgate."""
    return Abuses(all_cases())
