"""What got past other gateways, tried against the engine. Each test names its source."""

from __future__ import annotations

from typing import Any

import pytest
from tests.policy.calling import call, policy_of, rule

from toolgate.policy.decision import Subject
from toolgate.policy.document import PolicyError, parse

AMOUNT = {"type": "object", "properties": {"amount": {"type": "integer"}}, "required": ["amount"]}
CAPPED = {"run": {"deny_if": [rule("args.amount", "gt", 1000)]}}
UNCHECKED = {"run": {"schema": "off", "deny_if": [rule("args.amount", "gt", 1000)]}}


@pytest.mark.parametrize("amount", ['"5000"', '" 5000 "', '"5_000"', "true", "[5000]", '{"v": 5000}', "null", '"NaN"'])
def test_numbers_that_a_server_would_coerce_are_refused_mcp_python_sdk_2_3(amount: str) -> None:
    arguments = f'{{"amount": {amount}}}'
    assert call(policy_of(CAPPED), arguments, definition=AMOUNT).rule == "(schema)"
    assert call(policy_of(UNCHECKED), arguments).outcome == "deny"


def test_a_whole_number_with_a_fraction_is_compared_as_that_number_mcp_python_sdk_2_3() -> None:
    assert call(policy_of(CAPPED), '{"amount": 5000.0}', definition=AMOUNT).rule == "/tools/run/deny_if/0"
    assert call(policy_of(CAPPED), '{"amount": 5e3}', definition=AMOUNT).rule == "/tools/run/deny_if/0"
    assert call(policy_of(CAPPED), '{"amount": 1000.0}', definition=AMOUNT).outcome == "allow"


def test_json_inside_a_string_is_a_string_mcp_python_sdk_pre_parse() -> None:
    schema = {"type": "object", "properties": {"to": {"type": "array", "items": {"type": "string"}}}}
    policy = policy_of({"run": {"require": [rule("args.to", "contains", "x")]}})
    assert call(policy, {"to": '["x"]'}, definition=schema).rule == "(schema)"


@pytest.mark.parametrize("name", ["bcc", "recipient", "Amount", "amount ", "a.mount", "__proto__", "constructor"])
def test_undeclared_arguments_and_aliases_are_refused_measured_in_sdk(name: str) -> None:
    assert call(policy_of(CAPPED), {"amount": 1, name: 5000}, definition=AMOUNT).rule == "(schema)"


def test_a_key_of_other_case_is_no_second_chance_cve_2026_27896() -> None:
    for key in ("Amount", "AMOUNT", "ａmount", "amounT"):
        assert call(policy_of(UNCHECKED), {"amount": 1, key: 5000}).outcome == "deny"
        assert call(policy_of(UNCHECKED), {key: 1}).outcome == "deny"
    deep = {"run": {"schema": "off", "deny_if": [rule("args.pay.sum", "gt", 10)]}}
    assert call(policy_of(deep), {"pay": {"sum": 1, "\u017fum": 99}}).outcome == "deny"


@pytest.mark.parametrize("text", ["1e400", "-1e400", "1" + "0" * 400, "9007199254740993", "1000.00000000000000001"])
def test_numbers_beyond_double_precision_are_no_numbers_jacobian_1102(text: str) -> None:
    for tools in (UNCHECKED, {"run": {"schema": "off", "require": [rule("args.amount", "lte", 1000)]}}):
        assert call(policy_of(tools), f'{{"amount": {text}}}').outcome == "deny"


def test_not_a_number_and_infinity_are_no_numbers_jacobian_1102() -> None:
    for value in (float("nan"), float("inf"), float("-inf")):
        assert call(policy_of(UNCHECKED), {"amount": value}).outcome == "deny"
        paid = {
            "run": {"schema": "off", "limits": [{"counter": "c", "window": "day", "max": 5, "cost": "args.amount"}]}
        }
        assert call(policy_of(paid), {"amount": value}).outcome == "deny"


def test_integers_of_thousands_of_digits_do_not_break_the_engine() -> None:
    huge = 10**5000
    assert call(policy_of(UNCHECKED), {"amount": huge}).outcome == "deny"
    assert call(policy_of(CAPPED), {"amount": huge}, definition=AMOUNT).outcome == "deny"


def test_numerals_with_giant_exponents_cost_nothing() -> None:
    for text in ("1e999999999", "1e-999999999", "-1E+123456789"):
        assert call(policy_of(CAPPED), f'{{"amount": {text}}}', definition=AMOUNT).outcome == "deny"


def test_a_dotted_path_does_not_stop_at_arrays_intercept_resolver() -> None:
    items = {"items": [{"to": "a@good.example"}, {"to": "b@evil.example"}]}
    walked = {"run": {"schema": "off", "deny_if": [rule("args.items.to", "ends_with", "@evil.example")]}}
    each = {"run": {"schema": "off", "require": [rule("args.items[*].to", "ends_with", "@good.example")]}}
    assert call(policy_of(walked), items).outcome == "deny"
    assert call(policy_of(each), items).outcome == "deny"
    assert call(policy_of(each), {"items": [[{"to": "b@good.example"}]]}).outcome == "deny"


def test_equality_does_not_fall_back_to_printed_text_intercept() -> None:
    flagged = {"run": {"schema": "off", "require": [rule("args.dry_run", "eq", True)]}}
    for value in ("true", "True", 1, "1", [True]):
        assert call(policy_of(flagged), {"dry_run": value}).outcome == "deny"
    assert call(policy_of(flagged), {"dry_run": True}).outcome == "allow"


def test_a_missing_argument_does_not_pass_a_denial_praxis_939() -> None:
    given: list[dict[str, Any]] = [{}, {"amount": None}, {"amount": ""}, {"amount": []}, {"amount": {}}]
    for arguments in given:
        assert call(policy_of(UNCHECKED), arguments).outcome == "deny"


