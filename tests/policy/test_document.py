"""Documents: what is refused, where, and that nothing that is accepted can make the engine fail."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.policy import generated

from toolgate.policy.compiler import compile_policy
from toolgate.policy.decision import Subject
from toolgate.policy.document import Document, PolicyError, parse
from toolgate.policy.lint import lint
from toolgate.policy.published import schema

BASE = '"version": "1", "default": "deny"'


def problems(text: str | bytes) -> list[tuple[str, str]]:
    with pytest.raises(PolicyError) as caught:
        parse(text)
    assert all(problem.cause and problem.mend for problem in caught.value.problems)
    return [(problem.pointer, problem.cause) for problem in caught.value.problems]


def places(tool: dict[str, Any]) -> list[str]:
    found = problems(json.dumps({"version": "1", "default": "deny", "tools": {"a": tool}}))
    return [pointer.removeprefix("/tools/a") for pointer, _ in found]


@pytest.mark.parametrize(
    ("text", "pointer"),
    [
        ("{}", ""),
        ("[]", ""),
        ("null", ""),
        ('{"version": 1, "default": "deny"}', "/version"),
        ('{"version": "2", "default": "deny"}', "/version"),
        ('{"version": "1", "default": "ask"}', "/default"),
        ('{"version": "1"}', ""),
        ("{" + BASE + ', "Tools": {}}', "/Tools"),
        ("{" + BASE + ', "a/b~c": 1}', "/a~1b~0c"),
        ("{" + BASE + ', "tools": []}', "/tools"),
        ("{" + BASE + ', "tools": {"": {}}}', "/tools/"),
        ("{" + BASE + ', "tools": {"a": null}}', "/tools/a"),
        ("{" + BASE + ', "tools": {"a/b": {"x": 1}}}', "/tools/a~1b/x"),
        ("{" + BASE + ', "hide": "a"}', "/hide"),
        ("{" + BASE + ', "hide": ["a", 1]}', "/hide/1"),
        ("{" + BASE + ', "list": "some"}', "/list"),
        ("{" + BASE + ', "description": 1}', "/description"),
        ("{" + BASE + ', "all_tools": {"action": "deny"}}', "/all_tools/action"),
        ("{" + BASE + ', "all_tools": {"schema": "off"}}', "/all_tools/schema"),
        ("{" + BASE + ', "methods": {"tools/call": {}}}', "/methods/tools~1call"),
        ("{" + BASE + ', "methods": {"x": {"schema": "off"}}}', "/methods/x/schema"),
        ("{" + BASE + ', "tools": {"a": {}, "a": {}}}', "/tools/a"),
        ("{" + BASE + ', "tools": {"a": {}, "\\u0061": {}}}', "/tools/a"),
        ("{" + BASE + ', "default": "allow"}', "/default"),
        ("{" + BASE + "} x", ""),
        ("{" + BASE + ", }", ""),
        ('{"version": "1", "default": NaN}', ""),
        ("", ""),
        ("\ufeff{" + BASE + "}", ""),
        ("[" * 1000, ""),
        ('{"\ud800": 1}', ""),
    ],
)
def test_a_document_is_refused_at_its_place(text: str, pointer: str) -> None:
    assert pointer in [place for place, _ in problems(text)]


@pytest.mark.parametrize(
    ("tool", "place"),
    [
        ({"require": {}}, "/require"),
        ({"require": [[]]}, "/require/0"),
        ({"require": [{}]}, "/require/0"),
        ({"require": [{"conditions": [], "name": "x"}]}, "/require/0/name"),
        ({"require": [{"conditions": [], "timeout": "1m"}]}, "/require/0/timeout"),
        ({"require": [{"conditions": [], "on_deny": 1}]}, "/require/0/on_deny"),
        ({"require": [{"conditions": [1]}]}, "/require/0/conditions/0"),
        ({"action": "permit"}, "/action"),
        ({"reason": ["x"]}, "/reason"),
        ({"schema": "strict"}, "/schema"),
        ({"require_approval": [{"conditions": [], "timeout": "10"}]}, "/require_approval/0/timeout"),
        ({"require_approval": [{"conditions": [], "timeout": "8d"}]}, "/require_approval/0/timeout"),
        ({"require_approval": [{"conditions": [], "timeout": 600}]}, "/require_approval/0/timeout"),
        ({"rate_limit": "10"}, "/rate_limit"),
        ({"rate_limit": "10/month"}, "/rate_limit"),
        ({"rate_limit": "10001/day"}, "/rate_limit"),
        ({"rate_limit": {"max": 1.5, "window": 60}}, "/rate_limit/max"),
        ({"rate_limit": {"max": True, "window": 60}}, "/rate_limit/max"),
        ({"rate_limit": {"max": 10, "window": "minute"}}, "/rate_limit/window"),
        ({"rate_limit": {"max": 10}}, "/rate_limit"),
        ({"rate_limit": {"max": 10, "window": 60, "scope": "server"}}, "/rate_limit/scope"),
    ],
)
def test_an_entry_is_refused_at_its_place(tool: dict[str, Any], place: str) -> None:
    assert place in places(tool)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"window": "minutes"}, "/window"),
        ({"window": 0}, "/window"),
        ({"window": 86401}, "/window"),
        ({"window": True}, "/window"),
        ({"window": 60.0}, "/window"),
        ({"max": -1}, "/max"),
        ({"max": "10"}, "/max"),
        ({"max": 0.0000000001}, "/max"),
        ({"max": 10**19}, "/max"),
        ({"window": 60, "max": 10001}, "/max"),
        ({"counter": ""}, "/counter"),
        ({"counter": "rate_limit:run"}, "/counter"),
        ({"scope": "user"}, "/scope"),
        ({"cost": "amount"}, "/cost"),
        ({"cost": "params.amount"}, "/cost"),
        ({"cost": "args.items[*].amount"}, "/cost"),
        ({"cost": "grant.label"}, "/cost"),
        ({"cost": -1}, "/cost"),
        ({"settle": "a[*]"}, "/settle"),
        ({"settle": ""}, "/settle"),
        ({"on_deny": "x"}, "/on_deny"),
    ],
)
def test_a_limit_is_refused_at_its_place(change: dict[str, Any], place: str) -> None:
    limit = {"counter": "c", "window": "day", "max": 10, **change}
    assert f"/limits/0{place}" in places({"limits": [limit]})


@pytest.mark.parametrize(
    ("condition", "place"),
    [
        ({"path": "args.a", "op": "eq"}, ""),
        ({"path": "args.a", "value": 1}, ""),
        ({"op": "eq", "value": 1}, ""),
        ({"path": "args.a", "op": "EQ", "value": 1}, "/op"),
        ({"path": "args.a", "op": "eq", "value": 1, "not": True}, "/not"),
        ({"path": "params.a", "op": "eq", "value": 1}, "/path"),
        ({"path": 1, "op": "eq", "value": 1}, "/path"),
        ({"path": "args.a", "op": "eq", "value": [1]}, "/value"),
        ({"path": "args.a", "op": "eq", "value": {"a": 1}}, "/value"),
        ({"path": "args.a", "op": "eq", "value": 9007199254740993}, "/value"),
        ({"path": "args.a", "op": "in", "value": "x"}, "/value"),
        ({"path": "args.a", "op": "in", "value": [["x"]]}, "/value"),
        ({"path": "args.a", "op": "in", "value": {"ref": "grant.label"}}, "/value"),
        ({"path": "args.a", "op": "gt", "value": True}, "/value"),
        ({"path": "args.a", "op": "gt", "value": None}, "/value"),
        ({"path": "args.a", "op": "exists", "value": "yes"}, "/value"),
        ({"path": "args.a", "op": "regex", "value": "("}, "/value"),
        ({"path": "args.a", "op": "regex", "value": "(?=a)"}, "/value"),
        ({"path": "args.a", "op": "regex", "value": "(?m)^a$"}, "/value"),
        ({"path": "args.a", "op": "regex", "value": "\\1"}, "/value"),
        ({"path": "args.a", "op": "full_match", "value": 1}, "/value"),
        ({"path": "args.a", "op": "length_lte", "value": -1}, "/value"),
        ({"path": "args.a", "op": "length_lte", "value": 1.5}, "/value"),
        ({"path": "args.a", "op": "host_in", "value": "a.example"}, "/value"),
        ({"path": "args.a", "op": "host_in", "value": ["https://a.example"]}, "/value"),
        ({"path": "args.a", "op": "host_in", "value": ["*"]}, "/value"),
        ({"path": "args.a", "op": "host_in", "value": ["a.*.example"]}, "/value"),
        ({"path": "args.a", "op": "ip_public", "value": 1}, "/value"),
        ({"path": "args.a", "op": "path_under", "value": "/a/../b"}, "/value"),
        ({"path": "args.a", "op": "path_under", "value": []}, "/value"),
        ({"path": "args.a", "op": "email_domain_in", "value": ["10.0.0.1"]}, "/value"),
        ({"path": "args.a", "op": "sql_only", "value": ["select"]}, ""),
        ({"path": "args.a", "op": "sql_only", "value": ["select"], "dialect": "tsql"}, ""),
        ({"path": "args.a", "op": "sql_only", "value": ["drop"], "dialect": "mysql"}, "/value"),
        ({"path": "args.a", "op": "sql_only", "value": [], "dialect": "mysql"}, "/value"),
        ({"path": "args.a", "op": "eq", "value": 1, "dialect": "mysql"}, "/dialect"),
        ({"path": "args.a", "op": "argv_matches", "value": ["("]}, "/value"),
        ({"path": "args.a", "op": "eq", "value": 1, "zone": "UTC"}, "/zone"),
        ({"path": "time.hour", "op": "eq", "value": 1, "zone": "Mars/Base"}, "/zone"),
        ({"path": "time.hour", "op": "eq", "value": 1, "zone": "../etc/passwd"}, "/zone"),
        ({"path": "args.a", "op": "eq", "value": {"ref": "args.b"}}, "/value/ref"),
        ({"path": "args.a", "op": "eq", "value": {"ref": "grant"}}, "/value/ref"),
        ({"path": "args.a", "op": "eq", "value": {"ref": "principal", "x": 1}}, "/value"),
    ],
)
def test_a_condition_is_refused_at_its_place(condition: dict[str, Any], place: str) -> None:
    assert f"/require/0/conditions/0{place}" in places({"require": [{"conditions": [condition]}]})


def test_every_problem_is_told_not_only_the_first() -> None:
    text = '{"version": "2", "defalt": "x", "tools": {"a": {"limits": [{"counter": "c", "window": "min", "max": -1}]}}}'
    found = [pointer for pointer, _ in problems(text)]
    assert found == ["/defalt", "/version", "", "/tools/a/limits/0/window", "/tools/a/limits/0/max"]


def test_duplicate_keys_are_all_found_also_when_escaped() -> None:
    text = '{"version": "1", "version": "1", "default": "deny", "tools": {"a": {"re\\u0061son": "x", "reason": "y"}}}'
    assert [pointer for pointer, _ in problems(text)] == ["/version", "/tools/a/reason"]


@pytest.mark.parametrize("change", [{"window": "hour"}, {"cost": "args.n"}])
def test_limits_that_share_a_counter_must_agree(change: dict[str, Any]) -> None:
    limit = {"counter": "c", "window": "day", "max": 10}
    tools = {"a": {"limits": [limit]}, "b": {"limits": [{**limit, **change}]}}
    found = problems(json.dumps({"version": "1", "default": "deny", "tools": tools}))
    assert [pointer for pointer, _ in found] == ["/tools/b/limits/0"]


def test_limits_of_other_scopes_need_not_agree() -> None:
    limits = [
        {"counter": "c", "window": "day", "max": 10},
        {"counter": "c", "window": "hour", "max": 10, "scope": "server"},
    ]
    parse(json.dumps({"version": "1", "default": "deny", "tools": {"a": {"limits": limits}}}))


def test_methods_read_params_and_no_tool() -> None:
    for path in ("args.uri", "tool.name"):
        entry = {"require": [{"conditions": [{"path": path, "op": "eq", "value": "x"}]}]}
        found = problems(json.dumps({"version": "1", "default": "deny", "methods": {"resources/read": entry}}))
        assert [pointer for pointer, _ in found] == ["/methods/resources~1read/require/0/conditions/0/path"]


def test_a_cost_of_all_tools_is_a_number() -> None:
    limit = {"counter": "c", "window": "day", "max": 10, "cost": "args.a"}
    found = problems(json.dumps({"version": "1", "default": "deny", "all_tools": {"limits": [limit]}}))
    assert [pointer for pointer, _ in found] == ["/all_tools/limits/0/cost"]


def test_an_error_names_place_cause_and_mend_in_one_line() -> None:
    with pytest.raises(PolicyError) as caught:
        parse('{"version": "1", "default": "deny", "x": 1, "y": 2}')
    assert str(caught.value).startswith("/x: the key `x` is not known here, and 1 more (")


def test_a_trusted_document_is_the_same_document() -> None:
    text = (
        '{"version": "1", "default": "deny", "tools": {"a": {"limits": [{"counter": "c", "window": 60, "max": 1.5}]}}}'
    )
    trusted, parsed = (compile_policy(made(text)) for made in (Document.trusted, parse))
    assert trusted.judge("a", {}, Subject("g"), 0.0, None) == parsed.judge("a", {}, Subject("g"), 0.0, None)
    with pytest.raises(PolicyError):
        Document.trusted("[]")


# --- generated documents ----------------------------------------------------------------------------------------------

FULL: dict[str, Any] = {
    "version": "1",
    "default": "deny",
    "description": "d",
    "hide": ["h", "h*"],
    "list": "all",
    "flows": [
        {"after": ["a", "b*"], "deny": [{"category": "Read"}], "on_deny": "no"},
        {"after": [{"category": ["Read", "Write"]}], "and_after": ["c"], "deny": ["d"], "within": "30m"},
    ],
    "all_tools": {
        "limits": [{"counter": "calls", "window": "minute", "max": 60, "scope": "grant", "settle": "a.b"}],
        "require_approval": [{"conditions": [{"path": "time.hour", "op": "lt", "value": 6, "zone": "UTC"}]}],
        "rate_limit": "5/second",
        "repeat_limit": "5/second",
    },
    "tools": {
        "a": {
            "action": "require_approval",
            "reason": "r",
            "schema": "closed",
            "require": [
                {
                    "conditions": [
                        {"path": "args.sql", "op": "sql_only", "value": ["select"], "dialect": "mysql"},
                        {"path": "args.items[*].to", "op": "email_domain_in", "value": ["a.example"]},
                        {"path": "args.t", "op": "eq", "value": {"ref": "grant.labels.tenant"}},
                        {"path": "args.u", "op": "host_in", "value": ["*.a.example", "10.0.0.1"]},
                        {"path": "args.p", "op": "path_under", "value": ["/a", "b"]},
                    ],
                    "on_deny": "no",
                }
            ],
            "deny_if": [{"conditions": []}],
            "require_approval": [
                {"conditions": [{"path": "principal", "op": "exists", "value": False}], "timeout": "10m"}
            ],
            "limits": [{"counter": "s", "window": 60, "max": 0.5, "cost": "args.n", "scope": "session"}],
            "rate_limit": {"max": 10, "window": 60, "scope": "session"},
            "repeat_limit": {"max": 10, "window": 60, "scope": "session"},
        },
        "b*": {"limits": [{"counter": "s2", "window": "day", "max": 5, "cost": 2}]},
    },
    "methods": {
        "resources/*": {
            "action": "allow",
            "require": [{"conditions": [{"path": "params.uri", "op": "starts_with", "value": "docs://"}]}],
            "limits": [{"counter": "reads", "window": "hour", "max": 5, "cost": "params.n"}],
        }
    },
}
ODD: list[Any] = [None, True, 0, -1, 1.5, 10**40, "", "x", "*", "args.a", "args.a[*]", "(", "1", "deny", "10m", [], {}]
ODD += [
    ["x"],
    {"ref": "grant.label"},
    {"ref": "args.a"},
    {"conditions": []},
    [{}],
    [[]],
    "select",
    "minute",
    "params.x",
]


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    """The full document with some of its places removed, replaced or given another key."""
    document = copy.deepcopy(FULL)
    for _ in range(draw(st.integers(1, 3))):
        holder: Any = document
        for _ in range(draw(st.integers(0, 6))):
            inner = [
                item
                for item in (holder.values() if isinstance(holder, dict) else holder)
                if isinstance(item, dict | list) and item
            ]
            if not inner:
                break
            holder = draw(st.sampled_from(inner))
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        if not keys:
            continue
        key = draw(st.sampled_from(keys))
        what = draw(st.integers(0, 3))
        if what == 0:
            del holder[key]
        elif what == 1 and isinstance(holder, dict):
            holder[draw(st.sampled_from(["x", "path", "op", "zone", "settle", "on_deny", "limits", "action"]))] = (
                holder.pop(key)
            )
        else:
            holder[key] = copy.deepcopy(draw(st.sampled_from(ODD)))
    return document


def accepted(value: Any) -> Document | None:
    try:
        return parse(json.dumps(value))
    except PolicyError as error:
        problems = error.problems
    unresolved = [problem for problem in problems if not resolves(value, problem.pointer)]
    assert problems
    assert not unresolved
    return None


def resolves(value: Any, pointer: str) -> bool:
    for token in pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            if key not in value:
                return False
            value = value[key]
        else:
            value = value[int(key)]
    return True


@settings(max_examples=150, deadline=None)
@given(mutated(), generated.arguments)
def test_a_mutated_document_is_refused_with_its_places_or_judges(value: Any, arguments: dict[str, Any]) -> None:
    document = accepted(value)
    if document is None:
        return
    policy, subject = compile_policy(document), Subject("g", "l", "p", labels={"tenant": "x"})
    for name in ("a", "b1", "h", "other"):
        verdict = policy.judge(name, arguments, subject, 0.0, None)
        assert verdict.outcome in ("allow", "deny", "wait")
        assert verdict.rule.startswith("(") or resolves(document.raw, verdict.rule)
    policy.judge_method("resources/read", arguments, subject, 0.0)
    lint(document)


SEMANTIC = (
    "the path `",
    "the pattern is not RE2",
    "the flag `m`",
    "survive double precision",
    "is shared with",
    "a sliding window holds",
    "finer or larger than counters",
    "is no time zone",
    "neither a host nor",
    "the value is an address",
    "a member of the list is an address",
    "a path with `..`",
    "is not one argument of the call",
    "is no length of time",
    "nor a length of time",
    "`[*]`",
)
"""What JSON Schema cannot say."""


@settings(max_examples=150, deadline=None)
@given(st.one_of(mutated(), generated.documents()))
def test_the_published_schema_agrees_with_the_parser(value: Any) -> None:
    valid = VALIDATOR.is_valid(value)
    try:
        parse(json.dumps(value))
    except PolicyError as error:
        problems = error.problems
    else:
        problems = []
    beyond = [problem for problem in problems if any(words in problem.cause for words in SEMANTIC)]
    assert valid == (not problems) or (valid and beyond == problems)


def _validator() -> Any:
    import jsonschema_rs

    jsonschema_rs.meta.validate(schema())
    return jsonschema_rs.validator_for(schema())


VALIDATOR = _validator()


@given(st.recursive(st.sampled_from(ODD), lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=3), inner)))
def test_no_json_value_makes_the_parser_fail(value: Any) -> None:
    accepted(value)


@given(st.binary(max_size=60))
def test_no_bytes_make_the_parser_fail(body: bytes) -> None:
    with pytest.raises(PolicyError):
        parse(body)
