"""The operators of the base grammar and the plain typed ones: one row for each sentence of the specification."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.policy.calling import call, policy_of, rule, verdict_of

from toolgate.policy.categories import Category
from toolgate.policy.decision import Subject
from toolgate.policy.paths import BadPath, parse_path
from toolgate.policy.regexes import flags_of

BIG = "9007199254740993"


@pytest.mark.parametrize(
    ("op", "value", "arguments", "wanted"),
    [
        ("eq", 1, '{"a": 1.0}', True),
        ("eq", 1, '{"a": 1e0}', True),
        ("eq", 1, '{"a": 2}', False),
        ("eq", 1, '{"a": true}', None),
        ("eq", 1, '{"a": "1"}', None),
        ("eq", True, '{"a": 1}', None),
        ("eq", "x", '{"a": ["x"]}', None),
        ("eq", None, '{"a": null}', True),
        ("eq", None, '{"a": 0}', None),
        ("eq", None, "{}", None),
        ("eq", 0, '{"a": -0.0}', True),
        ("neq", "x", '{"a": "y"}', True),
        ("neq", "x", '{"a": "x"}', False),
        ("neq", "x", '{"a": 1}', None),
        ("neq", None, '{"a": null}', False),
        ("lt", 10, '{"a": 9.5}', True),
        ("lt", 10, '{"a": 10}', False),
        ("lte", 10, '{"a": 10.0}', True),
        ("gt", 10000, '{"a": 10001}', True),
        ("gt", 10000, '{"a": "10001"}', None),
        ("gt", 10000, "{}", None),
        ("gt", 100, '{"a": 100.00000000000000001}', None),
        ("gt", 0, '{"a": ' + BIG + "}", None),
        ("gt", 0, '{"a": 1e400}', None),
        ("gt", 0, '{"a": 1e31}', True),
        ("gt", 0, '{"a": 1e32}', None),
        ("gt", 0, '{"a": 0.' + "0" * 33 + "1}", None),
        ("gte", 0.1, '{"a": 0.1}', True),
        ("gt", "2026-01-01", '{"a": "2026-01-02"}', True),
        ("gt", "b", '{"a": "a"}', False),
        ("in", ["usd", "eur"], '{"a": "eur"}', True),
        ("in", ["usd", "eur"], '{"a": "EUR"}', False),
        ("in", ["usd", "eur"], '{"a": ["eur"]}', None),
        ("in", ["usd", 1], '{"a": 1.0}', True),
        ("in", ["usd", 1], '{"a": true}', None),
        ("in", ["usd", None], '{"a": null}', True),
        ("in", [], '{"a": "x"}', False),
        ("not_in", ["usd"], '{"a": "eur"}', True),
        ("not_in", ["usd"], '{"a": 5}', None),
        ("not_in", ["usd"], "{}", None),
        ("exists", True, '{"a": 0}', True),
        ("exists", True, "{}", False),
        ("exists", False, "{}", True),
        ("exists", True, '{"a": null}', None),
        ("exists", False, '{"a": null}', None),
        ("exists", True, '{"A": 1}', None),
        ("exists", True, '{"a": 1, "A": 1}', None),
        ("regex", "b", '{"a": "abc"}', True),
        ("regex", "^b", '{"a": "abc"}', False),
        ("regex", "^abc$", '{"a": "abc\\n"}', False),
        ("regex", "c$", '{"a": "abc\\n"}', False),
        ("regex", "a", '{"a": 5}', None),
        ("regex", "^\\d+$", '{"a": "٣"}', False),
        ("regex", "(?i)^kill$", '{"a": "\u212aill"}', None),
        ("regex", "(?i)^kill$", '{"a": "KILL"}', True),
        ("full_match", "ab|abc", '{"a": "abc"}', True),
        ("full_match", "b", '{"a": "abc"}', False),
        ("full_match", "a|b", '{"a": "bx"}', False),
        ("contains", "b", '{"a": "abc"}', True),
        ("contains", "b", '{"a": ["a", "b"]}', True),
        ("contains", "b", '{"a": ["bb"]}', False),
        ("contains", "b", '{"a": []}', False),
        ("contains", "b", '{"a": ["a", 1]}', None),
        ("contains", "b", '{"a": [["b"]]}', None),
        ("contains", 1, '{"a": "1"}', None),
        ("contains", 1, '{"a": [2, 1.0]}', True),
        ("starts_with", "docs://", '{"a": "docs://x"}', True),
        ("starts_with", "docs://", '{"a": "Docs://x"}', False),
        ("ends_with", ".txt", '{"a": "x.txt"}', True),
        ("ends_with", ".txt", '{"a": "x.txt\\n"}', False),
        ("ends_with", ".txt", '{"a": 1}', None),
        ("length_lte", 3, '{"a": "äöü"}', True),
        ("length_lte", 3, '{"a": "abcd"}', False),
        ("length_lte", 1, '{"a": [1, 2]}', False),
        ("length_lte", 1, '{"a": {}}', None),
        ("length_lte", 1, '{"a": 1}', None),
    ],
)
def test_operator(op: str, value: object, arguments: str, wanted: bool | None) -> None:
    assert verdict_of(rule("args.a", op, value), arguments) is wanted


@pytest.mark.parametrize(
    ("path", "arguments", "wanted"),
    [
        ("args.a.b", '{"a": {"b": 1}}', True),
        ("args.a.b", '{"a.b": 1}', None),
        ('args["a.b"]', '{"a.b": 1}', True),
        ('args["a.b"]', '{"a": {"b": 1}}', None),
        ('args["a\\"]"]', '{"a\\"]": 1}', True),
        ("args.a[0]", '{"a": [1, 2]}', True),
        ("args.a[1]", '{"a": [1]}', None),
        ("args.a[0]", '{"a": {"0": 1}}', None),
        ("args.a.0", '{"a": [1]}', None),
        ("args.a.b", '{"a": [{"b": 1}]}', None),
        ("args.a.b", '{"a": "b"}', None),
        ("args.a.b", '{"a": null}', None),
        ("args.a.b", '{"a": {"b": 1, "B": 2}}', None),
        ("args.a.b", '{"a": {"B": 1}}', None),
        ("args.a", '{"a": 1, "ａ": 2}', None),
        ("args.k", '{"\u212a": 1}', None),
        ("args.s", '{"s": 1, "\u017f": 2}', None),
        ("args.__proto__.a", '{"a": 1}', None),
        ("args.a", '{"__proto__": {"a": 1}}', None),
        ("args.constructor", "{}", None),
    ],
)
def test_path(path: str, arguments: str, wanted: bool | None) -> None:
    assert verdict_of(rule(path, "eq", 1), arguments) is wanted


def test_a_literal_brackets_key_and_an_index_differ() -> None:
    assert verdict_of(rule('args["a"]["0"]', "eq", 1), '{"a": {"0": 1}}') is True


@pytest.mark.parametrize(
    "path",
    [
        *("", "args", "arg.x", "args.", "args..a", "args[0]", "args[*]", "args.a[", "args.a[-1]", "args.a[01]"),
        *("args.a[x]", 'args["a', 'args["a"', "args.a]b", "grant", "grant.labels", "grant.labels.a.b", "time.minute"),
        *("env.HOME", "args.a[99999999999]", "ARGS.a", " args.a"),
    ],
)
def test_a_path_that_means_nothing_is_refused(path: str) -> None:
    with pytest.raises(BadPath):
        parse_path(path)


EACH = [
    {"path": "args.items[*].to", "op": "ends_with", "value": "@example.com"},
    {"path": "args.items[*].amount", "op": "lte", "value": 10},
]


@pytest.mark.parametrize(
    ("arguments", "required", "denied"),
    [
        ('{"items": []}', "allow", "allow"),
        ('{"items": [{"to": "a@example.com", "amount": 1}]}', "allow", "deny"),
        ('{"items": [{"to": "a@example.com", "amount": 99}, {"to": "a@evil.com", "amount": 1}]}', "deny", "allow"),
        ('{"items": [{"to": "a@example.com", "amount": 1}, {"to": "a@evil.com", "amount": 99}]}', "deny", "deny"),
        ('{"items": [{"to": "a@example.com"}]}', "deny", "deny"),
        ('{"items": [{"to": "a@evil.com"}]}', "deny", "allow"),
        ('{"items": "a@example.com"}', "deny", "deny"),
        ('{"items": {"to": "a@example.com", "amount": 1}}', "deny", "deny"),
        ("{}", "deny", "deny"),
    ],
)
def test_conditions_that_share_each_speak_of_the_same_element(arguments: str, required: str, denied: str) -> None:
    from tests.policy.calling import call, policy_of

    both = [{"conditions": EACH}]
    assert call(policy_of({"run": {"schema": "off", "require": both}}), arguments).outcome == required
    assert call(policy_of({"run": {"schema": "off", "deny_if": both}}), arguments).outcome == denied


def test_exists_makes_an_optional_argument_optional() -> None:
    idiom = {"conditions": [rule("args.a", "exists", True)["conditions"][0], rule("args.a", "gt", 5)["conditions"][0]]}
    assert verdict_of(idiom, "{}") is False
    assert verdict_of(idiom, '{"a": 6}') is True
    assert verdict_of(idiom, '{"a": "6"}') is None


SUBJECT = Subject("g", "ci", "ann", labels={"tenant": "acme"}, session_id="s1")


@pytest.mark.parametrize(
    ("path", "op", "value", "wanted"),
    [
        ("grant.label", "eq", "ci", True),
        ("grant.labels.tenant", "eq", "acme", True),
        ('grant.labels["tenant"]', "eq", "acme", True),
        ("grant.labels.other", "eq", "acme", None),
        ("grant.labels.other", "exists", True, False),
        ("principal", "eq", "ann", True),
        ("session.id", "eq", "s1", True),
        ("tool.name", "starts_with", "ru", True),
        ("time.hour", "eq", 12, True),
        ("time.weekday", "eq", 4, True),
        ("time.iso", "eq", "2026-01-01T12:00:00Z", True),
        ("time.iso", "lt", "2026-06-01", True),
    ],
)
def test_a_condition_reads_who_calls_and_when(path: str, op: str, value: object, wanted: bool | None) -> None:
    assert verdict_of(rule(path, op, value), {}, SUBJECT) is wanted


@pytest.mark.parametrize(
    ("category", "condition", "wanted"),
    [
        ("Destructive", rule("tool.category", "in", ["Destructive", "Financial"]), True),
        ("Write", rule("tool.category", "in", ["Destructive", "Financial"]), False),
        ("Financial", rule("tool.risk", "eq", "Critical"), True),
        ("Read", rule("tool.risk", "eq", "Low"), True),
        ("Write", rule("tool.risk", "eq", "Medium"), True),
        ("Execute", rule("tool.risk", "eq", "High"), True),
        ("Read", rule("tool.category", "eq", "read"), False),
        ("Read", rule("tool.category", "exists", True), True),
        ("Read", rule("grant.label", "neq", {"ref": "tool.category"}), True),
        (None, rule("tool.category", "exists", True), False),
        (None, rule("tool.category", "eq", "Read"), None),
        (None, rule("tool.category", "neq", "Read"), None),
        (None, rule("tool.risk", "not_in", ["Critical"]), None),
        (None, rule("grant.label", "eq", {"ref": "tool.risk"}), None),
    ],
)
def test_a_condition_reads_what_a_tool_was_judged_to_be_and_is_undefined_before(
    category: Category | None, condition: dict[str, Any], wanted: bool | None
) -> None:
    assert verdict_of(condition, {}, SUBJECT, category) is wanted


@pytest.mark.parametrize("place", ["name", "pattern", "all_tools"])
def test_categories_count_in_entries_patterns_and_for_all_tools(place: str) -> None:
    rules = {"deny_if": [rule("tool.category", "in", ["Destructive", "Financial"])]}
    tools: dict[str, Any] = {"name": {"run": rules}, "pattern": {"run": {}, "r*": rules}}.get(place, {"run": {}})
    policy = policy_of(tools, all_tools=rules if place == "all_tools" else {})
    categories: list[Category | None] = ["Read", "Destructive", "Financial", None]
    assert [call(policy, category=one).outcome for one in categories] == ["allow", "deny", "deny", "deny"]


def test_a_denial_says_that_nobody_accepted_a_category_yet() -> None:
    policy = policy_of({"run": {"deny_if": [rule("tool.category", "eq", "Financial")]}})
    assert call(policy).message == "`tool.category` is missing"
    assert call(policy, category="Financial").message == '`tool.category` is "Financial"'


def test_an_empty_label_principal_or_session_is_missing() -> None:
    for path in ("grant.label", "principal", "session.id"):
        assert verdict_of(rule(path, "exists", False), {}, Subject("g")) is True


def test_a_zone_moves_the_clock() -> None:
    assert verdict_of(rule("time.hour", "eq", 13, zone="Europe/Berlin"), {}) is True
    assert verdict_of(rule("time.iso", "ends_with", "+05:30", zone="Asia/Kolkata"), {}) is True


def test_a_value_may_refer_to_the_grant() -> None:
    own = rule("args.tenant", "eq", {"ref": "grant.labels.tenant"})
    assert verdict_of(own, {"tenant": "acme"}, SUBJECT) is True
    assert verdict_of(own, {"tenant": "other"}, SUBJECT) is False
    assert verdict_of(own, {"tenant": "acme"}, Subject("g")) is None
    assert verdict_of(own, {}, SUBJECT) is None


@pytest.mark.parametrize(
    ("pattern", "flags"),
    [
        ("(?i)a", {"i"}),
        ("(?im-s:a)", {"i", "m"}),
        ("(?-m)a", set()),
        (r"\(?m", set()),
        (r"\Q(?m)\E", set()),
        ("[(?m)]", set()),
        ("[](?m)]", set()),
        ("[[:alpha:](?m)]", set()),
        ("(?P<m>a)", set()),
        ("a(?m)$", {"m"}),
    ],
)
def test_flags_are_found_where_they_are_flags(pattern: str, flags: set[str]) -> None:
    assert flags_of(pattern) == flags


@settings(deadline=None)  # libraries are loaded when they are first needed
@given(st.text(max_size=30))
def test_no_text_makes_an_operator_fail(text: str) -> None:
    for op, value in (("host_in", ["a.example"]), ("ip_public", True), ("path_under", "/a"), ("regex", "a")):
        assert verdict_of(rule("args.a", op, value), {"a": text}) in (True, False, None)
    assert verdict_of(rule("args.a", "email_domain_in", ["a.example"]), {"a": text}) in (True, False, None)
    assert verdict_of(rule("args.a", "sql_only", ["select"], dialect="mysql"), {"a": text}) in (True, False, None)


def test_a_lone_surrogate_is_no_text_to_a_pattern() -> None:
    assert verdict_of(rule("args.a", "regex", "a"), {"a": "\ud800a"}) is None
