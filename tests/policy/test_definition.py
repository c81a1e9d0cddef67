"""Definitions: fingerprints, and schemas made strict in every draft."""

from __future__ import annotations

from typing import Any

import pytest
from jiter import LosslessFloat

from toolgate.policy.definition import Definition

TOOL: dict[str, Any] = {
    "name": "pay",
    "title": "Pay",
    "description": "Pays.",
    "inputSchema": {"type": "object"},
    "outputSchema": {"type": "object"},
    "annotations": {"readOnlyHint": False},
}


def test_the_fingerprint_covers_what_a_person_judges_a_tool_by() -> None:
    base = Definition(TOOL).fingerprint
    for key in TOOL:
        assert Definition({**TOOL, key: {"changed": True}}).fingerprint != base
        assert Definition({name: value for name, value in TOOL.items() if name != key}).fingerprint != base
    assert Definition({**TOOL, "icons": [], "_meta": {"x": 1}}).fingerprint == base
    assert Definition(dict(reversed(TOOL.items()))).fingerprint == base


def test_the_fingerprint_tells_a_number_from_its_text() -> None:
    texts = [{"maximum": LosslessFloat(b"1.5")}, {"maximum": "1.5"}, {"maximum": 15}]
    assert len({Definition({**TOOL, "inputSchema": schema}).fingerprint for schema in texts}) == 3


def refusal(schema: object, arguments: dict[str, Any], mode: Any = "auto") -> str:
    return Definition({"name": "t", "inputSchema": schema}).refusal(arguments, mode)


ITEM = {"type": "object", "properties": {"id": {"type": "string"}}}
BASED = {"allOf": [{"$ref": "#/$defs/base"}, {"properties": {"extra": {}}}], "$defs": {"base": ITEM}}
EITHER: dict[str, Any] = {"anyOf": [{"properties": {"a": {}}}, {"properties": {"b": {}}}]}
OLD = "http://json-schema.org/draft-07/schema#"


@pytest.mark.parametrize(
    ("schema", "fits", "undeclared"),
    [
        (ITEM, {"id": "x"}, {"id": "x", "y": 1}),
        ({"properties": {"i": ITEM}}, {"i": {"id": "x"}}, {"i": {"y": 1}}),
        ({"properties": {"l": {"items": ITEM}}}, {"l": [{"id": "x"}]}, {"l": [{"id": "x"}, {"y": 1}]}),
        ({"properties": {"l": {"prefixItems": [ITEM]}}}, {"l": [{"id": "x"}]}, {"l": [{"y": 1}]}),
        ({"properties": {"i": {"$ref": "#/$defs/i"}}, "$defs": {"i": ITEM}}, {"i": {"id": "x"}}, {"i": {"y": 1}}),
        (BASED, {"id": "x", "extra": 1}, {"id": "x", "y": 1}),
        (EITHER, {"a": 1, "b": 1}, {"c": 1}),
        (
            {"properties": {"a": {}}, "if": {"required": ["a"]}, "then": {"properties": {"b": {}}}},
            {"a": 1, "b": 1},
            {"c": 1},
        ),
        ({"properties": {"a": {}}, "patternProperties": {"^x-": {}}}, {"a": 1, "x-y": 1}, {"y": 1}),
        ({"properties": {"a": {}}, "dependentSchemas": {"a": {"properties": {"b": {}}}}}, {"a": 1, "b": 2}, {"c": 1}),
        ({"$schema": OLD, **ITEM}, {"id": "x"}, {"y": 1}),
        (
            {"$schema": OLD, "properties": {"i": {"$ref": "#/definitions/i"}}, "definitions": {"i": ITEM}},
            {"i": {}},
            {"i": {"y": 1}},
        ),
        ({"$schema": OLD, "properties": {"l": {"items": [ITEM]}}}, {"l": [{"id": "x"}]}, {"l": [{"y": 1}]}),
    ],
)
def test_undeclared_properties_are_refused_where_the_schema_lists_some(
    schema: dict[str, Any], fits: dict[str, Any], undeclared: dict[str, Any]
) -> None:
    assert refusal(schema, fits) == ""
    assert "undeclared" in refusal(schema, undeclared)
    assert refusal(schema, undeclared, "declared") == ""


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object"},
        {"properties": {"a": {}}, "additionalProperties": True},
        {"properties": {"a": {}}, "additionalProperties": {"type": "integer"}},
        {"properties": {"a": {}}, "unevaluatedProperties": True},
        {"allOf": [{"properties": {"a": {}}, "additionalProperties": True}]},
    ],
)
def test_what_allows_more_stays_open_but_for_closed(schema: dict[str, Any]) -> None:
    assert refusal(schema, {"y": 1}) == ""
    assert "undeclared" in refusal(schema, {"y": 1}, "closed")


def test_a_property_named_like_a_keyword_is_a_property() -> None:
    schema = {"properties": {"properties": {"type": "object"}, "$ref": {"type": "string"}, "items": {}}}
    assert refusal(schema, {"properties": {"x": 1}, "$ref": "x", "items": 1}) == ""


@pytest.mark.parametrize(
    "schema",
    [
        None,
        True,
        "x",
        {"type": "objct"},
        {"$ref": "https://schemas.example/a.json"},
        {"$ref": "file:///etc/passwd"},
        {"$schema": "https://schemas.example/draft"},
        {"properties": {"a": {"$ref": "#/missing"}}},
        {"properties": {"a": {"$ref": "#anchor"}}},
        {"$dynamicRef": "#x"},
        {"properties": {"a": {"pattern": "(?=x)"}}},
        {"properties": {"a": {"pattern": "("}}},
        {"properties": 5},
    ],
)
def test_a_schema_that_does_not_compile_refuses_every_call(schema: object) -> None:
    assert "cannot be" in refusal(schema, {})


def test_no_schema_is_fetched() -> None:
    import socket

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "socket", lambda *_: pytest.fail("a schema was fetched"))
        assert "cannot be" in refusal({"$ref": "http://127.0.0.1:1/x.json"}, {}, "declared")


def test_numbers_whose_text_is_kept_are_numbers_to_the_schema() -> None:
    schema = {"properties": {"a": {"maximum": 5}, "b": {"type": "integer"}, "c": {"items": {"type": "number"}}}}
    for mode in ("auto", "declared", "closed"):
        assert refusal(schema, {"a": LosslessFloat(b"4.5"), "b": LosslessFloat(b"2.0")}, mode) == ""
        assert "argument `a`" in refusal(schema, {"a": LosslessFloat(b"5.5")}, mode)
        assert "argument `b`" in refusal(schema, {"b": LosslessFloat(b"2.5")}, mode)
        assert refusal(schema, {"c": [LosslessFloat(b"2.5")]}, mode) == ""


def test_a_refusal_names_the_argument_and_never_its_value() -> None:
    schema = {"properties": {"a": {"enum": ["x"]}, "b": {"type": "string", "maxLength": 3}, "c": {"const": "x"}}}
    for key in schema["properties"]:
        message = refusal(schema, {key: "secret"})
        assert f"argument `{key}`" in message
        assert "secret" not in message


def test_a_recursive_schema_is_closed_at_every_depth() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}, "v": {}}}
    schema = {"properties": {"root": {"$ref": "#/$defs/node"}}, "$defs": {"node": node}}
    assert refusal(schema, {"root": {"next": {"next": {"v": 1}}}}) == ""
    assert "undeclared" in refusal(schema, {"root": {"next": {"next": {"w": 1}}}})
