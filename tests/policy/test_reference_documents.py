"""Documents of the reference grammar, enforced as written."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.policy.calling import call

from toolgate.policy.compiler import Policy, compile_policy
from toolgate.policy.decision import NANO, Unit
from toolgate.policy.document import parse
from toolgate.policy.lint import lint

RUN_RATE = {"counter": "run_rate", "window": "minute", "max": 10, "scope": "grant"}


def policy(document: dict[str, Any]) -> Policy:
    return compile_policy(parse(json.dumps({"version": "1", **document})))


def test_ten_calls_a_minute_and_every_other_tool_refused() -> None:
    limited = policy({"default": "deny", "tools": {"run": {"limits": [RUN_RATE]}}})
    (charge,) = call(limited).charges
    assert (charge.amount, charge.maximum, charge.window) == (NANO, 10 * NANO, Unit.MINUTE)
    assert charge.rule == "/tools/run/limits/0"
    other = call(limited, name="build")
    assert (other.outcome, other.rule, other.visible) == ("deny", "(default deny)", False)


def test_the_short_form_is_a_sliding_limit() -> None:
    limited = policy({"default": "allow", "tools": {"run": {"rate_limit": {"max": 10, "window": 60}}}})
    (charge,) = call(limited).charges
    assert (charge.counter, charge.maximum, charge.window) == ("rate_limit:run", 10 * NANO, 60)
    assert call(limited, name="build").outcome == "allow"


def test_the_agent_reads_the_reason_of_an_action() -> None:
    denying = policy({"default": "allow", "tools": {"run": {"action": "deny", "reason": "no builds today"}}})
    verdict = call(denying)
    assert (verdict.outcome, verdict.rule, verdict.message) == ("deny", "/tools/run/action", "no builds today")
    assert verdict.visible
    assert denying.lists("run")


def test_a_hidden_tool_is_neither_seen_nor_called() -> None:
    hiding = policy({"default": "deny", "hide": ["remove"]})
    assert not hiding.lists("remove")
    hidden, unlisted = call(hiding, name="remove"), call(hiding, name="other")
    assert (hidden.rule, unlisted.rule) == ("(hidden)", "(default deny)")
    assert not hidden.visible
    assert not unlisted.visible


@pytest.mark.parametrize("default", ["allow", "deny"])
def test_an_empty_deny_if_denies_every_call_with_its_words(default: str) -> None:
    asking = {"deny_if": [{"conditions": [], "on_deny": "Requires human approval."}]}
    document = {"version": "1", "default": default, "tools": {"run": asking}}
    verdict = call(policy(document), {"any": 1})
    assert (verdict.outcome, verdict.rule) == ("deny", "/tools/run/deny_if/0")
    assert verdict.message == "Requires human approval."
    assert policy(document).lists("run")
    assert lint(parse(json.dumps(document))) == []
