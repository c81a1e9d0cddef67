"""The lethal trifecta and loops: what was called before decides, through the counters that the gateway keeps."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from tests.policy.presets.playing import MAIL, Agent, begun, known, tool

LEGS = [
    tool("read_file", "Read a file.", path="string"),
    tool("fetch_issue", "Get an issue with its comments.", number="string"),
    tool("send_message", "Send a message to a channel.", channel="string", text="string"),
    tool("get_time", "Get the present time."),
]
CALLS: dict[str, dict[str, Any]] = {
    "read_file": {"path": "/a"},
    "fetch_issue": {"number": "1"},
    "send_message": {"channel": "c", "text": "t"},
    "get_time": {},
}


def test_each_leg_is_told_from_the_definition() -> None:
    assert {each.name: set(each.legs) for each in known(LEGS)} == {
        "read_file": {"private"},
        "fetch_issue": {"strangers"},
        "send_message": {"outward"},
        "get_time": set(),
    }


@pytest.mark.parametrize(
    ("name", "legs"),
    [
        ("query_database", {"private"}),
        ("fetch_page", {"strangers", "outward"}),
        ("run_script", {"private", "outward"}),
        ("create_issue", {"outward"}),
    ],
)
def test_parameters_make_a_tool_a_leg_too(name: str, legs: set[str]) -> None:
    parameter = {"query_database": "sql", "fetch_page": "url", "run_script": "script"}.get(name, "title")
    (found,) = known([tool(name, "", **{parameter: "string"})])
    assert found.legs == legs


@pytest.mark.parametrize("order", list(permutations(["read_file", "fetch_issue", "send_message"])))
def test_after_any_two_legs_the_third_is_denied_and_everything_else_passes(order: tuple[str, str, str]) -> None:
    agent = Agent(begun("lethal-trifecta", LEGS).document, LEGS)
    first, second, third = order
    for _ in range(2):
        assert agent.call(first, CALLS[first]) == "allow"
    for _ in range(2):
        assert agent.call(second, CALLS[second]) == "allow"
    assert agent.call(third, CALLS[third]).startswith("/flows/")
    for name in (first, second, "get_time"):
        assert agent.call(name, CALLS[name]) == "allow"


def test_another_session_begins_anew_and_a_length_of_time_holds_for_the_whole_grant() -> None:
    agent = Agent(begun("lethal-trifecta", LEGS).document, LEGS)
    assert [agent.call(name, CALLS[name], "one") for name in ("read_file", "fetch_issue")] == ["allow", "allow"]
    assert agent.call("send_message", CALLS["send_message"], "one").startswith("/flows/")
    assert agent.call("send_message", CALLS["send_message"], "two") == "allow"
    timed = Agent(begun("lethal-trifecta", LEGS, {"within": "1h"}).document, LEGS)
    assert [timed.call(name, CALLS[name], "one") for name in ("read_file", "fetch_issue")] == ["allow", "allow"]
    assert timed.call("send_message", CALLS["send_message"], "two").startswith("/flows/")
    timed.now += 3601
    assert timed.call("send_message", CALLS["send_message"], "two") == "allow"


def test_a_tool_that_reads_mail_is_two_legs_at_once() -> None:
    agent = Agent(begun("lethal-trifecta", MAIL).document, MAIL)
    assert agent.call("send_email", {"to": "a@b.c", "body": ""}) == "allow"
    assert agent.call("read_email", {"id": "1"}) == "allow"
    assert agent.call("send_email", {"to": "a@b.c", "body": ""}).startswith("/flows/")


def test_each_denial_names_all_three_legs() -> None:
    told = [flow["on_deny"] for flow in begun("lethal-trifecta", LEGS).document["flows"]]
    assert len(told) == 3
    for text in told:
        assert "private data" in text
        assert "text of strangers" in text
        assert "sent outward" in text


def test_one_tool_with_all_three_legs_waits_for_a_person() -> None:
    alone = [tool("fetch_email_of_url", "Fetch e-mail from a URL.", url="string"), *LEGS]
    added = begun("lethal-trifecta", alone)
    assert {"private", "strangers", "outward"} == set(known(alone)[0].legs)
    verdict = Agent(added.document, alone).judged("fetch_email_of_url", {"url": "https://a.example/"})
    assert (verdict.outcome, verdict.rule) == ("wait", "/tools/fetch_email_of_url/action")
    assert any("all three by itself" in note for note in added.notes)


def test_where_a_leg_is_missing_nothing_is_parted() -> None:
    added = begun("lethal-trifecta", LEGS[:2])
    assert "flows" not in added.document
    assert added.notes == ("no tool sends outward, so there is nothing to part",)


def test_the_loop_breaker_stops_the_same_call_and_no_other() -> None:
    agent = Agent(begun("loop-breaker", LEGS, {"max": "2"}).document, LEGS)
    calls = [agent.call("get_time"), agent.call("get_time"), agent.call("get_time")]
    assert calls == ["allow", "allow", "/all_tools/repeat_limit"]
    assert agent.call("read_file", {"path": "/a"}) == "allow"
    assert [agent.call("read_file", {"path": f"/{number}"}) for number in range(5)] == ["allow"] * 5
    agent.now += 61
    assert agent.call("get_time") == "allow"
