"""What differs between two definitions of a tool, in words. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final

from toolgate.store.names import shown

MOST: Final = 20
"""Differences that are named."""
_PLAIN: Final = {
    "title": "title",
    "description": "description",
    "outputSchema": "schema of its answer",
    "annotations": "annotations",
}


def changes(before: Mapping[str, object], after: Mapping[str, object]) -> tuple[str, ...]:
    """Each piece of the definition that differs, parameters by their names; the first 20."""
    return tuple(islice(_changes(before, after), MOST))


def _changes(before: Mapping[str, object], after: Mapping[str, object]) -> Iterator[str]:
    yield from (word for key, word in _PLAIN.items() if before.get(key) != after.get(key))
    old, new = before.get("inputSchema"), after.get("inputSchema")
    if old == new:
        return
    had, has = _declared(old), _declared(new)
    yield from _of_parameters(had, has)
    if _rest(old) != _rest(new):
        yield "schema of its arguments"


def _of_parameters(had: Mapping[str, object], has: Mapping[str, object]) -> Iterator[str]:
    for name in dict.fromkeys((*had, *has)):
        if name not in had:
            yield f"parameter `{shown(name)}` added"
        elif name not in has:
            yield f"parameter `{shown(name)}` removed"
        elif had[name] != has[name]:
            yield f"parameter `{shown(name)}`"


def _declared(schema: object) -> Mapping[str, object]:
    declared = schema.get("properties") if isinstance(schema, Mapping) else None
    return declared if isinstance(declared, Mapping) else {}


def _rest(schema: object) -> object:
    return {**schema, "properties": None} if isinstance(schema, Mapping) else schema
