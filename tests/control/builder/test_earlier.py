"""A call is tried after others: flows decide as they would through the gateway."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.policy.calling import NOON

from toolgate.control.builder.trial import Tried, try_call
from toolgate.policy.categories import Category
from toolgate.policy.decision import Subject
from toolgate.policy.definition import Tool
from toolgate.policy.document import parse

FLOWS = [
    {"after": ["read_a"], "and_after": ["search_*"], "deny": ["send"], "on_deny": "Enough was read."},
    {"after": [{"category": "Read"}], "deny": ["remove"], "within": "1h"},
]
TOOLS: dict[str, Any] = {name: {} for name in ("read_a", "search_web", "send", "remove")}


def tried(name: str, *earlier: tuple[str, Category | None], **more: Any) -> Tried:
    document = parse(json.dumps({"version": "1", "default": "deny", "tools": TOOLS, "flows": FLOWS, **more}))
    used = [Tool(each, category) for each, category in earlier]
    return try_call(document, name, {}, Subject("g", session_id="s"), NOON, None, None, used)


def test_without_anything_before_a_flow_lets_a_call_pass() -> None:
    result = tried("send")
    assert result.verdict.outcome == "allow"
    assert [step.effect for step in result.steps if step.pointer == "/flows/0"] == ["passes"]


def test_both_legs_together_deny_and_one_alone_does_not() -> None:
    read, searched = ("read_a", None), ("search_web", None)
    assert tried("send", read).verdict.outcome == "allow"
    assert tried("send", searched).verdict.outcome == "allow"
    denied = tried("send", searched, read)
    assert (denied.verdict.outcome, denied.verdict.rule, denied.verdict.message) == (
        "deny",
        "/flows/0",
        "Enough was read.",
    )
    assert [step.effect for step in denied.steps if step.pointer == "/flows/0"] == ["denies"]


def test_a_tool_whose_category_nobody_knows_counts_as_every_category() -> None:
    assert tried("remove", ("unknown", None)).verdict.rule == "/flows/1"
    assert tried("remove", ("known", "Write")).verdict.outcome == "allow"
    assert "for 1 hour" in tried("remove", ("known", "Read")).verdict.message


def test_what_is_denied_otherwise_stays_denied_for_that_reason() -> None:
    result = tried("send", ("read_a", None), ("search_web", None), hide=["send"])
    assert result.verdict.rule == "(hidden)"


def test_a_flow_is_asked_before_a_person_is() -> None:
    waiting = {**TOOLS, "send": {"action": "require_approval"}}
    assert tried("send", tools=waiting).verdict.outcome == "wait"
    assert tried("send", ("read_a", None), ("search_web", None), tools=waiting).verdict.rule == "/flows/0"


@pytest.mark.parametrize(
    ("name", "counts"), [("read_a", ["/flows/0", "/flows/1"]), ("search_web", ["/flows/0", "/flows/1"])]
)
def test_what_a_call_counts_for_is_told_and_is_no_charge(name: str, counts: list[str]) -> None:
    result = tried(name).described()
    assert result["counts_for"] == counts
    assert result["charges"] == []
