"""The shape of a configuration is its published schema; this module makes sentences of what the schema refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Any

from jsonschema_rs import Draft202012Validator, ValidationError

from toolgate.configuration.nodes import Flaw, Node, Path
from toolgate.store.names import shown

_TYPES = {
    "object": "an object",
    "array": "a list",
    "string": "text",
    "boolean": "true or false",
}


@cache
def schema_text() -> str:
    """The published schema (2020-12) as it is shipped."""
    return files("toolgate.configuration").joinpath("schema.json").read_text(encoding="utf-8")


@cache
def _schema() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(schema_text())
    return loaded


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(_schema())


def find_flaws(root: Node) -> list[Flaw]:
    """Everything that the schema refuses, each with what to write instead."""
    found = [flaw for error in _validator().iter_errors(root.value()) for flaw in _flaws(root, error)]
    return list(dict.fromkeys(found))


def _flaws(root: Node, error: ValidationError) -> Iterator[Flaw]:
    path = tuple(error.instance_path)
    *above, keyword = (str(step) for step in error.schema_path)
    place, node = _subschema(above), root.at(path)
    if keyword == "additionalProperties":
        for key in [key for key in node.entries if key not in place["properties"]]:
            yield _unknown((*path, key), node.at([key]).line, place)
    elif keyword == "required":
        for key in [key for key in place["required"] if key not in node.entries]:
            yield Flaw(path, node.line, f"the key `{key}` is missing", _described(place["properties"][key]))
    else:
        yield Flaw(path, node.line, _cause(keyword, node, place), _mend(keyword, place))


def _subschema(steps: Sequence[str]) -> dict[str, Any]:
    """The part of the schema at a path of its validator, which walks through references."""
    found: Any = _schema()
    for step in steps:
        if step == "$ref":
            found = _schema()["$defs"][found["$ref"].rpartition("/")[2]]
        else:
            found = found[int(step)] if isinstance(found, list) else found[step]
    subschema: dict[str, Any] = found
    return subschema


def _unknown(path: Path, line: int, place: dict[str, Any]) -> Flaw:
    known = list(place["properties"])
    close = get_close_matches(str(path[-1]), known, 1)
    mend = f"did you mean `{close[0]}`?" if close else f"use one of {', '.join(f'`{name}`' for name in known)}"
    return Flaw(path, line, f"the key `{shown(str(path[-1]))}` is not known here", mend)


def _cause(keyword: str, node: Node, place: dict[str, Any]) -> str:
    if keyword in ("oneOf", "not"):
        return str(place["description"])
    if keyword == "dependentRequired":
        return "`client_key` goes together with `client_certificate`"
    if keyword == "type":
        types = place["type"] if isinstance(place["type"], list) else [place["type"]]
        return f"{_written(node)} is not {' or '.join(_TYPES[name] for name in types)}"
    if keyword in ("minLength", "minItems"):
        return "there is nothing in it"
    # A value that may be a secret in the wrong form is not repeated.
    return "the value is not of the form that is expected here"


def _mend(keyword: str, place: dict[str, Any]) -> str:
    return "" if keyword in ("oneOf", "not", "dependentRequired") else _described(place)


def _described(place: dict[str, Any]) -> str:
    """The schema's sentence as errors write theirs."""
    sentence = str(place["description"])
    return sentence[0].lower() + sentence[1:].removesuffix(".")


def _written(node: Node) -> str:
    if node.kind in ("list", "map"):
        return "a list" if node.kind == "list" else "an object"
    return f"`{shown(node.text)}`" if node.text else "nothing"
