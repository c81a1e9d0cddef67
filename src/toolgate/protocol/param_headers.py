"""Which arguments of a tool its input schema has repeated as `Mcp-Param-*` headers (2026-07-28, `x-mcp-header`)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

import jiter

KEY = "x-mcp-header"

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_NUMERAL = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,4})?")
_TYPES = frozenset({"string", "integer", "boolean"})
_LONGEST = 400
"""Characters of a number in a header; every double needs fewer."""

# The keywords of JSON Schema 2020-12 that hold schemas; data (`default`, `enum`, ...) and references hold none.
_ONE = frozenset(
    """items contains unevaluatedItems additionalProperties propertyNames unevaluatedProperties not if then else
    contentSchema""".split()  # noqa: SIM905 - fits on two lines
)
_LIST = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_MAP = frozenset({"patternProperties", "dependentSchemas", "$defs", "definitions"})

_KEPT = 2048
_known: dict[int, tuple[object, tuple[Declared, ...]]] = {}


@dataclass(slots=True, frozen=True)
class Declared:
    """One argument that a header repeats: `path` of property names, `header` as declared and `field` on the wire."""

    path: tuple[str, ...]
    header: str
    field: bytes
    integer: bool


def declared(schema: object) -> tuple[Declared, ...]:
    """The declarations of an input schema; none where one of them is invalid, as clients then drop the tool.

    Remembered by identity (the entry keeps the schema alive): schemas are shared, never changed.
    """
    found = _known.get(id(schema))
    if found is None:
        if len(_known) >= _KEPT:
            _known.clear()
        found = _known[id(schema)] = (schema, _declarations(schema))
    return found[1]


def value_at(arguments: dict[str, object], path: tuple[str, ...]) -> object:
    """The argument at a path of keys; None when it is missing or null."""
    node: object = arguments
    for key in path:
        if not isinstance(node, dict):
            return None
        node = node.get(key)
    return node


def rendering_matches(value: object, text: str, *, integer: bool) -> bool:
    """Whether `text` is how a client repeats the argument `value` in a header; a container or null has no rendering.

    Where the schema says integer, numbers compare by value, so that `42` stands for 42.0.
    """
    if isinstance(value, str):
        return text == value
    if isinstance(value, bool):
        return text == ("true" if value else "false")
    if not isinstance(value, int | jiter.LosslessFloat):
        return False
    numeral = str(value)
    if text == numeral:
        return True
    if (isinstance(value, int) and not integer) or max(len(text), len(numeral)) > _LONGEST:
        return False
    if _DECIMAL.fullmatch(text) is None or _NUMERAL.fullmatch(numeral) is None:
        return False
    return Decimal(text) == Decimal(numeral)


def _declarations(schema: object) -> tuple[Declared, ...]:
    found: dict[bytes, Declared] = {}
    for path, node in _schemas(schema):
        if KEY not in node:
            continue
        parameter = _declaration(path, node)
        if parameter is None or parameter.field in found:
            return ()
        found[parameter.field] = parameter
    return tuple(found.values())


def _declaration(path: tuple[str, ...] | None, node: dict[str, object]) -> Declared | None:
    token, kind = node[KEY], node.get("type")
    if not path or not isinstance(token, str) or _TOKEN.fullmatch(token) is None:
        return None
    if not isinstance(kind, str) or kind not in _TYPES:
        return None
    header = f"Mcp-Param-{token}"
    return Declared(path, header, header.lower().encode(), kind == "integer")


def _schemas(root: object) -> Iterator[tuple[tuple[str, ...] | None, dict[str, object]]]:
    """Every schema within `root`, with its path where only `properties` lead to it, else None."""
    left: list[tuple[tuple[str, ...] | None, object]] = [((), root)]
    while left:
        path, node = left.pop()
        if isinstance(node, dict):
            yield path, node
            for key, value in node.items():
                left += _below(path, key, value)


def _below(path: tuple[str, ...] | None, key: str, value: object) -> Iterator[tuple[tuple[str, ...] | None, object]]:
    if key == "properties" and isinstance(value, dict):
        for name, schema in value.items():
            yield (None if path is None else (*path, name)), schema
    elif key in _ONE:
        yield None, value
    elif key in _LIST and isinstance(value, list):
        for schema in value:
            yield None, schema
    elif key in _MAP and isinstance(value, dict):
        for schema in value.values():
            yield None, schema
