"""Which records an address asks for: the parameters of the log, its live updates and its exports."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from toolgate.audit.filters import Filter
from toolgate.audit.search import Place
from toolgate.store import moments
from toolgate.store.errors import BadInput
from toolgate.store.names import shown

OUTCOMES: Final = ("allow", "deny", "wait", "refused", "gap")
WORDS: Final = ("grant", "server", "tool", "outcome", "rule", "policy", "text")
"""Parameters that go into the filter as they are."""
PARAMETERS: Final = (*WORDS, "since", "until")
_LONGEST: Final = 500


@dataclass(slots=True, frozen=True)
class Wanted:
    """What was asked for: `given` as it was typed, and the filter it means."""

    given: Mapping[str, str]
    filter: Filter

    @property
    def query(self) -> dict[str, str]:
        """The parameters that make this address again."""
        return {name: value for name, value in self.given.items() if value}


def given(parameters: Mapping[str, str]) -> dict[str, str]:
    """What was typed into each field, "" where nothing was."""
    return {name: parameters.get(name, "").strip() for name in PARAMETERS}


def wanted(parameters: Mapping[str, str], organisations: tuple[str, ...]) -> Wanted:
    """Read the parameters; `since` and `until` are spans back from now (`2h`) or moments. Raises BadInput."""
    typed = given(parameters)
    for name, value in typed.items():
        if len(value) > _LONGEST or not value.isprintable():
            raise BadInput(name, f"`{shown(value)}` is too long, or holds what does not print", "write less of it")
    if typed["outcome"] not in ("", *OUTCOMES):
        raise BadInput("outcome", f"`{shown(typed['outcome'])}` is no outcome", f"use one of {', '.join(OUTCOMES)}")
    fields: dict[str, Any] = {name: typed[name] for name in WORDS}
    fields |= {"since": past("since", typed["since"]), "until": past("until", typed["until"])}
    return Wanted(typed, Filter(**fields, organisations=organisations))


def past(place: str, text: str) -> float:
    """A moment of the past in epoch seconds, 0 for none: a span back from now, or a date or time. Raises BadInput."""
    if not text:
        return 0.0
    span = moments.span(text)
    if span is not None:
        return time.time() - span
    try:
        return moments.date(place, text)
    except BadInput:
        mend = "write a span back from now such as 2h or 30d, or a date such as 2027-01-31"
        raise BadInput(place, f"`{shown(text)}` is not a moment of the past", mend) from None


def place(parameters: Mapping[str, str], name: str) -> Place | None:
    """The place in the log that a pager's link named; None for none. Raises BadInput."""
    text = parameters.get(name, "")
    if not text:
        return None
    try:
        return Place.of(text)
    except ValueError:
        raise BadInput(name, f"`{shown(text)}` is no place in the log", "begin at the newest records") from None
