"""`hidden_text`, `response` and `result.bytes` in the document: shape, what several entries say together, lints."""

from __future__ import annotations

import json
from typing import Any

import jsonschema_rs
import pytest

from toolgate.policy.charges import BY_SIZE, actual_amount
from toolgate.policy.compiler import Policy, compile_policy
from toolgate.policy.decision import NANO, Subject
from toolgate.policy.detectors import BY_NAME
from toolgate.policy.document import PolicyError, parse
from toolgate.policy.explain import explain
from toolgate.policy.lint import lint
from toolgate.policy.published import schema

BYTES: dict[str, Any] = {"counter": "b", "window": "hour", "max": 100_000, "cost": "result.bytes"}


def document(**keys: Any) -> dict[str, Any]:
    return {"version": "1", "default": "allow", **keys}


def policy(**keys: Any) -> Policy:
    return compile_policy(parse(json.dumps(document(**keys))))


def names(policy: Policy, tool: str) -> list[str]:
    return [each.name for each in policy.response("tools/call", tool).detectors]


def test_nothing_is_asked_of_answers_where_nothing_says_so() -> None:
    plain = policy(tools={"a": {}})
    assert not plain.response("tools/call", "a")
    assert not plain.anything
    assert plain.hidden_text == "remove"


def test_every_entry_that_matches_adds_its_detectors_and_the_smallest_number_counts() -> None:
    one = policy(
        all_tools={"response": {"redact": ["jwt"], "max_bytes": 900}},
        tools={"a": {"response": {"max_bytes": 700}}, "a*": {"response": {"redact": ["npm_token"], "max_bytes": 800}}},
    )
    assert names(one, "a") == ["npm_token", "jwt"]
    cap = one.response("tools/call", "a").cap
    assert cap is not None
    assert (cap.bytes, cap.rule) == (700, "/tools/a/response/max_bytes")
    assert names(one, "b") == ["jwt"]


def test_methods_and_tools_do_not_share_rules_and_tasks_have_all_of_them() -> None:
    one = policy(
        all_tools={"response": {"redact": ["jwt"]}},
        methods={"resources/*": {"response": {"max_bytes": 10}}, "x": {"limits": [{**BYTES, "reserve": 5}]}},
    )
    assert not one.response("prompts/get", "")
    assert one.response("resources/read", "").cap is not None
    for everything in (one.response("tasks/result", ""), one.anything):
        assert [each.name for each in everything.detectors] == ["jwt"]
        assert everything.cap is not None
        assert (everything.cap.bytes, everything.cap.rule) == (5, "/methods/x/limits/0")


def test_a_limit_on_bytes_reserves_and_caps_what_it_reserved() -> None:
    one = policy(all_tools={"limits": [BYTES]}, tools={"a": {"limits": [{**BYTES, "reserve": 70_000}]}, "b": {}})
    for tool, reserved in (("a", 70_000), ("b", 65_536)):
        verdict = one.judge(tool, {}, Subject("g"), 0.0, None)
        assert [(charge.amount, charge.settle) for charge in verdict.charges] == [(reserved * NANO, BY_SIZE)]
        cap = one.response("tools/call", tool).cap
        assert cap is not None
        assert cap.bytes == reserved
        assert actual_amount(verdict.charges[0], None, 12) == 12 * NANO


def test_of_several_counters_the_smallest_reserve_caps() -> None:
    limits = [{**BYTES, "reserve": 500}, {**BYTES, "counter": "c", "reserve": 400}]
    cap = policy(tools={"a": {"limits": limits}}).response("tools/call", "a").cap
    assert cap is not None
    assert (cap.bytes, cap.rule) == (400, "/tools/a/limits/1")


