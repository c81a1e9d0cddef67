"""Hostile definitions: any value anywhere is answered, within a bound of steps."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolgate.classifier.classify import Classification, classify, classify_all
from toolgate.classifier.lexicon import shipped
from toolgate.classifier.parameters import parameters

pytestmark = pytest.mark.slow

STEPS = 60_000
"""Calls of functions that one definition may cost; a plain one costs some hundreds."""


def steps(tool: object) -> tuple[int, list[Classification]]:
    """What classifying costs, counted in calls of functions, and the answer."""
    shipped()
    count = 0

    def note(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        answer = classify_all([tool], "server")  # type: ignore[list-item]
    finally:
        sys.setprofile(None)
    return count, answer


def deep(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"a": schema}, "anyOf": [schema, schema]}
    return schema


RECURSIVE: dict[str, Any] = {
    "properties": {"node": {"$ref": "#/$defs/N"}},
    "$defs": {"N": {"properties": {f"n{each}": {"$ref": "#/$defs/N"} for each in range(50)}}},
}
WORST: dict[str, dict[str, Any]] = {
    "a description of 60,000 characters": {"description": "Delete " * 8_600},
    "one word of 60,000 letters": {"description": "a" * 60_000},
    "60,000 brackets": {"description": "[(<" * 20_000},
    "a description of spaces": {"description": " " * 60_000 + "x"},
    "commas and ands": {"description": "create, " * 7_000},
    "a name of 60,000 letters": {"name": "delete_" * 8_600},
    "a name of one word": {"name": "aB" * 30_000},
    "a schema that refers to itself": {"inputSchema": RECURSIVE},
    "a schema that is its own property": {"inputSchema": {"properties": {"a": {"$ref": "#"}}}},
    "a reference to elsewhere": {"inputSchema": {"properties": {"a": {"$ref": "https://example.org/schema"}}}},
    "a deep schema": {"inputSchema": deep(60)},
    "a wide schema": {"inputSchema": {"properties": {f"file_path_{each}": {} for each in range(50_000)}}},
    "a huge enum": {"inputSchema": {"properties": {"action": {"enum": [f"delete_{n}" for n in range(100_000)]}}}},
    "alternatives without end": {"inputSchema": {"anyOf": [{"anyOf": [{"properties": {"a": {}}}] * 500}] * 500}},
    "keys of a megabyte": {"inputSchema": {"properties": {"k" * 1_000_000: {"properties": {"b": {}, "c": {}}}}}},
    "enums of anything": {"inputSchema": {"properties": {"action": {"enum": [{"a": [1] * 9_999}, None, 5.5, []]}}}},
    "look-alikes and joiners": {"name": "dеlete\u200b\u202e_аll", "description": "\ud800\udfff\x00\x1b[2J" * 999},
}


@pytest.mark.parametrize("what", WORST)
def test_the_worst_definitions_cost_a_bounded_number_of_steps(what: str) -> None:
    count, answer = steps({"name": "tool", **WORST[what]})
    assert count < STEPS
    assert json.dumps(answer[0].facts())
    assert all(len(each) < 1_000 for each in answer[0].evidence)


def test_what_is_quoted_is_short() -> None:
    found = classify({"name": "tool", "description": "Deletes " + "x" * 5_000 + ". This cannot be undone."})
    assert found.category == "Destructive"
    assert all(len(each) <= 200 for each in found.evidence)


def test_a_reference_is_followed_within_the_schema_alone() -> None:
    schema = {
        "properties": {
            "in": {"$ref": "#/$defs/In"},
            "out": {"$ref": "file:///etc/passwd"},
            "bad": {"$ref": "#/no/such"},
        },
        "$defs": {"In": {"type": "object", "properties": {"path": {"type": "string"}}}},
    }
    assert [each.path for each in parameters(schema)] == ["in", "in.path", "out", "bad"]


def test_at_most_400_parameters_of_six_levels_are_seen() -> None:
    assert len(parameters(WORST["a wide schema"]["inputSchema"])) == 400
    assert max(each.path.count(".") for each in parameters(deep(60))) == 5


def test_many_tools_of_one_server_stay_linear() -> None:
    cost = [steps_of([{"name": f"get_{each}_{size}"} for each in range(size)]) for size in (200, 400)]
    assert cost[1] < 2.5 * cost[0]


def steps_of(tools: list[dict[str, Any]]) -> int:
    count = 0

    def note(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        classify_all(tools)
    finally:
        sys.setprofile(None)
    return count


KEYS = [
    "type",
    "enum",
    "items",
    "properties",
    "action",
    "anyOf",
    "oneOf",
    "const",
    "$ref",
    "$defs",
    "description",
    "url",
]
values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["#/$defs", "#", "get"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=20,
)
names = st.text(max_size=30) | st.from_regex(r"[a-zA-Z_.\-]{0,30}", fullmatch=True)
words = st.lists(st.sampled_from(sorted(shipped().forms)) | st.sampled_from(["the", "a", "to", ",", "and", "(", "."]))
tools = st.fixed_dictionaries(
    {},
    optional={
        "name": names | values,
        "description": words.map(" ".join) | st.text(max_size=80) | values,
        "inputSchema": values,
        "annotations": values,
    },
)


@given(tools | values)
def test_any_value_is_answered_within_the_bound(tool: Any) -> None:
    count, (answer,) = steps(tool)
    assert count < STEPS
    assert answer.evidence
    assert json.dumps(answer.facts())


@given(st.lists(tools, max_size=5), st.text(max_size=20))
def test_tools_together_are_answered_one_by_one_and_the_same_way_twice(given: list[Any], server: str) -> None:
    answers = classify_all(given, server)
    assert len(answers) == len(given)
    assert answers == classify_all(given, server)


@given(tools)
def test_a_claim_to_only_read_never_calms_what_something_else_says(tool: dict[str, Any]) -> None:
    plain = classify({**tool, "annotations": None})
    claimed = classify({**tool, "annotations": {"readOnlyHint": True}})
    nothing = plain.evidence == ("nothing in the definition says what it does",)
    assert claimed.category == ("Read" if nothing else plain.category)