def test_a_default_of_the_schema_is_not_consulted() -> None:
    schema = {"type": "object", "properties": {"amount": {"type": "integer", "default": 1}}}
    assert call(policy_of(CAPPED), {}, definition=schema).rule == "/tools/run/deny_if/0"


@pytest.mark.parametrize("arguments", [None, [], "x", 5, True])
def test_arguments_that_are_no_object_are_malformed_intercept(arguments: Any) -> None:
    verdict = policy_of({"run": {}}, default="allow").judge("run", arguments, Subject("g"), 0.0, None)
    assert (verdict.outcome, verdict.rule) == ("deny", "(malformed)")
    assert policy_of({}).judge_method("ping", arguments, Subject("g"), 0.0).rule == "(malformed)"


@pytest.mark.parametrize("name", ["Run", "run ", " run", "run\x00", "r%75n", "ｒun", "rum", "run\u200b", "ruп", ""])
def test_a_name_is_matched_byte_for_byte_cve_2026_125271(name: str) -> None:
    assert call(policy_of({"run": {}}), name=name).rule == "(default deny)"


def test_a_hidden_tool_stays_hidden_under_no_other_spelling_that_is_listed() -> None:
    assert call(policy_of({"run": {}}, hide=["run"])).rule == "(hidden)"


@pytest.mark.parametrize("value", ["ls\n", "ls\nrm -rf /", "ls;", "ls\r", "ls\u2028", "\nls"])
def test_a_newline_does_not_pass_an_anchored_pattern_measured_in_python_re(value: str) -> None:
    for op, pattern in (("regex", "^ls$"), ("full_match", "ls"), ("regex", "^[a-z]+$")):
        policy = policy_of({"run": {"schema": "off", "require": [rule("args.a", op, pattern)]}})
        assert call(policy, {"a": value}).outcome == "deny"


def test_a_pattern_is_linear_in_the_text_cve_2026_0621() -> None:
    policy = policy_of({"run": {"schema": "off", "require": [rule("args.a", "regex", "^(a+)+$")]}})
    assert call(policy, {"a": "a" * 200_000 + "!"}).outcome == "deny"


def test_a_pattern_of_the_schema_is_linear_too_cve_2026_0621() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string", "pattern": "^(a+)+$"}}}
    policy = policy_of({"run": {"schema": "closed"}})
    assert call(policy, {"a": "a" * 50_000 + "!"}, definition=schema).rule == "(schema)"


def test_the_sum_of_a_text_is_no_sum_measured_coercions() -> None:
    limit = {"counter": "spend", "window": "day", "max": 100, "cost": "args.amount"}
    policy = policy_of({"run": {"schema": "off", "limits": [limit]}})
    values: list[Any] = ["5", True, None, [], -1, -0.5]
    for value in values:
        assert call(policy, {"amount": value}).outcome == "deny"


def test_deep_arguments_do_not_break_the_engine_cmcp_34() -> None:
    deep: Any = 1
    for _ in range(5000):
        deep = [deep]
    policy = policy_of({"run": {"deny_if": [rule("args.amount[*][*]", "gt", 1)]}})
    assert call(policy, {"amount": deep}, definition=AMOUNT).rule == "(schema)"


def test_a_restriction_that_is_malformed_is_no_policy_praxis_939_cve_2026_16584() -> None:
    for text in ('{"version": "1"}', '{"version": "1", "default": "deny", "allowed_tools": []}', "", "null", "{}"):
        with pytest.raises(PolicyError):
            parse(text)


def test_unknown_words_never_mean_allow_talon_346() -> None:
    for word in ("monitor", "log", "DENY", "", None, 0):
        with pytest.raises(PolicyError):
            policy_of({"run": {"action": word}})


def test_methods_beside_tools_call_are_closed_toolhive_3168() -> None:
    policy = policy_of({"run": {}})
    for method in (
        "resources/read",
        "prompts/get",
        "completion/complete",
        "sampling/createMessage",
        "tasks/x",
        "TOOLS/LIST",
    ):
        assert policy.judge_method(method, {}, Subject("g"), 0.0).rule == "(method)"


def test_tools_call_has_no_side_door_through_methods_toolhive_3168() -> None:
    policy = policy_of({}, default="allow", methods={"*": {"action": "allow"}})
    assert policy.judge_method("tools/call", {"name": "run"}, Subject("g"), 0.0).rule == "(method)"


def test_every_recipient_is_judged_openclaw_and_row_48() -> None:
    policy = policy_of({"send": {"schema": "off", "require": [rule("args.to", "email_domain_in", ["corp.example"])]}})
    assert call(policy, {"to": "a@corp.example"}, name="send").outcome == "allow"
    for to in (
        "a@corp.example,b@evil.example",
        ["a@corp.example", "b@evil.example"],
        "x@evil.example <a@corp.example>",
    ):
        assert call(policy, {"to": to}, name="send").outcome == "deny"


def test_a_denial_tells_argument_names_short_and_printable_log_injection() -> None:
    nasty = "x\n[POLICY ALLOWED]\x1b[2J" + "y" * 5000
    message = call(policy_of(CAPPED), {"amount": 1, nasty: 1}, definition=AMOUNT).message
    assert "\n" not in message
    assert "\x1b" not in message
    assert len(message) < 200


def test_names_of_callers_fill_no_memory_row_59() -> None:
    policy = policy_of({"run": {}}, default="allow")
    for number in range(10_000):
        policy.judge(f"name-{number}", {}, Subject("g"), 0.0, None)
    policy.judge("n" * 100_000, {}, Subject("g"), 0.0, None)
    assert policy.remembered <= 4096
