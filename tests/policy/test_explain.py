"""What is told of a call agrees with what the engine decides of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.policy import generated
from tests.policy.calling import NOON, read, rule
from tests.policy.test_reference import moments, subjects

from toolgate.policy.compiler import compile_policy
from toolgate.policy.decision import Subject
from toolgate.policy.definition import Definition
from toolgate.policy.document import Document, parse
from toolgate.policy.explain import NOT_ASKED, Step, explain, explain_method, looked_at

WHO = Subject("g")


def decided(steps: tuple[Step, ...]) -> tuple[str, str]:
    """Outcome and rule as a verdict has them."""
    step = next((step for step in steps if step.decides), None)
    if step is None:
        return "allow", ""
    return ("wait" if step.effect == "waits" else "deny"), step.pointer


def document_of(tools: dict[str, Any], **more: Any) -> Document:
    return parse(json.dumps({"version": "1", "default": "deny", "tools": tools, **more}))


def told(document: Document, name: str, arguments: str = "{}") -> tuple[Step, ...]:
    return explain(document, name, read(arguments), WHO, NOON, None)


@settings(max_examples=40, deadline=None)
@given(generated.documents(), st.sampled_from(generated.NAMES), generated.arguments, subjects, moments)
def test_what_is_told_of_a_call_agrees_with_the_engine(
    raw: dict[str, Any], name: str, arguments: dict[str, Any], subject: Subject, now: float
) -> None:
    agree_on_a_call(raw, name, arguments, subject, now)


@pytest.mark.nightly
@settings(max_examples=20_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(generated.documents(), st.sampled_from(generated.NAMES), generated.arguments, subjects, moments)
def test_what_is_told_of_very_many_calls_agrees_with_the_engine(
    raw: dict[str, Any], name: str, arguments: dict[str, Any], subject: Subject, now: float
) -> None:
    agree_on_a_call(raw, name, arguments, subject, now)


def agree_on_a_call(raw: dict[str, Any], name: str, arguments: dict[str, Any], subject: Subject, now: float) -> None:
    document = parse(json.dumps(raw))
    definition = Definition({"name": name, "inputSchema": {"type": "object", "properties": {"a": {"type": "string"}}}})
    for known in (None, definition):
        verdict = compile_policy(document).judge(name, arguments, subject, now, known)
        assert decided(explain(document, name, arguments, subject, now, known)) == (verdict.outcome, verdict.rule)


@settings(max_examples=25, deadline=None)
@given(generated.documents(), st.sampled_from(generated.METHODS), generated.arguments, subjects, moments)
def test_what_is_told_of_a_method_agrees_with_the_engine(
    raw: dict[str, Any], method: str, params: dict[str, Any], subject: Subject, now: float
) -> None:
    document = parse(json.dumps(raw))
    verdict = compile_policy(document).judge_method(method, params, subject, now)
    assert decided(explain_method(document, method, params, subject, now)) == (verdict.outcome, verdict.rule)


@settings(max_examples=25, deadline=None)
@given(generated.documents(), st.sampled_from(generated.NAMES), generated.arguments, subjects, moments)
def test_what_a_record_looked_at_is_what_the_call_was_asked(
    raw: dict[str, Any], name: str, arguments: dict[str, Any], subject: Subject, now: float
) -> None:
    document = parse(json.dumps(raw))
    verdict = compile_policy(document).judge(name, arguments, subject, now, None)
    asked = explain(document, name, arguments, subject, now, None)
    looked = looked_at(document, name, verdict.rule)
    assert [(step.pointer, step.words, step.effect) for step in looked] == [
        (step.pointer, step.words, step.effect) for step in asked
    ]


def test_each_condition_says_whether_it_is_true_false_or_undefined_and_why() -> None:
    conditions = [
        {"path": "args.amount", "op": "lte", "value": 100},
        {"path": "args.currency", "op": "in", "value": ["usd"]},
        {"path": "args.to", "op": "email_domain_in", "value": ["example.com"]},
    ]
    document = document_of({"pay": {"schema": "off", "require": [{"conditions": conditions, "on_deny": "Too much."}]}})
    step = told(document, "pay", '{"amount": 12, "currency": "eur"}')[-1]
    assert (step.stage, step.pointer, step.truth, step.effect) == ("require", "/tools/pay/require/0", "false", "denies")
    assert [(asked.truth, asked.why) for asked in step.conditions] == [
        ("true", "argument `amount` is at most 100"),
        ("false", 'argument `currency` is not one of ["usd"]'),
        ("undefined", "argument `to` is missing"),
    ]
    assert step.why == "Too much."


def test_a_word_about_elements_names_the_first_that_could_not_be_read() -> None:
    document = document_of({"pay": {"schema": "off", "deny_if": [rule("args.items[*].to", "eq", "bob")]}})
    step = told(document, "pay", '{"items": [{"to": "ann"}, {}]}')[-1]
    assert (step.truth, step.conditions[0].why) == ("undefined", "argument `items[*].to` is missing")
    empty = told(document, "pay", '{"items": []}')[-1]
    assert (empty.truth, empty.conditions[0].why) == ("false", "the list is empty")


def test_rules_behind_the_decision_still_say_what_they_would() -> None:
    document = document_of({"run": {"action": "deny", "schema": "off", "require": [rule("args.a", "eq", 1)]}})
    steps = told(document, "run", '{"a": 2}')
    assert [(step.stage, step.effect, step.truth) for step in steps] == [
        ("hidden", "passes", "false"),
        ("listed", "passes", "false"),
        ("action", "denies", "true"),
        ("require", "unreached", "false"),
    ]


def test_limits_and_approvals_are_told_in_words() -> None:
    limits = [{"counter": "spend", "window": "day", "max": 12.5, "cost": "args.amount", "scope": "principal"}]
    entry = {"rate_limit": "10/minute", "limits": limits, "action": "require_approval", "schema": "off"}
    document = document_of({"pay": entry})
    words = [step.words for step in told(document, "pay", '{"amount": 1}')[2:]]
    assert words == [
        "at most 12.5 of argument `amount` a day, per principal (`spend`)",
        "at most 10 calls in any minute, per grant (`rate_limit:pay`)",
        "every call waits for a person for at most 10 minutes",
    ]


def test_a_limit_of_another_entry_that_shares_the_counter_is_shown() -> None:
    limit = {"counter": "calls", "window": "day", "max": 10}
    document = document_of({"a": {"limits": [limit]}, "b": {"limits": [{**limit, "max": 3}]}})
    steps = looked_at(document, "a", "/tools/b/limits/0")
    assert [(step.pointer, step.effect) for step in steps[2:]] == [
        ("/tools/a/limits/0", "passes"),
        ("/tools/b/limits/0", "denies"),
    ]


def test_a_record_that_no_rule_decided_looked_at_nothing() -> None:
    document = document_of({"run": {}})
    assert all(looked_at(document, "run", word) == () for word in NOT_ASKED)


def test_a_public_address_and_presence_are_told_plainly() -> None:
    document = document_of(
        {"get": {"schema": "off", "deny_if": [rule("args.a", "ip_public", False), rule("args.b", "exists", False)]}}
    )
    first, second = told(document, "get", '{"a": "127.0.0.1"}')[2:]
    assert first.words == "denied if argument `a` is no public address"
    assert first.conditions[0].why == "argument `a` is no public address"
    assert (second.words, second.truth) == ("denied if argument `b` is missing", "true")
