"""The compiled engine against the plain one, over generated documents and calls."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jiter import LosslessFloat
from tests.policy import generated, reference

from toolgate.policy.categories import Category
from toolgate.policy.compiler import compile_policy
from toolgate.policy.decision import Charge, Mark, Subject, Verdict
from toolgate.policy.definition import Definition
from toolgate.policy.document import parse
from toolgate.policy.methods import passes_by_default

subjects = st.builds(
    Subject,
    grant_id=st.just("g"),
    label=st.sampled_from(["", "team", "ab"]),
    principal=st.sampled_from(["", "x"]),
    session_id=st.sampled_from(["", "s"]),
    labels=st.dictionaries(st.just("tenant"), st.sampled_from(["x", "abc"])),
)
categories = st.sampled_from(generated.CATEGORIES)
moments = st.sampled_from([0.0, 1_770_000_000.0, 1_774_751_400.0])  # the last: a change to summer time in Europe


def charged(verdict: Verdict, document: dict[str, Any]) -> dict[str, tuple[int, int, str]]:
    """Charges by scope and name, as the reference gives them."""
    found = {}
    for charge in verdict.charges:
        assert charge.key not in found, "one counter is charged twice"
        found[charge.key] = charge.amount, charge.maximum, charge.rule
    return {name_of(charge, document): found[charge.key] for charge in verdict.charges}


def name_of(charge: Charge, document: dict[str, Any]) -> str:
    """A counter as the reference names it."""
    scope, *parts = json.loads(charge.key)
    if isinstance(charge.window, Mark):
        flow = document["flows"][int(charge.rule.removeprefix("/flows/"))]
        subject = Subject("g", session_id="s" if scope == "session" else "")
        wanted = reference.mark_of(flow, subject)
        assert wanted.split("/")[1] == str(charge.window.seconds)
        return wanted
    if charge.counter.startswith("repeat_limit:"):
        return "/".join([scope, *map(str, parts[-4:])])
    return f"{scope}/{parts[-2]}"


@settings(max_examples=120, deadline=None)
@given(generated.documents(), st.sampled_from(generated.NAMES), generated.arguments, subjects, moments, categories)
def test_the_engine_decides_calls_as_the_reference_does(
    document: dict[str, Any],
    name: str,
    arguments: dict[str, Any],
    subject: Subject,
    now: float,
    category: Category | None,
) -> None:
    agree_on_a_call(document, name, arguments, subject, now, category)


@pytest.mark.nightly
@settings(max_examples=30_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(generated.documents(), st.sampled_from(generated.NAMES), generated.arguments, subjects, moments, categories)
def test_the_engine_decides_very_many_calls_as_the_reference_does(
    document: dict[str, Any],
    name: str,
    arguments: dict[str, Any],
    subject: Subject,
    now: float,
    category: Category | None,
) -> None:
    agree_on_a_call(document, name, arguments, subject, now, category)


def agree_on_a_call(
    document: dict[str, Any],
    name: str,
    arguments: dict[str, Any],
    subject: Subject,
    now: float,
    category: Category | None,
) -> None:
    """A definition without a usable schema refuses as one that is not known, which is all the plain engine knows."""
    definition = None if category is None else Definition({"name": name, "inputSchema": 0}, category)
    verdict = compile_policy(parse(json.dumps(document))).judge(name, arguments, subject, now, definition, "d1")
    wanted = reference.judge(document, reference.Call(name, arguments, subject, now, category=category, digest="d1"))
    assert (verdict.outcome, verdict.rule, charged(verdict, document)) == wanted


@settings(max_examples=50, deadline=None)
@given(generated.documents(), st.sampled_from(generated.METHODS), generated.arguments, subjects, moments)
def test_the_engine_decides_methods_as_the_reference_does(
    document: dict[str, Any], method: str, params: dict[str, Any], subject: Subject, now: float
) -> None:
    verdict = compile_policy(parse(json.dumps(document))).judge_method(method, params, subject, now, "d1")
    wanted = reference.judge(document, reference.Call(method, params, subject, now, "params", digest="d1"))
    if wanted[1] == "(method)" and passes_by_default(method, params):
        document["methods"] = {**document.get("methods", {}), method: {}}
        wanted = reference.judge(document, reference.Call(method, params, subject, now, "params", digest="d1"))
    assert (verdict.outcome, verdict.rule, charged(verdict, document)) == wanted


@settings(max_examples=50, deadline=None)
@given(generated.documents(), st.sampled_from(generated.NAMES), generated.arguments, subjects)
def test_a_denial_never_repeats_what_the_caller_sent(
    document: dict[str, Any], name: str, arguments: dict[str, Any], subject: Subject
) -> None:
    secret = "tell-nobody"
    arguments = {key: secret if isinstance(value, str) else value for key, value in arguments.items()}
    verdict = compile_policy(parse(json.dumps(document))).judge(name, arguments, subject, 0.0, None)
    assert secret not in verdict.message


@settings(max_examples=50, deadline=None)
@given(generated.documents(), st.sampled_from(generated.NAMES), generated.arguments, subjects)
def test_what_is_not_shown_cannot_be_called(
    document: dict[str, Any], name: str, arguments: dict[str, Any], subject: Subject
) -> None:
    policy = compile_policy(parse(json.dumps(document)))
    if not policy.lists(name):
        assert policy.judge(name, arguments, subject, 0.0, None).outcome == "deny"


@given(generated.numbers)
def test_numbers_read_as_in_the_reference(value: int | float | LosslessFloat) -> None:
    from toolgate.policy.numerals import exact

    assert exact(value) == reference.number(value)
