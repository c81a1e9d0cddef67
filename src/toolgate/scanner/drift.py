"""What changed since the last scan, told from the definitions that the catalogue kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from toolgate.catalogue.comparing import changes
from toolgate.catalogue.entries import ToolEntry
from toolgate.policy.definition import fingerprint
from toolgate.scanner.findings import Finding
from toolgate.scanner.judging import Report

_FIELDS: Final = (
    ("description-changed", ("description", "title")),
    ("schema-changed", ("inputSchema", "outputSchema")),
    ("annotations-changed", ("annotations",)),
)


def drift(before: Sequence[ToolEntry], report: Report) -> list[Finding]:
    """The findings of a server against what was stored of it; none where nothing was."""
    known = {entry.name: entry for entry in before if entry.definition is not None}
    if not known:
        return []
    now = {tool.name: tool.definition for tool in reversed(report.tools) if tool.name}
    return [*_gone(known, now, report.name), *_new(known, now, report), *_changed(known, now, report.name)]


def _gone(known: Mapping[str, ToolEntry], now: Mapping[str, Mapping[str, object]], server: str) -> Iterator[Finding]:
    for name, entry in known.items():
        if name not in now:
            yield Finding("tool-removed", server, name, "", "is no longer listed", entry.fingerprint)


def _new(known: Mapping[str, ToolEntry], now: Mapping[str, Mapping[str, object]], report: Report) -> Iterator[Finding]:
    categories = {tool.name: tool.classification for tool in report.tools}
    for name, definition in now.items():
        if name not in known:
            judged = categories[name]
            yield Finding(
                "tool-added",
                report.name,
                name,
                "",
                f"is new: {judged.category}, {judged.risk} risk",
                _print(definition),
            )


def _changed(known: Mapping[str, ToolEntry], now: Mapping[str, Mapping[str, object]], server: str) -> Iterator[Finding]:
    for name, definition in now.items():
        old = known[name].definition if name in known else None
        if old is None:
            continue
        for rule, keys in _FIELDS:
            differing = [key for key in keys if old.get(key) != definition.get(key)]
            if differing:
                only = {key: each for key, each in old.items() if key in differing}
                new = {key: definition[key] for key in differing if key in definition}
                detail = f"changed since the last scan: {', '.join(changes(only, new)) or differing[0]}"
                yield Finding(rule, server, name, differing[0], detail, _print(new))


def _print(definition: Mapping[str, object]) -> str:
    """What tells one version from another; "" for one that is too deep to be written."""
    try:
        return fingerprint(definition)
    except (RecursionError, ValueError):
        return ""
