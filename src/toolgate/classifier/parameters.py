"""The parameters of a tool, nested ones by their path: `files[].path`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_DEEPEST = 6
_MOST = 400
_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WORD = re.compile(r"[^\W_]+", re.UNICODE)


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
    """Every declared property, in order; the first 400, six levels deep."""
    found: list[Parameter] = []
    for parameter in _properties(schema, "", _DEEPEST):
        found.append(parameter)
        if len(found) == _MOST:
            break
    return found


def _properties(schema: object, prefix: str, depth: int) -> Iterator[Parameter]:
    declared = schema.get("properties") if isinstance(schema, Mapping) else None
    if not isinstance(declared, Mapping) or not depth:
        return
    for key, value in declared.items():
        name = str(key)
        about = value if isinstance(value, Mapping) else {}
        yield _parameter(prefix + name, name, about)
        yield from _properties(about, f"{prefix}{name}.", depth - 1)
        yield from _properties(about.get("items"), f"{prefix}{name}[].", depth - 1)


def _parameter(path: str, name: str, about: Mapping[str, object]) -> Parameter:
    choices = about.get("enum")
    return Parameter(
        path,
        name,
        kind_of_schema(about),
        text_of(about.get("description")),
        tuple(choices) if isinstance(choices, list) else (),
        words_of(name),
    )


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
    """The words of a name in snake, camel, kebab or dotted spelling, in lower case."""
    return tuple(word.lower() for part in _WORD.findall(name) for word in _BOUNDARY.split(part) if word)


def word_set(words: str) -> frozenset[str]:
    """The words of a list."""
    return frozenset(words.split())
