"""Presets over what a tool does: `read-only` and `freeze`. What nobody has judged yet counts as a change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from toolgate.policy.presets.preset import Added, BadOption, Given, Known, Option, Preset, appended

_SECOND = timedelta(seconds=1)


def _read_only(document: dict[str, Any], known: Sequence[Known], _: Given) -> Added:
    rule = {
        "conditions": [{"path": "tool.category", "op": "eq", "value": "Read"}],
        "on_deny": "Only tools that read may be called.",
    }
    reads = not known or any(tool.category == "Read" for tool in known)
    notes = () if reads else ("no tool of the server only reads, so every call is denied",)
    return Added(appended(document, "all_tools", "require", rule), notes)


def _freeze(document: dict[str, Any], _: Sequence[Known], given: Given) -> Added:
    start, end = _moment("from", given), _moment("to", given)
    if end.microsecond:
        end += _SECOND  # a rule sees whole seconds: the freeze rather lasts one longer
    first, last = _written(start), _written(end)
    if first >= last:
        raise BadOption("to", f"`{given['to']}` is not after `{given['from']}`", "let the freeze end after it begins")
    conditions: list[dict[str, Any]] = [
        {"path": "tool.category", "op": "neq", "value": "Read"},
        {"path": "time.iso", "op": "gte", "value": first},
        {"path": "time.iso", "op": "lt", "value": last},
    ]
    told = f"Changes are frozen from {first} to {last}; reading goes on."
    return Added(appended(document, "all_tools", "deny_if", {"conditions": conditions, "on_deny": told}))


def _moment(name: str, given: Given) -> datetime:
    """A moment of RFC 3339 in UTC. One without an offset would be another moment for everybody."""
    mend = "write it with its offset, such as `2026-12-24T18:00:00Z` or `2026-12-24T18:00:00+01:00`"
    try:
        read = datetime.fromisoformat(given[name])
        if read.tzinfo is None:
            raise BadOption(name, f"`{given[name]}` names no offset from UTC", mend)
        return read.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadOption(name, f"`{given[name]}` is no moment", mend) from None


def _written(moment: datetime) -> str:
    """As `time.iso` has it, so that the two compare as texts."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}Z".rjust(20, "0")


READ_ONLY = Preset(
    "read-only",
    "Only tools that were judged to read may be called.",
    _read_only,
    lists=lambda tool: tool.category == "Read",
)
FREEZE = Preset(
    "freeze",
    "Between two moments nothing is changed; reading goes on.",
    _freeze,
    (
        Option("from", "When it begins", example="2026-12-24T18:00:00Z"),
        Option("to", "When it ends", example="2027-01-02T06:00:00Z"),
    ),
)
