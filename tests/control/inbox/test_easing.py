"""Edits that let calls like this one pass: no wider than they say, and offered only where they work."""

from __future__ import annotations

import json
from typing import Any

import pytest

from toolgate.control.builder.trial import read_arguments
from toolgate.control.inbox.easing import Asked, Ease, eases
from toolgate.policy.compiler import compile_policy
from toolgate.policy.decision import Subject
from toolgate.policy.definition import Definition
from toolgate.policy.document import parse

TOOL: Any = {
    "name": "pay",
    "inputSchema": {
        "type": "object",
        "properties": {"amount": {"type": "number"}, "to": {"type": "string"}, "memo": {"type": "string"}},
    },
}
CALL = '{"amount": 20000, "to": "ACME"}'
ALWAYS = {"action": "require_approval", "reason": "Mind."}
ABOVE: Any = {
    "require_approval": [
        {"conditions": [{"path": "args.amount", "op": "gt", "value": 10000}], "timeout": "2h", "on_deny": "A lot."}
    ]
}


def policy(entry: Any, **more: Any) -> str:
    return json.dumps({"version": "1", "default": "allow", "tools": {"pay": entry}, **more}, indent=2)


def asked(rule: str = "/tools/pay/action", call: str = CALL, tool: Any = TOOL) -> Asked:
    return Asked("pay", read_arguments(call), rule, Subject("g"), tool, 1_000_000.0)


def found(text: str, about: Asked) -> dict[str, Ease]:
    return {ease.key: ease for ease in eases(text, about)}


def outcome(text: str, call: str) -> str:
    return compile_policy(parse(text)).judge("pay", read_arguments(call), Subject("g"), 0.0, Definition(TOOL)).outcome


def test_an_action_becomes_a_rule_for_larger_amounts() -> None:
    ease = found(policy(ALWAYS), asked())["upto:amount"]
    assert ease.words.startswith("`amount` up to 20000,")
    entry = json.loads(ease.text)["tools"]["pay"]
    condition = {"path": "args.amount", "op": "gt", "value": 20000}
    assert entry == {"require_approval": [{"conditions": [condition], "on_deny": "Mind."}]}
    assert outcome(ease.text, '{"amount": 20000, "to": "anybody"}') == "allow"
    assert outcome(ease.text, '{"amount": 20000.01, "to": "ACME"}') == "wait"
    assert outcome(ease.text, '{"to": "ACME"}') == "wait"


def test_a_threshold_is_moved_and_the_rest_of_its_rule_stays() -> None:
    ease = found(policy(ABOVE), asked("/tools/pay/require_approval/0"))["upto:amount"]
    (rule,) = json.loads(ease.text)["tools"]["pay"]["require_approval"]
    assert rule["conditions"] == [{"path": "args.amount", "op": "gt", "value": 20000}]
    assert (rule["timeout"], rule["on_deny"]) == ("2h", "A lot.")


@pytest.mark.parametrize(("entry", "rule"), [(ALWAYS, "/tools/pay/action"), (ABOVE, "/tools/pay/require_approval/0")])
def test_exactly_these_arguments_means_these_and_no_others(entry: Any, rule: str) -> None:
    ease = found(policy(entry), asked(rule))["exactly"]
    assert outcome(ease.text, CALL) == "allow"
    assert outcome(ease.text, '{"to": "ACME", "amount": 20000.0}') == "allow"
    for other in (
        '{"amount": 20001, "to": "ACME"}',
        '{"amount": 20000, "to": "Bob"}',
        '{"amount": 20000, "to": "ACME", "memo": "x"}',
        '{"amount": 20000, "to": "ACME", "memo": null}',
        '{"amount": "20000", "to": "ACME"}',
        '{"amount": 20000}',
    ):
        assert outcome(ease.text, other) in {"wait", "deny"}


def test_the_rest_of_the_policy_stays_as_it_is_written() -> None:
    before = '{ "version":"1",\n\t"default" : "deny", "tools": {"look": {}, "pay": {"action": "require_approval"} } }\n'
    after = found(before, asked())["upto:amount"].text
    start, end = before.split('"pay": ')[0], " } }\n"
    assert after.startswith(start)
    assert after.endswith(end)


@pytest.mark.parametrize(
    ("text", "about"),
    [
        (policy({}, tools={"pa*": ALWAYS}), asked("/tools/pa*/action")),
        (policy({}, all_tools=ABOVE), asked("/all_tools/require_approval/0")),
        (policy({}), asked()),
        (policy(ABOVE), asked("/tools/pay/require_approval/1")),
        (policy(ALWAYS), asked("(default deny)")),
        (policy(ALWAYS), asked(call='{"to": {"name": "ACME"}}')),
        (policy(ALWAYS, all_tools=ABOVE), asked(tool=None)),
        (policy(ALWAYS), asked(call="{}")),
        (policy({**ALWAYS, "limits": []}, tools={"pay": ALWAYS, "*": ALWAYS}), asked()),
    ],
)
def test_what_would_not_help_or_could_not_be_said_narrowly_is_not_offered(text: str, about: Asked) -> None:
    assert eases(text, about) == []


def test_exactly_is_not_offered_where_unknown_arguments_could_come_along() -> None:
    loose = {**TOOL, "inputSchema": {**TOOL["inputSchema"], "additionalProperties": True}}
    assert "exactly" not in found(policy(ALWAYS), asked(tool=loose))
    assert "exactly" not in found(policy(ALWAYS), asked(tool=None))


def test_names_of_arguments_that_are_no_plain_words_are_quoted() -> None:
    tool = {"name": "pay", "inputSchema": {"type": "object", "properties": {"a.b": {"type": "number"}}}}
    ease = found(policy(ALWAYS), asked(call='{"a.b": 5}', tool=tool))["upto:a.b"]
    assert json.loads(ease.text)["tools"]["pay"]["require_approval"][0]["conditions"][0]["path"] == 'args["a.b"]'
