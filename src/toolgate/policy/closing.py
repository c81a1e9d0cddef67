"""A tool's schema made strict: properties that it does not declare are refused.

Works in every draft: where a place of the schema lists properties, all names that it and what it joins (`allOf`,
`$ref`, ...) declare are written beside it with `additionalProperties: false`.
"""

from __future__ import annotations

from typing import Any

_JOINED_LISTS = ("allOf", "anyOf", "oneOf")
_JOINED = ("then", "else")
_OPENERS = ("additionalProperties", "unevaluatedProperties")
_FOREIGN = ("$dynamicRef", "$recursiveRef")


class CannotClose(ValueError):
    """The schema refers to something whose properties cannot be told; the text says to what."""


def close(schema: dict[str, Any], *, overrule: bool) -> dict[str, Any]:
    """A strict copy. `overrule` also closes the root always, and places that allow more by their own words."""
    closer = _Closer(schema, overrule)
    closed = closer.copy(schema, place=True)
    assert type(closed) is dict
    if overrule and closed.get("additionalProperties") is not False:
        names, patterns, _ = closer.declared(schema, frozenset())
        _seal(closed, names, patterns)
    return closed


class _Closer:
    def __init__(self, root: dict[str, Any], overrule: bool) -> None:
        self._root = root
        self._overrule = overrule

    def copy(self, schema: Any, *, place: bool) -> Any:
        """`place`: whether values stand here, so that it is closed; else it is joined to a place that is."""
        if type(schema) is not dict:
            return schema
        closed = {keyword: self._descend(keyword, value) for keyword, value in schema.items()}
        if place:
            names, patterns, opens = self.declared(schema, frozenset())
            if (names or patterns) and (self._overrule or not opens):
                _seal(closed, names, patterns)
        return closed

    def _descend(self, keyword: str, value: Any) -> Any:
        if keyword in ("properties", "patternProperties") and type(value) is dict:
            return {key: self.copy(item, place=True) for key, item in value.items()}
        if keyword in ("$defs", "definitions", "dependentSchemas") and type(value) is dict:
            return {key: self.copy(item, place=False) for key, item in value.items()}
        if keyword in _JOINED_LISTS and type(value) is list:
            return [self.copy(item, place=False) for item in value]
        if keyword in _JOINED:
            return self.copy(value, place=False)
        if keyword in ("items", "prefixItems", "additionalItems", "unevaluatedItems", *_OPENERS):
            many = type(value) is list
            return [self.copy(item, place=True) for item in value] if many else self.copy(value, place=True)
        return value

    def declared(self, schema: Any, seen: frozenset[str]) -> tuple[set[str], set[str], bool]:
        """Names and patterns of properties declared here and in what is joined, and whether more are allowed."""
        if type(schema) is not dict:
            return set(), set(), False
        names = set(_object(schema, "properties"))
        patterns = set(_object(schema, "patternProperties"))
        opens = any(schema.get(keyword, False) is not False for keyword in _OPENERS)
        for joined, trail in self._joined(schema, seen):
            more_names, more_patterns, more = self.declared(joined, trail)
            names |= more_names
            patterns |= more_patterns
            opens = opens or more
        return names, patterns, opens

    def _joined(self, schema: dict[str, Any], seen: frozenset[str]) -> list[tuple[Any, frozenset[str]]]:
        if any(keyword in schema for keyword in _FOREIGN):
            raise CannotClose("a dynamic reference")
        found = [(item, seen) for keyword in _JOINED_LISTS for item in schema.get(keyword) or ()]
        found += [(schema[keyword], seen) for keyword in _JOINED if keyword in schema]
        found += [(item, seen) for item in _object(schema, "dependentSchemas").values()]
        reference = schema.get("$ref")
        if type(reference) is str and reference not in seen:
            found.append((self._resolve(reference), seen | {reference}))
        return found

    def _resolve(self, reference: str) -> Any:
        """Only pointers into this very schema: nothing else is at hand."""
        target: Any = self._root
        if reference != "#" and not reference.startswith("#/"):
            raise CannotClose(f"the reference `{reference}`")
        for token in reference.split("/")[1:]:
            key = token.replace("~1", "/").replace("~0", "~")
            if type(target) is not dict or key not in target:
                raise CannotClose(f"the reference `{reference}`")
            target = target[key]
        return target


def _object(schema: dict[str, Any], keyword: str) -> dict[str, Any]:
    value = schema.get(keyword)
    return value if type(value) is dict else {}


def _seal(closed: dict[str, Any], names: set[str], patterns: set[str]) -> None:
    reference = closed.pop("$ref", None)
    if reference is not None:  # older drafts ignore what stands beside `$ref`
        closed["allOf"] = [*closed.get("allOf", ()), {"$ref": reference}]
    closed["properties"] = {**{name: {} for name in sorted(names)}, **_object(closed, "properties")}
    if patterns:
        closed["patternProperties"] = {
            **{pattern: {} for pattern in sorted(patterns)},
            **_object(closed, "patternProperties"),
        }
    closed["additionalProperties"] = False