PROBLEMS = [
    (document(hidden_text="strip"), "/hidden_text"),
    (document(hidden_text=True), "/hidden_text"),
    (document(tools={"a": {"response": []}}), "/tools/a/response"),
    (document(tools={"a": {"response": {}}}), "/tools/a/response"),
    (document(tools={"a": {"response": {"redact": []}}}), "/tools/a/response/redact"),
    (document(tools={"a": {"response": {"redact": "all"}}}), "/tools/a/response/redact"),
    (document(tools={"a": {"response": {"redact": ["jwt", "nothing"]}}}), "/tools/a/response/redact/1"),
    (document(methods={"a": {"response": {"max_bytes": 0}}}), "/methods/a/response/max_bytes"),
    (document(methods={"a": {"response": {"max_bytes": True}}}), "/methods/a/response/max_bytes"),
    (document(methods={"a": {"response": {"max_bytes": 1.5}}}), "/methods/a/response/max_bytes"),
    (document(all_tools={"response": {"max_bytes": 10**9 + 1}}), "/all_tools/response/max_bytes"),
    (document(all_tools={"response": {"max_byte": 5}}), "/all_tools/response/max_byte"),
    (document(all_tools={"limits": [{**BYTES, "settle": "a"}]}), "/all_tools/limits/0/settle"),
    (document(all_tools={"limits": [{**BYTES, "reserve": 0}]}), "/all_tools/limits/0/reserve"),
    (document(tools={"a": {"limits": [{**BYTES, "cost": 1, "reserve": 5}]}}), "/tools/a/limits/0/reserve"),
    (document(tools={"a": {"limits": [{**BYTES, "cost": "result.lines"}]}}), "/tools/a/limits/0/cost"),
]


@pytest.mark.parametrize(("wrong", "pointer"), PROBLEMS, ids=[f"{at} {n}" for n, (_, at) in enumerate(PROBLEMS)])
def test_what_is_wrong_is_told_with_its_place_and_refused_by_the_published_schema(wrong: Any, pointer: str) -> None:
    with pytest.raises(PolicyError) as refused:
        parse(json.dumps(wrong))
    assert pointer in {problem.pointer for problem in refused.value.problems}
    assert all(problem.mend for problem in refused.value.problems)
    assert not jsonschema_rs.validator_for(schema()).is_valid(wrong)


@pytest.mark.parametrize("name", ["all", *BY_NAME])
def test_every_detector_can_be_named(name: str) -> None:
    right = document(
        hidden_text="deny",
        all_tools={"response": {"redact": [name]}, "limits": [BYTES]},
        methods={
            "resources/read": {"response": {"redact": [name], "max_bytes": 1}, "limits": [{**BYTES, "reserve": 9}]}
        },
    )
    parse(json.dumps(right))
    assert jsonschema_rs.validator_for(schema()).is_valid(right)


def test_bytes_share_no_counter_with_calls() -> None:
    with pytest.raises(PolicyError, match=r"kind of cost .*result\.bytes"):
        policy(all_tools={"limits": [BYTES]}, tools={"a": {"limits": [{**BYTES, "cost": 1}]}})


def found(**keys: Any) -> list[tuple[str, str]]:
    return [(one.code, one.pointer) for one in lint(parse(json.dumps(document(**keys))))]


def test_rules_for_answers_of_a_tool_that_is_denied_are_found() -> None:
    denied = {"action": "deny", "response": {"redact": ["all"]}}
    assert found(tools={"a": denied}) == [("never-fires", "/tools/a/response")]


def test_a_reserve_that_never_fits_is_found_also_where_another_entry_is_tighter() -> None:
    assert found(tools={"a": {"limits": [{**BYTES, "max": 65_535}]}}) == [("never-fits", "/tools/a/limits/0")]
    assert found(tools={"a": {"limits": [{**BYTES, "max": 65_536}]}}) == []
    shared = {"a": {"limits": [{**BYTES, "reserve": 10, "max": 10}]}, "b": {"limits": [BYTES]}}
    assert ("never-fits", "/tools/b/limits/0") in found(tools=shared)


def test_an_explanation_tells_what_happens_to_the_answer_and_that_never_denies() -> None:
    text = json.dumps(document(tools={"a": {"response": {"redact": ["jwt"], "max_bytes": 7}, "limits": [BYTES]}}))
    steps = explain(parse(text), "a", {}, Subject("g"), 0.0, None)
    assert steps[-1].pointer == "/tools/a/response"
    assert steps[-1].words == "what `jwt` finds in the answer is replaced and an answer longer than 7 bytes is withheld"
    assert not any(step.decides for step in steps)
    limit = next(step for step in steps if step.stage == "limits")
    assert "100000 bytes of answers, with 65536 reserved for each" in limit.words
