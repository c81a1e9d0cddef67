"""Each lint with a document that it finds and one that it leaves alone."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.policy.calling import rule

from toolgate.policy.definition import Definition
from toolgate.policy.document import parse
from toolgate.policy.lint import is_anchored, lint

TEXT = {"type": "string"}
PAY = {"type": "object", "properties": {"amount": {"type": "number"}, "note": TEXT}, "required": ["amount"]}
SERVER = {"pay": PAY, "read_file": {}, "fetch_url": {}, "send_email": {}}
CALLS = {"counter": "c", "window": "day", "max": 5}
AMOUNT = [rule("args.amount", "gt", 5)]


def found(tools: dict[str, Any], *, server: bool = False, **document: Any) -> set[tuple[str, str]]:
    text = json.dumps({"version": "1", "default": "deny", "tools": tools, **document})
    known = {name: Definition({"name": name, "inputSchema": schema}) for name, schema in SERVER.items()}
    findings = lint(parse(text), known if server else None)
    assert all(finding.cause and finding.mend and finding.severity in ("warning", "note") for finding in findings)
    return {(finding.code, finding.pointer) for finding in findings}


def both(*rules: dict[str, Any]) -> dict[str, Any]:
    return {"conditions": [condition for one in rules for condition in one["conditions"]]}


@pytest.mark.parametrize(
    ("code", "pointer", "bad", "good"),
    [
        (
            "unanchored-regex",
            "/tools/pay/require/0/conditions/0",
            {"require": [rule("args.note", "regex", "[a-z]+")]},
            {"require": [rule("args.note", "regex", "^[a-z]+$")], "deny_if": [rule("args.note", "regex", "x")]},
        ),
        ("always-holds", "/tools/pay/require/0", {"require": [{"conditions": []}]}, {"deny_if": [{"conditions": []}]}),
        (
            "never-fires",
            "/tools/pay/deny_if/0",
            {"deny_if": [both(rule("args.amount", "gt", 10), rule("args.amount", "lt", 5))]},
            {"deny_if": [both(rule("args.amount", "gt", 5), rule("args.amount", "lt", 10))]},
        ),
        (
            "never-fires",
            "/tools/pay/deny_if/0",
            {"deny_if": [both(rule("args.amount", "gt", 5), rule("args.amount", "lte", 5))]},
            {"deny_if": [both(rule("args.amount", "gte", 5), rule("args.amount", "lte", 5))]},
        ),
        (
            "never-fires",
            "/tools/pay/deny_if/0",
            {"deny_if": [both(rule("args.note", "eq", "a"), rule("args.note", "eq", "b"))]},
            {"deny_if": [both(rule("args.note", "eq", "a"), rule("args.note", "neq", "b"))]},
        ),
        (
            "never-fires",
            "/tools/pay/deny_if/0",
            {"deny_if": [rule("args.note", "in", [])]},
            {"deny_if": [rule("args.note", "in", ["a"])]},
        ),
        (
            "never-fires",
            "/tools/pay/deny_if/1",
            {"deny_if": [{"conditions": []}, *AMOUNT]},
            {"deny_if": [*AMOUNT, {"conditions": []}]},
        ),
        (
            "never-fires",
            "/tools/pay/limits",
            {"action": "deny", "limits": [CALLS]},
            {"action": "require_approval", "limits": [CALLS]},
        ),
        (
            "never-holds",
            "/tools/pay/require/0",
            {"require": [rule("time.weekday", "eq", "monday")]},
            {"require": [rule("time.weekday", "eq", 1)]},
        ),
        (
            "unknown-class",
            "/tools/pay/deny_if/0/conditions/0",
            {"deny_if": [rule("tool.category", "in", ["Financial", "destructive"])]},
            {"deny_if": [rule("tool.category", "in", ["Financial", "Destructive"])]},
        ),
        (
            "unknown-class",
            "/tools/pay/require/0/conditions/0",
            {"require": [rule("tool.risk", "eq", "Read")]},
            {"require": [rule("tool.risk", "eq", "Low")]},
        ),
        (
            "never-fires",
            "/tools/pay/deny_if/0",
            {"deny_if": [rule("tool.category", "eq", 5)]},
            {"deny_if": [rule("tool.category", "eq", {"ref": "grant.label"})]},
        ),
        (
            "unchecked-arguments",
            "/tools/pay/schema",
            {"schema": "off", "deny_if": AMOUNT},
            {"schema": "off", "limits": [CALLS]},
        ),
        (
            "shared-maximum",
            "/tools/pay/limits/0",
            {"limits": [CALLS, {**CALLS, "max": 3}]},
            {"limits": [CALLS, {**CALLS, "counter": "d", "max": 3}]},
        ),
    ],
)
def test_a_lint_finds_the_bad_and_leaves_the_good(code: str, pointer: str, bad: Any, good: Any) -> None:
    assert (code, pointer) in found({"pay": bad})
    assert code not in {name for name, _ in found({"pay": good})}


def test_rules_of_a_hidden_tool_never_fire() -> None:
    assert ("never-fires", "/tools/pay") in found({"pay": {"deny_if": AMOUNT}}, hide=["p*"])
    assert ("never-fires", "/tools/pay") not in found({"pay": {"deny_if": AMOUNT}}, hide=["q*"])


def test_a_pattern_that_lists_nothing() -> None:
    assert ("lists-nothing", "/tools/re*") in found({"re*": {"deny_if": AMOUNT}})
    assert ("lists-nothing", "/tools/re*") not in found({"re*": {"deny_if": AMOUNT}, "read_file": {}})
    assert ("lists-nothing", "/tools/re*") not in found({"re*": {"action": "allow"}})
    assert ("lists-nothing", "/tools/re*") not in found({"re*": {"deny_if": AMOUNT}}, default="allow")


def test_a_denial_on_an_optional_argument() -> None:
    place = "optional-argument", "/tools/pay/deny_if/0/conditions/0"
    note = rule("args.note", "contains", "x")
    assert place in found({"pay": {"deny_if": [note]}}, server=True)
    assert place not in found({"pay": {"deny_if": AMOUNT}}, server=True)
    assert not {
        pair
        for pair in found({"pay": {"deny_if": [both(rule("args.note", "exists", True), note)]}}, server=True)
        if pair[0] == "optional-argument"
    }


def test_a_tool_that_the_server_does_not_have() -> None:
    assert ("unknown-tool", "/tools/Pay") in found({"Pay": {}}, server=True)
    assert ("unknown-tool", "/tools/x_*") in found({"x_*": {}}, server=True)
    assert ("unknown-tool", "/hide/0") in found({}, server=True, hide=["gone"])
    assert not found({"pay": {}}, server=True, hide=["send_*", "*"]) & {("unknown-tool", "/tools/pay")}
    assert ("unknown-tool", "/tools/Pay") not in found({"Pay": {}})


def test_a_text_argument_that_no_rule_reads() -> None:
    place = "uncovered-argument", "/tools/pay"
    assert place in found({"pay": {"deny_if": AMOUNT}}, server=True)
    assert place not in found({"pay": {}}, server=True)
    assert place not in found({"pay": {"deny_if": [*AMOUNT, rule("args.note", "contains", "x")]}}, server=True)
    shared = {"pay": {"deny_if": AMOUNT}, "p*": {"deny_if": [rule("args.note", "contains", "x")]}}
    assert place not in found(shared, server=True)


def test_the_lethal_trifecta_in_one_grant() -> None:
    three: dict[str, Any] = {"read_file": {}, "fetch_url": {}, "send_email": {}}
    assert ("lethal-trifecta", "") in found(three, server=True)
    for name in three:
        assert ("lethal-trifecta", "") not in found({key: {} for key in three if key != name}, server=True)
    for stop in ({"action": "deny"}, {"action": "require_approval"}):
        assert ("lethal-trifecta", "") not in found({**three, "send_email": stop}, server=True)
    assert ("lethal-trifecta", "") not in found(three, server=True, hide=["send_*"])


@pytest.mark.parametrize(
    ("pattern", "anchored"),
    [
        ("^a$", True),
        (r"\Aa\z", True),
        ("^(a|b)$", True),
        ("^[|]$", True),
        (r"^a\|b$", True),
        ("a$", False),
        ("^a", False),
        ("^a|b$", False),
        (r"^a\$", False),
        ("", False),
    ],
)
def test_what_counts_as_anchored(pattern: str, anchored: bool) -> None:
    assert is_anchored(pattern) is anchored


def test_a_sound_document_has_no_findings() -> None:
    assert not found({"pay": {"deny_if": [*AMOUNT, rule("args.note", "contains", "x")], "limits": [CALLS]}})
