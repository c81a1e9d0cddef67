"""A policy compiled in slices is the policy compiled at once."""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.policy import generated

from toolgate.policy.compiler import Policy, compile_policy
from toolgate.policy.decision import Subject
from toolgate.policy.document import parse
from toolgate.policy.slices import compile_in_slices


def finished(slices: Generator[None, None, Policy]) -> tuple[int, Policy]:
    count = 0
    while True:
        try:
            next(slices)
        except StopIteration as end:
            return count, end.value
        count += 1


@settings(max_examples=30, deadline=None)
@given(generated.documents(), st.sampled_from(generated.NAMES), generated.arguments)
def test_slices_change_nothing(document: dict[str, Any], name: str, arguments: dict[str, Any]) -> None:
    text = json.dumps(document).encode()
    _, sliced = finished(compile_in_slices(text))
    whole = compile_policy(parse(text))
    call = (name, arguments, Subject("g"), 0.0)
    assert sliced.judge(*call, None) == whole.judge(*call, None)
    assert sliced.lists(name) == whole.lists(name)


def test_a_big_policy_takes_many_slices() -> None:
    rules = [{"conditions": [{"path": "args.a", "op": "neq", "value": f"text {place}"}]} for place in range(9)]
    tools = {f"tool_{number}": {"deny_if": rules, "schema": "off", "rate_limit": "5/minute"} for number in range(1000)}
    text = json.dumps({"version": "1", "default": "deny", "tools": tools}).encode()
    count, policy = finished(compile_in_slices(text))
    assert count >= 15
    assert policy.judge("tool_999", {"a": "text 8"}, Subject("g"), 0.0, None).rule == "/tools/tool_999/deny_if/0"
