"""Flows and limits on identical calls: their shape, their charges, what lints and explanations say of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.policy.calling import NOON, call, policy_of

from toolgate.policy.cases import run_cases
from toolgate.policy.decision import NANO, Charge, Mark, Subject
from toolgate.policy.definition import Definition
from toolgate.policy.document import PolicyError, parse
from toolgate.policy.explain import explain, looked_at
from toolgate.policy.flows import read_flows
from toolgate.policy.lint import lint
from toolgate.policy.words import flow_denial, flow_words

PAIR: dict[str, Any] = {"after": ["read"], "deny": ["send"]}
IN_SESSION = Subject("g", session_id="s")


def text(*flows: Any, **more: Any) -> str:
    return json.dumps({"version": "1", "default": "allow", "flows": list(flows), **more})


def marks(*flows: Any, name: str = "send", subject: Subject = IN_SESSION, **more: Any) -> tuple[Charge, ...]:
    return call(policy_of(default="allow", flows=list(flows)), name=name, subject=subject, **more).charges


def problems(flow: Any) -> list[tuple[str, str]]:
    with pytest.raises(PolicyError) as caught:
        parse(text(flow))
    return [(problem.pointer, problem.cause) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("flow", "pointer", "cause"),
    [
        ("x", "/flows/0", "the flow is no object"),
        ({"deny": ["a"]}, "/flows/0", "the key `after` is missing"),
        ({"after": ["a"]}, "/flows/0", "the key `deny` is missing"),
        ({**PAIR, "then": []}, "/flows/0/then", "the key `then` is not known here"),
        ({**PAIR, "after": []}, "/flows/0/after", "the list names no tool"),
        ({**PAIR, "and_after": []}, "/flows/0/and_after", "the list names no tool"),
        ({**PAIR, "deny": "send"}, "/flows/0/deny", "the list names no tool"),
        ({**PAIR, "deny": [""]}, "/flows/0/deny/0", "`` names no tool"),
        ({**PAIR, "deny": ["a", 1]}, "/flows/0/deny/1", "`1` names no tool"),
        ({**PAIR, "deny": [{}]}, "/flows/0/deny/0", "an object names tools by `category` and nothing else"),
        ({**PAIR, "deny": [{"category": "read"}]}, "/flows/0/deny/0/category", "`read` is no category"),
        ({**PAIR, "deny": [{"category": []}]}, "/flows/0/deny/0/category", "the list names no category"),
        ({**PAIR, "deny": [{"category": [["Read"]]}]}, "/flows/0/deny/0/category", "`['Read']` is no category"),
        ({**PAIR, "within": "8d"}, "/flows/0/within", "`8d` is neither `session` nor a length of time"),
        ({**PAIR, "within": 60}, "/flows/0/within", "`60` is neither `session` nor a length of time"),
        ({**PAIR, "within": None}, "/flows/0/within", "`None` is neither `session` nor a length of time"),
        ({**PAIR, "on_deny": 1}, "/flows/0/on_deny", "`1` is no text"),
    ],
)
def test_what_is_wrong_with_a_flow_is_told_with_its_place(flow: Any, pointer: str, cause: str) -> None:
    assert problems(flow) == [(pointer, cause)]


def test_every_problem_of_flows_is_told() -> None:
    assert len(problems({"after": [1, {}], "within": "x", "on_deny": 2, "more": 3})) == 6


def test_flows_that_are_no_list_are_refused() -> None:
    with pytest.raises(PolicyError, match="the flows are no list"):
        parse(json.dumps({"version": "1", "default": "allow", "flows": {}}))


@pytest.mark.parametrize("counter", ["rate_limit:x", "repeat_limit:x", "flow:0"])
def test_names_of_its_own_counters_are_kept_from_authors(counter: str) -> None:
    limits = [{"counter": counter, "window": "day", "max": 1}]
    with pytest.raises(PolicyError, match="belong to"):
        parse(json.dumps({"version": "1", "default": "allow", "tools": {"a": {"limits": limits}}}))


@pytest.mark.parametrize("value", ["3", {"max": 1}, {"max": -1, "window": 60}, 3, {"max": 1, "window": 60, "of": "x"}])
def test_a_repeat_limit_has_the_shape_of_a_rate_limit(value: Any) -> None:
    for document in ({"tools": {"a": {"repeat_limit": value}}}, {"all_tools": {"repeat_limit": value}}):
        with pytest.raises(PolicyError, match="repeat_limit"):
            parse(json.dumps({"version": "1", "default": "allow", **document}))


def test_a_flow_sets_asks_or_leaves_a_call_alone() -> None:
    two = {**PAIR, "and_after": ["meet"]}
    charges = {name: marks(two, name=name) for name in ("read", "meet", "send", "other")}
    assert [(charge.amount, charge.maximum) for (charge,) in (charges["read"], charges["meet"], charges["send"])] == [
        (NANO, 0),
        (2 * NANO, 0),
        (0, 3 * NANO),
    ]
    assert charges["other"] == ()
    assert len({charge.key for found in charges.values() for charge in found}) == 1


def test_a_session_has_its_own_mark_and_a_client_without_one_that_of_its_grant() -> None:
    found = [
        marks(PAIR, subject=subject)[0]
        for subject in (IN_SESSION, Subject("g", session_id="t"), Subject("g"), Subject("h"))
    ]
    assert len({charge.key for charge in found}) == 4
    assert [charge.window for charge in found] == [Mark(604_800), Mark(604_800), Mark(86_400), Mark(86_400)]


def test_a_length_of_time_is_of_the_grant_whatever_its_session() -> None:
    found = {marks({**PAIR, "within": "30m"}, subject=subject)[0] for subject in (IN_SESSION, Subject("g"))}
    assert [charge.window for charge in found] == [Mark(1800)]


def test_a_tool_that_nobody_judged_is_of_every_category() -> None:
    flow = {"after": [{"category": "Read"}], "deny": [{"category": ["Financial", "Destructive"]}]}
    (unknown,) = marks(flow)
    assert (unknown.amount, unknown.maximum) == (NANO, NANO)
    assert [(one.amount, one.maximum) for one in marks(flow, category="Read")] == [(NANO, 0)]
    assert [(one.amount, one.maximum) for one in marks(flow, category="Financial")] == [(0, NANO)]
    assert marks(flow, category="Write") == ()


def test_what_a_tool_is_taken_for_counts_from_the_next_call_on() -> None:
    policy = policy_of(default="allow", flows=[{"after": ["x"], "deny": [{"category": "Financial"}]}])
    tool = Definition({"name": "send"}, "Read")
    judged = []
    for category in ("Read", "Financial", "Read"):
        tool.take_for(category)
        judged.append(len(policy.judge("send", {}, IN_SESSION, NOON, tool).charges))
    assert judged == [0, 1, 0]
    assert policy.reads_categories


def test_what_was_used_is_kept_where_a_flow_moves_or_denies_something_else() -> None:
    (before,) = marks({**PAIR, "after": ["read", "look"]}, name="read")
    after = marks({"after": ["x"], "deny": ["y"]}, {"after": ["look", "read"], "deny": ["other"]}, name="read")
    assert [charge.key for charge in after] == [before.key]
    for changed in ({**PAIR, "after": ["read"]}, {**PAIR, "after": ["read", "look"], "within": "1h"}):
        assert marks(changed, name="read")[0].key != before.key


def test_flows_after_the_same_tools_are_one_charge_and_the_first_to_deny_is_named() -> None:
    found = marks(PAIR, {**PAIR, "deny": ["other"]}, {**PAIR, "deny": ["s*"]})
    assert [(charge.rule, charge.maximum) for charge in found] == [("/flows/0", NANO)]
    found = marks({**PAIR, "deny": ["other"]}, {**PAIR, "deny": ["read"]}, name="read")
    assert [(charge.rule, charge.amount, charge.maximum) for charge in found] == [("/flows/1", NANO, NANO)]


def test_flows_are_asked_before_repeats_and_repeats_before_limits() -> None:
    entry = {
        "limits": [{"counter": "c", "window": "day", "max": 1}],
        "repeat_limit": "3/minute",
        "rate_limit": "9/hour",
    }
    policy = policy_of({"send": entry}, flows=[PAIR])
    assert [one.counter for one in call(policy, name="send").charges] == [
        *("flow:0", "repeat_limit:send", "c", "rate_limit:send")
    ]


def test_a_call_that_waits_for_a_person_has_its_marks_too() -> None:
    policy = policy_of({"send": {"action": "require_approval"}}, flows=[PAIR])
    verdict = call(policy, name="send")
    assert (verdict.outcome, [charge.rule for charge in verdict.charges]) == ("wait", ["/flows/0"])


def test_flows_concern_no_method_and_no_tool_that_is_refused() -> None:
    policy = policy_of(flows=[{"after": ["*"], "deny": ["*"]}], methods={"send": {}})
    assert policy.judge_method("send", {}, IN_SESSION, NOON).charges == ()
    assert call(policy, name="send").charges == ()


def test_identical_calls_share_a_counter_and_others_do_not() -> None:
    policy = policy_of({"a": {}, "b": {}}, all_tools={"repeat_limit": "3/minute"})

    def key(name: str, digest: str, subject: Subject = IN_SESSION) -> str:
        (charge,) = policy.judge(name, {"x": 1}, subject, NOON, None, digest).charges
        assert (charge.amount, charge.maximum, charge.window) == (NANO, 3 * NANO, 60)
        return charge.key

    assert key("a", "1") == key("a", "1", Subject("g"))
    assert len({key("a", "1"), key("a", "2"), key("b", "1"), key("a", ""), key("a", "1", Subject("h"))}) == 5


def test_a_repeat_limit_of_a_session_is_that_of_the_session() -> None:
    policy = policy_of({"a": {"repeat_limit": {"max": 1, "window": 9, "scope": "session"}}})
    found = {call(policy, name="a", subject=Subject("g", session_id=session)).charges[0].key for session in "st"}
    assert len(found) == 2


# --- words ----------------------------------------------------------------------------------------------------------


def words(flow: Any) -> str:
    return flow_words(read_flows({"flows": [flow]})[0])


def test_a_flow_is_told_in_words() -> None:
    assert words(PAIR) == "denied after `read`, for the rest of the session"
    both = {**PAIR, "after": ["read", "get_*", {"category": "Read"}], "and_after": ["meet"], "within": "90m"}
    assert words(both) == (
        "denied after `read`, `get_*` or a tool of category `Read`, together with `meet`, "
        "for 90 minutes after the last such call"
    )
    assert "`t4` or 5 others," in words({**PAIR, "after": [f"t{number}" for number in range(10)]})


def test_the_authors_words_stand_in_place_of_the_usual_ones() -> None:
    flow = read_flows({"flows": [{**PAIR, "on_deny": "No."}]})[0]
    assert flow_denial(flow, "send", 0) == "No."
    assert flow_denial(read_flows({"flows": [PAIR]})[0], "send", 86_400) == (
        "`send` is denied after `read`, for 1 day after the last such call"
    )


def test_an_explanation_names_the_flows_of_a_tool() -> None:
    document = parse(text(PAIR, {"after": ["send"], "deny": ["x"]}, {"after": ["other"], "deny": ["other"]}))
    steps = [step for step in explain(document, "send", {}, IN_SESSION, NOON, None) if step.stage == "flows"]
    assert [(step.pointer, step.effect) for step in steps] == [("/flows/0", "passes"), ("/flows/1", "passes")]
    assert steps[0].words == "denied after `read`, for the rest of the session"
    assert "by which `x` is denied after `send`" in steps[1].words
    recorded = looked_at(document, "send", "/flows/0")
    assert [step.pointer for step in recorded if step.decides] == ["/flows/0"]


def test_a_recorded_repeat_was_asked_before_the_limits() -> None:
    limits = [{"counter": "c", "window": "day", "max": 1}]
    document = parse(text(tools={"send": {"limits": limits, "repeat_limit": "3/minute"}}))
    steps = looked_at(document, "send", "/tools/send/repeat_limit")
    assert [(one.pointer, one.effect) for one in steps if one.stage == "limits"] == [
        ("/tools/send/repeat_limit", "denies"),
        ("/tools/send/limits/0", "unreached"),
    ]
    assert "at most 3 identical calls in any minute, per grant" in steps[-2].words


# --- lints ----------------------------------------------------------------------------------------------------------


def findings(raw: str, tools: list[str] | None = None) -> list[tuple[str, str]]:
    known = None if tools is None else {name: Definition({"name": name}, "Read") for name in tools}
    return [(one.pointer, one.code) for one in lint(parse(raw), known)]


def test_a_flow_that_nothing_begins_or_meets_is_found() -> None:
    refused = {"read": {"action": "deny"}}
    assert findings(text(PAIR)) == []
    assert findings(text(PAIR, tools=refused)) == [("/flows/0/after", "never-fires")]
    assert findings(text(PAIR, hide=["send"])) == [("/flows/0/deny", "never-fires")]
    assert findings(text({**PAIR, "and_after": ["x"]}, hide=["x"])) == [("/flows/0/and_after", "never-fires")]
    assert findings(json.dumps({"version": "1", "default": "deny", "flows": [PAIR], "tools": {"read": {}}})) == [
        ("/flows/0/deny", "never-fires")
    ]


def test_names_of_flows_are_compared_with_the_server() -> None:
    assert findings(text(PAIR), ["read", "send"]) == []
    assert findings(text({**PAIR, "deny": ["send", "sned", "x*"]}), ["read", "send"]) == [
        ("/flows/0/deny/1", "unknown-tool"),
        ("/flows/0/deny/2", "unknown-tool"),
    ]
    assert findings(text({**PAIR, "deny": [{"category": "Financial"}]}), ["read"]) == [("/flows/0/deny", "never-fires")]


@pytest.mark.parametrize(
    ("rate", "repeat", "found"),
    [
        ("3/minute", "3/minute", True),
        ("3/hour", "5/minute", True),
        ("4/minute", "3/minute", False),
        ("3/minute", "3/hour", False),
        ({"max": 3, "window": 60, "scope": "session"}, "3/minute", False),
        ("3/minute", {"max": 3, "window": 60, "scope": "session"}, True),
    ],
)
def test_a_repeat_limit_that_is_never_reached_is_found(rate: Any, repeat: Any, found: bool) -> None:
    raw = text(tools={"a": {"rate_limit": rate, "repeat_limit": repeat}})
    assert findings(raw) == ([("/tools/a/repeat_limit", "never-fires")] if found else [])


LEGS = ["read_file", "search_web", "send_mail"]


def lethal(*flows: Any) -> bool:
    return ("", "lethal-trifecta") in findings(text(*flows), LEGS)


def test_a_flow_that_keeps_the_three_apart_breaks_the_trifecta() -> None:
    assert lethal()
    assert not lethal({"after": ["search_web"], "deny": ["send_*"]})
    assert not lethal({"after": ["read_file"], "and_after": ["search_web"], "deny": ["send_mail"]})
    assert lethal({"after": ["send_mail"], "deny": ["read_file"]})
    assert lethal({"after": ["read_file"], "and_after": ["send_mail"], "deny": ["send_mail"]})


# --- cases ----------------------------------------------------------------------------------------------------------


def case(policy: str, **fields: Any) -> tuple[str, ...]:
    written = {"policy": json.loads(policy), "cases": [{"want": {"outcome": "allow"}, **fields}]}
    return run_cases(json.dumps(written)).results[0].differences


def test_a_case_says_what_was_used_before() -> None:
    assert case(text(PAIR), tool="send") == ()
    assert case(text(PAIR), tool="send", after=["other"]) == ()
    assert case(text(PAIR), tool="send", after=["read"]) == ("outcome is `deny`, wanted `allow`",)


def test_what_was_denied_cannot_have_gone_before() -> None:
    (found,) = case(text(PAIR, hide=["read"]), tool="send", after=["other", "read"])
    assert "`after` cannot have been: call 1 of it, `read`, is denied by `(hidden)`" in found
    assert case(text(PAIR), tool="x", after=["read", "send"])


def test_earlier_calls_use_up_limits_but_only_where_a_case_names_some() -> None:
    raw = text(tools={"a": {"rate_limit": {"max": 1, "window": 60}}, "b": {"action": "require_approval"}})
    assert case(raw, tool="a") == ()
    assert case(raw, tool="a", after=["b"]) == ()
    assert case(raw, tool="a", after=["a"]) == ("outcome is `deny`, wanted `allow`",)


@pytest.mark.parametrize("after", ["read", [1], [{}], [{"tool": "a", "times": 0}], [{"tool": "a", "more": 1}]])
def test_earlier_calls_of_another_shape_are_refused(after: Any) -> None:
    with pytest.raises(Exception, match=r"/cases/0/after"):
        case(text(PAIR), tool="send", after=after)
