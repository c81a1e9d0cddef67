"""Flows in the form: untouched they stay as written; what somebody writes becomes a flow, what is wrong is told."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.control.builder.filled import filled
from tests.control.builder.test_form import TOOLS, page, sent_back

from toolgate.control.builder.form import form
from toolgate.control.pages.drafting import Draft, edited
from toolgate.errors import ToolgateError

FLOW: dict[str, Any] = {
    "after": ["read_a", {"category": "Read"}, "get_*", {"category": ["Execute", "Write"]}],
    "and_after": [" odd, name"],
    "deny": ["run"],
    "within": "session",
    "on_deny": "a\r\nb",
}

UNMARKED = dict.fromkeys(["flow:0:after:Read", "flow:0:after:Write", "flow:0:after:Execute"])


def document(*flows: Any) -> str:
    return json.dumps({"version": "1", "default": "allow", "flows": list(flows)}, indent=2)


def changed(text: str, **fields: str | None) -> Any:
    """The flows after the form was sent back with some fields changed, or (None) boxes that are not marked any more."""
    sent = filled(page(Draft(text, text, 1)))
    sent |= {name: value for name, value in fields.items() if value is not None}
    sent = {name: value for name, value in sent.items() if fields.get(name, "") is not None}
    moved = edited(Draft(text, text, 1, fields={"do": "apply", **sent}), TOOLS)
    return json.loads(moved.text).get("flows")


ODD = [
    document(FLOW),
    document({"after": ["a,b"], "deny": [{"category": "Read"}]}),
    document({"after": ["a", "a", "[1]"], "deny": ["x\ny", "\u0000"], "within": "1h"}),
    '{"version":"1","default":"deny","flows":[ ]}',
    '{"flows":[{"deny" : [ {"category":["Financial"]},"\\u0061"],"after":[{"category":[ "Read" ]}]}],'
    '"version":"1","default":"deny"}',
]


@pytest.mark.parametrize("text", ODD)
def test_flows_that_nobody_touches_come_back_byte_for_byte(text: str) -> None:
    assert sent_back(text, "") == text


def test_a_name_more_goes_behind_the_names_and_the_rest_keeps_its_place() -> None:
    (flow,) = changed(document(FLOW), **{"flow:0:after": "read_a\r\nget_*\r\nfind"})
    assert flow == {**FLOW, "after": [*FLOW["after"], "find"]}


def test_a_name_less_goes_and_the_categories_stay_as_written() -> None:
    (flow,) = changed(document(FLOW), **{"flow:0:after": "get_*"})
    assert flow["after"] == FLOW["after"][1:]


def test_a_box_that_is_marked_or_not_any_more_changes_the_categories() -> None:
    (more,) = changed(document(FLOW), **{"flow:0:deny:Financial": "on"})
    assert more["deny"] == ["run", {"category": ["Financial"]}]
    (less,) = changed(document(FLOW), **{"flow:0:after:Write": None})
    assert less["after"] == ["read_a", "get_*", {"category": ["Read", "Execute"]}]


def test_the_second_leg_is_given_up_by_emptying_it() -> None:
    (flow,) = changed(document(FLOW), **{"flow:0:and_after": ""})
    assert "and_after" not in flow


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"flow:0:within": "8d"}, "flow:0:within"),
        ({"flow:0:after": "", **UNMARKED}, "flow:0:after"),
        ({"flow:0:deny": ""}, "flow:0:deny"),
        ({"flow:0:deny": "[1"}, "flow:0:deny"),
    ],
)
def test_what_is_no_flow_is_told_at_its_field(fields: dict[str, str | None], place: str) -> None:
    with pytest.raises(ToolgateError) as refused:
        changed(document(FLOW), **fields)
    assert refused.value.place == place


def composed(**fields: str) -> Draft:
    text = '{"version": "1", "default": "deny"}'
    sent = {"do": "add-flow", **{f"newflow:{name}": value for name, value in fields.items()}}
    return edited(Draft(text, text, 1, fields=sent), TOOLS)


def test_a_flow_is_composed_of_names_and_boxes() -> None:
    marked = {"deny:sorts": "", "deny:Destructive": "on", "after:sorts": ""}
    moved = composed(after="read_a, get_*", within="30m", on_deny="No.", **marked)
    assert json.loads(moved.text)["flows"] == [
        {"after": ["read_a", "get_*"], "deny": [{"category": ["Destructive"]}], "within": "30m", "on_deny": "No."}
    ]
    assert not [name for name in moved.fields if name.startswith("newflow")]


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"after": "a"}, "newflow:deny"),
        ({"deny": "a"}, "newflow:after"),
        ({"after": "a", "deny": "b", "within": "soon"}, "newflow:within"),
    ],
)
def test_a_flow_that_says_too_little_is_told_at_its_field(fields: dict[str, str], place: str) -> None:
    with pytest.raises(ToolgateError) as refused:
        composed(**fields)
    assert refused.value.place == place


def told(flow: dict[str, Any]) -> str:
    return str(form(json.loads(document(flow)), ())["flows"][0]["words"])


def test_a_flow_is_told_in_a_sentence() -> None:
    assert told({"after": ["a"], "deny": ["b"], "within": "90m"}) == (
        "after `a` no more `b`, for 90 minutes after the last such call"
    )
    assert told({"after": ["a", {"category": "Read"}], "and_after": ["c_*"], "deny": ["b"]}) == (
        "after `a` or a tool of category `Read`, together with `c_*`, no more `b`, for the rest of the session"
    )
