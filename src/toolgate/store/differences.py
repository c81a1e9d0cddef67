"""How two JSON values differ: place by place, and as lines. Pure."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from typing import Any, Final

MOST_LINES: Final = 4000
"""Of each text: comparing longer ones takes too long."""

Difference = dict[str, Any]


def differences(before: object, after: object, pointer: str = "") -> Iterator[Difference]:
    """Each place (RFC 6901) at which they differ; of lists those items that differ at the same place."""
    if isinstance(before, dict) and isinstance(after, dict):
        yield from _of_objects(before, after, pointer)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _of_lists(before, after, pointer)
    elif type(before) is not type(after) or before != after:
        yield {"pointer": pointer, "kind": "changed", "before": before, "after": after}


def _of_objects(before: dict[str, Any], after: dict[str, Any], pointer: str) -> Iterator[Difference]:
    for key in [*before, *(key for key in after if key not in before)]:
        place = f"{pointer}/{_escaped(key)}"
        if key not in after:
            yield {"pointer": place, "kind": "removed", "before": before[key]}
        elif key not in before:
            yield {"pointer": place, "kind": "added", "after": after[key]}
        else:
            yield from differences(before[key], after[key], place)


def _of_lists(before: list[Any], after: list[Any], pointer: str) -> Iterator[Difference]:
    for place, (old, new) in enumerate(zip(before, after, strict=False)):
        yield from differences(old, new, f"{pointer}/{place}")
    for place in range(len(after), len(before)):
        yield {"pointer": f"{pointer}/{place}", "kind": "removed", "before": before[place]}
    for place in range(len(before), len(after)):
        yield {"pointer": f"{pointer}/{place}", "kind": "added", "after": after[place]}


def unified(before: str, after: str, names: tuple[str, str]) -> str | None:
    """The two texts as `diff -u` shows them, "" when they are equal; None when they are too long."""
    old, new = before.splitlines(), after.splitlines()
    if max(len(old), len(new)) > MOST_LINES:
        return None
    return "\n".join(difflib.unified_diff(old, new, *names, lineterm=""))


def laid_out(value: object) -> str:
    """A JSON value with a line for each part."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
