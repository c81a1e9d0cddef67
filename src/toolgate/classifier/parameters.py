"""The parameters of a tool, nested ones by their path: `files[].path`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

_DEEPEST = 6
_MOST = 400
_STEPS, _BRANCHES = 2_000, 40
"""Schemas and properties that are looked at for one tool, alternatives of one of them: what branches ends here."""
_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WORD = re.compile(r"[^\W_]+", re.UNICODE)
_LONGEST, _LONGEST_KEY = 512, 256
_ALTERNATIVES = frozenset({"anyOf", "oneOf", "allOf"})


@dataclass(slots=True, frozen=True)
class Parameter:
    """One property that a schema declares. `kind` is its JSON type, "" where the schema does not say."""

    path: str
    name: str
    kind: str
    description: str
    choices: tuple[object, ...]
    words: tuple[str, ...]


def parameters(schema: object) -> list[Parameter]:
    """Every declared property, in order; the first 400, six levels deep.

    References are followed within the schema only, nothing is fetched. A property of several alternatives counts once,
    with the choices of all.
    """
    walk = _Walk(schema)
    found: dict[str, Parameter] = {}
    for parameter in walk.properties(schema, "", _DEEPEST):
        known = found.setdefault(parameter.path, parameter)
        if known is not parameter and known.choices and len(known.choices) < _MOST:
            found[parameter.path] = replace(known, choices=(*known.choices, *parameter.choices))
        if len(found) == _MOST:
            break
    return list(found.values())


class _Walk:
    """One walk through a schema, with the number of steps that it may still take."""

    def __init__(self, root: object) -> None:
        self.root = root
        self.steps = _STEPS

    def properties(self, schema: object, prefix: str, depth: int) -> Iterator[Parameter]:
        for part in self.parts(schema, depth):
            declared = part.get("properties")
            if isinstance(declared, Mapping):
                yield from self._declared(declared, prefix, depth)

    def _declared(self, declared: Mapping[object, object], prefix: str, depth: int) -> Iterator[Parameter]:
        for key, value in declared.items():
            self.steps -= 1
            if self.steps < 0:
                return
            name = str(key)[:_LONGEST_KEY]
            about = self.resolved(value)
            yield _parameter(prefix + name, name, about, self.choices(about))
            if "properties" in about or not _ALTERNATIVES.isdisjoint(about):
                yield from self.properties(about, f"{prefix}{name}.", depth - 1)
            if "items" in about:
                yield from self.properties(about["items"], f"{prefix}{name}[].", depth - 1)

    def parts(self, schema: object, depth: int) -> Iterator[Mapping[str, object]]:
        """A schema and its alternatives."""
        self.steps -= 1
        if depth <= 0 or self.steps < 0 or not isinstance(schema, Mapping):
            return
        about = self.resolved(schema)
        yield about
        for word in sorted(_ALTERNATIVES.intersection(about)):
            others = about.get(word)
            if isinstance(others, list):
                for other in others[:_BRANCHES]:
                    yield from self.parts(other, depth - 1)

    def resolved(self, schema: object) -> Mapping[str, object]:
        """What a reference within the schema refers to; any other schema is itself, and what is none is empty."""
        about = schema if isinstance(schema, Mapping) else {}
        target = about.get("$ref")
        if not isinstance(target, str):
            return about
        found = self.root
        for step in target.split("/")[1:8] if target.startswith("#/") else ():
            found = found.get(step) if isinstance(found, Mapping) else None
        return found if isinstance(found, Mapping) and found is not self.root else {}

    def choices(self, about: Mapping[str, object]) -> tuple[object, ...]:
        """The values that a property may have, as `enum`, `const` or alternatives of them list them."""
        if _ALTERNATIVES.isdisjoint(about):
            return tuple(_values(about))
        return tuple(value for part in self.parts(about, 2) for value in _values(part))


def _values(about: Mapping[str, object]) -> list[object]:
    listed = about.get("enum")
    if isinstance(listed, list):
        return listed[:_MOST]
    return [about["const"]] if "const" in about else []


def _parameter(path: str, name: str, about: Mapping[str, object], choices: tuple[object, ...]) -> Parameter:
    described = text_of(about.get("description"))
    return Parameter(path, name, kind_of_schema(about), described, choices, words_of(name))


def kind_of_schema(about: Mapping[str, object]) -> str:
    """The one JSON type that a schema names beside null; "" where there is none or there are several."""
    kind = about.get("type")
    kinds = [kind] if isinstance(kind, str) else kind if isinstance(kind, list) else []
    others = [each for each in kinds if each != "null"]
    return str(others[0]) if len(others) == 1 else ""


def text_of(value: object) -> str:
    """The text that stands where a text should; "" for anything else."""
    return value if isinstance(value, str) else ""


def words_of(name: str) -> tuple[str, ...]:
    """The words of a name in snake, camel, kebab or dotted spelling, in lower case; of its first 512 characters."""
    return _split(name[:_LONGEST])


@lru_cache(maxsize=8192)
def _split(name: str) -> tuple[str, ...]:
    return tuple(word.lower() for part in _WORD.findall(name) for word in _BOUNDARY.split(part) if word)


def word_set(words: str) -> frozenset[str]:
    """The words of a list."""
    return frozenset(words.split())
