"""The runner of cases: what it reads, what it refuses, and what it reports."""

from __future__ import annotations

import json
from typing import Any

import pytest

from toolgate.policy.cases import CasesError, run_cases
from toolgate.policy.document import PolicyError

POLICY = {"version": "1", "default": "deny", "tools": {"run": {"rate_limit": "1/minute"}, "stop": {"action": "deny"}}}


def run(*cases: dict[str, Any], policy: object = POLICY) -> Any:
    return run_cases(json.dumps({"policy": policy, "cases": list(cases)}), lambda _: json.dumps(POLICY))


def test_a_case_that_comes_out_as_wanted_passes() -> None:
    report = run({"tool": "run", "want": {"outcome": "allow"}})
    assert report.passed
    assert report.covered == ("/tools/run/rate_limit",)
    assert report.uncovered == ("/tools/stop/action",)


@pytest.mark.parametrize(
    ("want", "difference"),
    [
        ({"outcome": "allow"}, "outcome is `deny`, wanted `allow`"),
        ({"outcome": "deny", "rule": "(hidden)"}, "rule is `/tools/stop/action`, wanted `(hidden)`"),
        ({"outcome": "deny", "message": "hello"}, "message is `the policy denies this call`, wanted `hello` in it"),
        ({"outcome": "deny", "shown": False}, "shown is `True`, wanted `False`"),
        ({"outcome": "deny", "charges": {"x": 1}}, "charges is `{}`, wanted `{'x': '1'}`"),
    ],
)
def test_a_difference_is_told(want: dict[str, Any], difference: str) -> None:
    report = run({"note": "n", "tool": "stop", "want": want})
    assert not report.passed
    assert report.results[0].differences == (difference,)


def test_a_whole_request_is_a_case() -> None:
    request = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "stop", "arguments": {}}}
    listing = {"jsonrpc": "2.0", "id": 1, "method": "resources/list"}
    assert run({"request": request, "want": {"outcome": "deny", "rule": "/tools/stop/action"}}).passed
    assert run({"request": listing, "want": {"outcome": "deny", "rule": "(method)"}}).passed


def test_a_policy_may_stand_in_its_own_file() -> None:
    assert run({"tool": "run", "want": {"outcome": "allow"}}, policy="policy.json").passed
    with pytest.raises(CasesError, match="is not at hand"):
        run_cases('{"policy": "policy.json", "cases": []}')


def test_the_time_of_a_case_is_its_own() -> None:
    late = {"require": [{"conditions": [{"path": "time.hour", "op": "gte", "value": 18}]}]}
    policy = {"version": "1", "default": "deny", "tools": {"run": late}}
    assert run({"tool": "run", "time": "2026-05-01T19:00:00Z", "want": {"outcome": "allow"}}, policy=policy).passed
    assert run({"tool": "run", "time": "2026-05-01T19:00:00+09:00", "want": {"outcome": "deny"}}, policy=policy).passed
    assert run({"tool": "run", "time": 68_400, "want": {"outcome": "allow"}}, policy=policy).passed
    assert run({"tool": "run", "want": {"outcome": "deny"}}, policy=policy).passed


def test_a_policy_that_is_not_valid_is_told_as_such() -> None:
    with pytest.raises(PolicyError):
        run({"tool": "run", "want": {"outcome": "allow"}}, policy={"version": "2"})


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "cases"),
        ("[]", "cases"),
        ('{"policy": 1, "cases": []}', "/policy"),
        ('{"policy": {}, "cases": {}}', "/cases"),
        ('{"policy": {}, "cases": [], "case": 1}', "/case"),
        ('{"policy": {}, "cases": [], "cases": []}', "cases"),
        ('{"policy": {}, "tools": [1], "cases": []}', "/tools"),
        ('{"policy": {}, "categories": [], "cases": []}', "/categories"),
        ('{"policy": {}, "categories": {"a/b": "read"}, "cases": []}', "/categories/a~1b"),
        (
            '{"policy": {}, "cases": [{"tool": "a", "category": "High", "want": {"outcome": "deny"}}]}',
            "/cases/0/category",
        ),
        ('{"policy": {}, "cases": [{}]}', "/cases/0"),
        ('{"policy": {}, "cases": [{"tool": "a", "method": "b", "want": {"outcome": "deny"}}]}', "/cases/0"),
        ('{"policy": {}, "cases": [{"tool": "a"}]}', "/cases/0/want"),
        ('{"policy": {}, "cases": [{"tool": "a", "want": {"outcome": "refuse"}}]}', "/cases/0/want"),
        ('{"policy": {}, "cases": [{"tool": "a", "want": {"outcome": "deny", "why": 1}}]}', "/cases/0/want/why"),
        ('{"policy": {}, "cases": [{"tool": "a", "time": "noon", "want": {"outcome": "deny"}}]}', "/cases/0/time"),
        (
            '{"policy": {}, "cases": [{"tool": "a", "time": "2026-01-01", "want": {"outcome": "deny"}}]}',
            "/cases/0/time",
        ),
        ('{"policy": {}, "cases": [{"tool": "a", "grant": [], "want": {"outcome": "deny"}}]}', "/cases/0/grant"),
        (
            '{"policy": {}, "cases": [{"tool": "a", "grant": {"label": 1}, "want": {"outcome": "deny"}}]}',
            "/cases/0/grant",
        ),
        (
            '{"policy": {}, "cases": [{"tool": "a", "grant": {"name": "x"}, "want": {"outcome": "deny"}}]}',
            "/cases/0/grant/name",
        ),
        ('{"policy": {}, "cases": [{"request": {"method": "tools/call"}, "want": {"outcome": "deny"}}]}', "/cases/0"),
        ('{"policy": {}, "cases": [{"method": "ping", "params": [], "want": {"outcome": "deny"}}]}', "/cases/0"),
    ],
)
def test_a_file_of_another_shape_is_refused_at_its_place(text: str, place: str) -> None:
    with pytest.raises(CasesError) as caught:
        run_cases(text)
    assert caught.value.place == place
    assert caught.value.mend


def test_a_case_is_of_the_category_that_it_says_or_that_the_file_says() -> None:
    deny = {"deny_if": [{"conditions": [{"path": "tool.category", "op": "eq", "value": "Destructive"}]}]}
    document = {"version": "1", "default": "deny", "tools": {"run": {}, "stop": {}}, "all_tools": deny}
    cases = [
        {"tool": "run", "want": {"outcome": "allow"}},
        {"tool": "run", "category": "Destructive", "want": {"outcome": "deny", "rule": "/all_tools/deny_if/0"}},
        {"tool": "stop", "want": {"outcome": "deny", "message": "`tool.category` is missing"}},
    ]
    text = json.dumps({"policy": document, "categories": {"run": "Write"}, "cases": cases})
    assert run_cases(text).passed
