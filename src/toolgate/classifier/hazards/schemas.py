"""What is dangerous about a schema: it leads elsewhere, into itself, very deep, or is none."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from typing import Final, NoReturn

from toolgate.classifier.hazards.hazard import Hazard, excerpt

DEEP: Final = 20
_MOST: Final = 20_000
_FURTHEST: Final = 200
_REFERENCES: Final = ("$ref", "$dynamicRef", "$recursiveRef")
_VALUES: Final = frozenset({"default", "enum", "const", "examples", "example"})
"""Keywords that hold values of the tool's own, not schemas."""


def schema_hazards(place: str, schema: object) -> Iterator[Hazard]:
    """What of a schema is dangerous; nothing that it refers to is fetched."""
    if not isinstance(schema, Mapping):
        yield Hazard("invalid-schema", place, "is no schema: a schema is an object")
        return
    if schema.get("type", "object") != "object":
        yield Hazard("invalid-schema", place, "does not describe an object, and arguments are one")
        return
    references, depth = _walked(schema)
    outside = [each for each in references if not each.startswith("#")]
    if outside:
        detail = "refers to a schema elsewhere, so what it accepts can change unseen"
        yield Hazard("schema-reference", place, detail, excerpt(outside[0]))
    if depth > DEEP:
        yield Hazard("deep-schema", place, f"is nested {_counted(depth)} levels deep")
    elif not outside and (cause := _fault(schema)):
        detail = "cannot be compiled, so no client can check arguments against it"
        yield Hazard("invalid-schema", place, detail, excerpt(cause))
    if _recursive(schema, references):
        yield Hazard("recursive-schema", place, "contains itself, so arguments may be nested without end")


def _counted(depth: int) -> str:
    return f"more than {_FURTHEST}" if depth >= _FURTHEST else str(depth)


def _walked(schema: Mapping[object, object]) -> tuple[list[str], int]:
    """Every reference, and how deep the schema goes; without recursion, and not without end."""
    references: list[str] = []
    waiting: list[tuple[object, int]] = [(schema, 1)]
    deepest = seen = 0
    while waiting and seen < _MOST and deepest < _FURTHEST:
        value, depth = waiting.pop()
        seen += 1
        deepest = max(deepest, depth)
        if isinstance(value, Mapping):
            references += [value[key] for key in _REFERENCES if isinstance(value.get(key), str)]
            waiting += [(each, depth + 1) for key, each in value.items() if key not in _VALUES]
        elif isinstance(value, list):
            waiting += [(each, depth) for each in value]
    return references, deepest


def _recursive(schema: Mapping[object, object], references: list[str]) -> bool:
    """Whether a reference leads to something that leads to the same reference."""
    inside = {each: _inside(schema, each) for each in dict.fromkeys(references[:500]) if each.startswith("#")}
    return any(_reaches(inside, each) for each in inside)


def _inside(schema: Mapping[object, object], reference: str) -> list[str]:
    target: object = schema
    for step in reference.removeprefix("#").split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        target = target.get(key) if isinstance(target, Mapping) else None
    return _walked(target)[0] if isinstance(target, Mapping) else []


def _reaches(inside: Mapping[str, list[str]], start: str) -> bool:
    waiting, seen = list(inside[start]), set[str]()
    while waiting:
        each = waiting.pop()
        if each == start:
            return True
        if each not in seen:
            seen.add(each)
            waiting += inside.get(each, [])
    return False


def _fault(schema: Mapping[object, object]) -> str:
    """Why a schema is none; "" where it is one."""
    # Imported here: the library costs 4 MB, and the gateway classifies without judging schemas.
    library = importlib.import_module("jsonschema_rs")
    try:
        library.validator_for(dict(schema), validate_formats=False, retriever=_refuse)
    except (library.ValidationError, library.ReferencingError, ValueError, TypeError, RecursionError) as error:
        return " ".join(str(error).split()) or "it is no schema"
    return ""


def _refuse(uri: str) -> NoReturn:
    raise ValueError(f"`{uri}` is outside the schema")


def accepts_undeclared(schema: object) -> bool:
    """Whether arguments that the schema does not name are welcome, because it says so."""
    further = schema.get("additionalProperties") if isinstance(schema, Mapping) else None
    return further is True or isinstance(further, Mapping)


def is_open(schema: object) -> bool:
    """Whether the schema lets undeclared arguments pass because it does not forbid them."""
    if not isinstance(schema, Mapping) or accepts_undeclared(schema):
        return False
    return "additionalProperties" not in schema and schema.get("unevaluatedProperties") is not False
