"""The policy that a server's tools ask for: the smallest grammar that keeps each of them within its category."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from toolgate.classifier.classify import Category, classify
from toolgate.classifier.parameters import text_of
from toolgate.policy.names import is_pattern

RATES: dict[Category, int] = {"Write": 30, "Execute": 10}
"""Calls a minute, per grant."""


def recommend(tools: Iterable[Mapping[str, object]]) -> dict[str, Any]:
    """A valid document for these tools: what it does not name is denied.

    Tools without a usable name are left out. A name with `*` would be read as a pattern, so such a tool is hidden.
    """
    hide: list[str] = []
    entries: dict[str, Any] = {}
    for tool in tools:
        name = text_of(tool.get("name"))
        if not name or not _is_encodable(name):
            continue
        category = classify(tool).category
        if category == "Destructive" or is_pattern(name):
            hide.append(name)
        else:
            entries[name] = recommended_entry(name, category)
    hidden = {"hide": list(dict.fromkeys(hide))} if hide else {}
    return {"version": "1", "default": "deny", **hidden, "tools": entries}


def recommended_entry(name: str, category: Category) -> dict[str, Any]:
    """What stands under the tool's name; a Destructive tool has no entry, `hide` names it."""
    if category == "Financial":
        return {"action": "require_approval", "reason": "It moves or commits money."}
    if category in RATES:
        # Counters that begin with `rate_limit:` belong to `rate_limit`.
        counter = f"{name}_rate" if not name.startswith("rate_limit:") else f"_{name}_rate"
        return {"limits": [{"counter": counter, "window": "minute", "max": RATES[category], "scope": "grant"}]}
    return {}


def recommended_text(tools: Iterable[Mapping[str, object]]) -> str:
    """`recommend` as a document for people."""
    return json.dumps(recommend(tools), indent=2, ensure_ascii=False) + "\n"


def _is_encodable(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
