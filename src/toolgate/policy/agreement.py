"""What limits that share a counter must agree on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from toolgate.policy.charges import Limit
from toolgate.policy.entries import Entry, entry_for
from toolgate.policy.problems import Problem


def find_disagreements(raw: dict[str, Any]) -> Iterator[Problem]:
    """One problem for each limit that differs from the first of its counter in window or kind of cost."""
    first: dict[tuple[str, str], Limit] = {}
    for entry in every_entry(raw):
        for limit in entry.limits():
            known = first.setdefault((limit.scope, limit.name), limit)
            if known.window != limit.window:
                yield _problem(limit, known, "window")
            elif (known.counts_calls, known.counts_bytes) != (limit.counts_calls, limit.counts_bytes):
                yield _problem(limit, known, "kind of cost (a number, a path, or `result.bytes`)")


def every_entry(raw: dict[str, Any]) -> Iterator[Entry]:
    """All entries of the document: `all_tools`, then `tools` and `methods` as written."""
    if "all_tools" in raw:
        yield Entry(raw["all_tools"], "/all_tools", "all_tools", "all_tools")
    for section in ("tools", "methods"):
        for key, entry in raw.get(section, {}).items():
            yield entry_for(section, key, entry)


def _problem(limit: Limit, known: Limit, what: str) -> Problem:
    cause = f"the counter `{limit.counter}` is shared with `{known.pointer}`, which has another {what}"
    return Problem(limit.pointer, cause, "give the limits one window and kind of cost, or the counter another name")
