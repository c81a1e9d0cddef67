"""The policy that a server's tools ask for: the smallest grammar that keeps each of them within its category."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from toolgate.classifier.classify import PRECEDENCE, Category, Classification, classify_all
from toolgate.classifier.parameters import text_of
from toolgate.classifier.signals import Signal
from toolgate.policy.names import is_pattern

RATES: dict[Category, int] = {"Write": 30, "Execute": 10}
"""Calls a minute, per grant."""
_RESERVED = "rate_limit:"


class Entry(Protocol):
    """What is known of a tool, as the catalogue holds it."""

    @property
    def name(self) -> str:
        """As the server says it."""

    @property
    def category(self) -> Category:
        """What it does."""

    @property
    def signals(self) -> tuple[Signal, ...]:
        """Why to look closer."""

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of its parameters, nested ones as `files[].path`."""

    @property
    def definition(self) -> Mapping[str, object] | None:
        """The tool object, None where only facts are known."""


def recommend(
    tools: Iterable[Mapping[str, object]], server: str = "", classified: Sequence[Classification] | None = None
) -> dict[str, Any]:
    """A valid document for these tools by the rule of each category: what it does not name is denied.

    `classified` holds what each of them does where that is known already; else they are classified as those of
    `server`. Of tools with one name the riskiest counts. Left out, and so denied, are tools without a usable name and
    those whose name would be read as a pattern.
    """
    given = list(tools)
    judged = classify_all(given, server) if classified is None else classified
    names = (text_of(tool.get("name")) for tool in given)
    return by_category(zip(names, (each.category for each in judged), strict=True))


def recommend_entries(entries: Iterable[Entry]) -> dict[str, Any]:
    """The same for tools of the catalogue."""
    return by_category((entry.name, entry.category) for entry in entries)


def by_category(rated: Iterable[tuple[str, Category]]) -> dict[str, Any]:
    """The document for names and categories."""
    settled: dict[str, Category] = {}
    for name, category in rated:
        if is_usable(name):
            settled[name] = max(category, settled.get(name, category), key=PRECEDENCE.index)
    hide = [name for name, category in settled.items() if category == "Destructive"]
    entries = {name: recommended_entry(name, settled[name]) for name in settled if settled[name] != "Destructive"}
    return {"version": "1", "default": "deny", **({"hide": hide} if hide else {}), "tools": entries}


def recommended_entry(name: str, category: Category) -> dict[str, Any]:
    """What stands under the tool's name; a Destructive tool has no entry, `hide` names it."""
    if category == "Financial":
        return {"action": "require_approval", "reason": "It moves or commits money."}
    if category in RATES:
        counter = counter_of(name, "rate")
        return {"limits": [{"counter": counter, "window": "minute", "max": RATES[category], "scope": "grant"}]}
    return {}


def counter_of(name: str, what: str) -> str:
    """The counter of one tool alone: counters that begin with `rate_limit:` belong to `rate_limit`."""
    reserved = name.lstrip("_").startswith(_RESERVED)
    return f"{'_' if reserved else ''}{name}_{what}"


def recommended_text(
    tools: Iterable[Mapping[str, object]], server: str = "", classified: Sequence[Classification] | None = None
) -> str:
    """`recommend` as a document for people."""
    return written(recommend(tools, server, classified))


def written(document: Mapping[str, Any]) -> str:
    """A document as people read it."""
    line = json.dumps(document, ensure_ascii=False)  # with an indent of its own it is six times as slow
    return msgspec.json.format(line, indent=2) + "\n"


def is_usable(name: str) -> bool:
    """Whether a policy can name a tool so: the name is not empty, is no pattern and can be written as UTF-8."""
    if not name or is_pattern(name):
        return False
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
