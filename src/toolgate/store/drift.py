"""What changed in a tool's definition, as a person reads it: place by place, long texts by sentences. Pure."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final, TypeAlias

from toolgate.store.differences import Difference, differences

Line: TypeAlias = tuple[str, str]
"""A sign (`+`, `-`, space, or `…` for what is left out) and a text."""

PLACES: Final = 60
"""Changed places of one tool that are shown."""
LINES: Final = 200
"""Lines of one place that are shown."""
_COMPARED: Final = 1000
_WIDTH: Final = 400
_SENTENCE: Final = re.compile(r"(?<=[.!?;:])\s+|\n")


def changed_places(before: object, after: object) -> list[dict[str, Any]]:
    """The places at which two definitions differ."""
    return places(differences(before, after))


def places(differing: Iterable[Difference]) -> list[dict[str, Any]]:
    """Each changed place (`description`, `inputSchema › properties › path`) with the lines that went and came."""
    found: list[dict[str, Any]] = []
    for one in differing:
        if len(found) == PLACES:
            found.append({"place": "and more", "kind": "changed", "lines": [("…", "further places changed too")]})
            break
        had, has = one["kind"] != "added", one["kind"] != "removed"
        lines = list(_lines(one.get("before"), one.get("after"), had, has))
        found.append({"place": _place(one["pointer"]), "kind": one["kind"], "lines": _bounded(lines)})
    return found


def _place(pointer: str) -> str:
    parts = (part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:])
    return " › ".join(parts) or "definition"


def _lines(before: object, after: object, had: bool, has: bool) -> Iterator[Line]:
    old, new = _pieces(before) if had else [], _pieces(after) if has else []
    if not (old and new) or max(len(old), len(new)) > _COMPARED:
        yield from (("-", piece) for piece in old)
        yield from (("+", piece) for piece in new)
        return
    for kind, old_from, old_to, new_from, new_to in difflib.SequenceMatcher(None, old, new, False).get_opcodes():
        if kind == "equal":
            yield from _same(old[old_from:old_to])
        else:
            yield from (("-", piece) for piece in old[old_from:old_to])
            yield from (("+", piece) for piece in new[new_from:new_to])


def _same(pieces: list[str]) -> Iterator[Line]:
    """What did not change: its ends alone where it is long."""
    if len(pieces) <= 4:
        yield from ((" ", piece) for piece in pieces)
        return
    yield " ", pieces[0]
    yield "…", f"{len(pieces) - 2} lines are the same"
    yield " ", pieces[-1]


def _pieces(value: object) -> list[str]:
    """A text by its sentences and lines, everything else by the lines of its JSON; no piece is wider than a screen."""
    if isinstance(value, str):
        parts = [part for part in _SENTENCE.split(value) if part] or [""]
    else:
        parts = json.dumps(value, indent=2, ensure_ascii=False).splitlines()
    return [part[start : start + _WIDTH] for part in parts for start in range(0, max(len(part), 1), _WIDTH)]


def _bounded(lines: list[Line]) -> list[Line]:
    if len(lines) <= LINES:
        return lines
    return [*lines[:LINES], ("…", f"{len(lines) - LINES} further lines")]
