"""Each preset gives a valid document that refuses what it promises to refuse, and lets the rest pass."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from tests.classifier.collected import collected
from tests.policy.presets.playing import BANK, MAIL, Agent, begun, cargo, known, parsed, warnings

from toolgate.policy.presets.preset import BadOption
from toolgate.policy.presets.shipped import PRESETS, add, begin, preset_of

GIVEN = {
    "freeze": {"from": "2026-12-24T18:00:00+01:00", "to": "2027-01-02T06:00:00Z"},
    "money-cap": {"daily": "100"},
}
CLOSED: dict[str, Any] = {"version": "1", "default": "deny"}
COLLECTED = ("github/github-mcp-server", "GongRzhe/Gmail-MCP-Server", "futuur/futuur-mcp")


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_the_bundled_server_has_nothing_to_complain_of(preset: Any) -> None:
    added = begin(preset, known(cargo()), GIVEN.get(preset.name, {}))
    assert warnings(added.document, cargo()) == []


@pytest.mark.slow
@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_real_servers_have_nothing_to_complain_of(preset: Any) -> None:
    servers = collected()
    for name in COLLECTED:
        added = begin(preset, known(servers[name]), GIVEN.get(preset.name, {}))
        found = [one for one in warnings(added.document, servers[name]) if one.code != "lethal-trifecta"]
        assert found == [], name
        if preset.name == "lethal-trifecta":
            assert warnings(added.document, servers[name]) == [], name


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
@pytest.mark.parametrize("document", [CLOSED, {**CLOSED, "default": "allow", "hide": ["*"]}])
def test_nothing_that_a_document_denies_is_allowed_by_a_preset(preset: Any, document: dict[str, Any]) -> None:
    tools = [*MAIL, *BANK]
    agent = Agent(add(preset, document, known(tools), GIVEN.get(preset.name, {})).document, tools)
    assert {agent.call(each["name"]) for each in tools} <= {"(default deny)", "(hidden)"}


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_what_the_document_says_already_stays(preset: Any) -> None:
    document = {
        **CLOSED,
        "description": "ours",
        "tools": {"read_file": {"rate_limit": "5/minute"}, "transfer_money": {"require": [], "limits": []}},
        "all_tools": {"deny_if": [{"conditions": [], "on_deny": "never"}]},
    }
    added = add(preset, document, known([*MAIL, *BANK]), GIVEN.get(preset.name, {})).document
    parsed(added)
    assert added["tools"]["read_file"] == {"rate_limit": "5/minute"}
    assert added["all_tools"]["deny_if"][0] == {"conditions": [], "on_deny": "never"}
    assert (added["description"], added["default"]) == ("ours", "deny")


def test_read_only_lets_reading_pass_and_nothing_else() -> None:
    agent = Agent(begun("read-only", MAIL).document, MAIL)
    assert agent.call("read_file", {"path": "/a"}) == "allow"
    assert agent.call("send_email", {"to": "a@b.c", "body": ""}) == "(default deny)"
    anything = Agent(begun("read-only").document, MAIL)
    assert anything.call("read_file", {"path": "/a"}) == "allow"
    assert anything.call("send_email") == "/all_tools/require/0"
    assert anything.call("nobody_judged_it") == "/all_tools/require/0"


def test_read_only_says_where_no_tool_reads() -> None:
    added = begun("read-only", BANK[1:])
    assert added.notes == ("no tool of the server only reads, so every call is denied",)


def at(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


@pytest.mark.parametrize(
    ("moment", "sending"),
    [
        ("2026-12-24T16:59:59Z", "allow"),
        ("2026-12-24T17:00:00Z", "/all_tools/deny_if/0"),
        ("2027-01-02T05:59:59.9Z", "/all_tools/deny_if/0"),
        ("2027-01-02T06:00:00Z", "allow"),
    ],
)
def test_a_freeze_stops_changes_from_its_first_second_to_its_last_and_no_reading(moment: str, sending: str) -> None:
    agent = Agent(begun("freeze", MAIL, given=GIVEN["freeze"]).document, MAIL, at(moment))
    assert agent.call("send_email", {"to": "a@b.c", "body": ""}) == sending
    assert agent.call("read_file", {"path": "/a"}) == "allow"


def test_a_tool_that_nobody_judged_is_frozen_too_and_free_afterwards() -> None:
    document = begun("freeze", given=GIVEN["freeze"]).document
    assert Agent(document, (), at("2026-12-30T00:00:00Z")).call("new_tool") == "/all_tools/deny_if/0"
    assert Agent(document, (), at("2027-02-01T00:00:00Z")).call("new_tool") == "allow"


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ({"from": "2026-12-24", "to": "2027-01-02T06:00:00Z"}, "from"),
        ({"from": "2026-12-24T18:00:00Z", "to": "soon"}, "to"),
        ({"from": "2026-12-24T18:00:00Z", "to": "2026-12-24T19:00:00+01:00"}, "to"),
        ({"from": "2026-12-24T18:00:00Z"}, "to"),
        ({"from": "9999-12-31T23:59:59-10:00", "to": "soon"}, "from"),
    ],
)
def test_a_freeze_without_two_moments_in_order_is_refused(given: dict[str, str], place: str) -> None:
    with pytest.raises(BadOption) as refused:
        begun("freeze", MAIL, given)
    assert refused.value.place == place


def test_a_freeze_that_ends_within_a_second_lasts_until_the_next() -> None:
    given = {"from": "2026-12-24T18:00:00.7Z", "to": "2026-12-24T18:00:00.9Z"}
    document = begun("freeze", MAIL, given).document
    frozen = "/all_tools/deny_if/0"
    assert Agent(document, MAIL, at("2026-12-24T18:00:00.8Z")).call("send_email", {"to": "", "body": ""}) == frozen
    assert Agent(document, MAIL, at("2026-12-24T18:00:01Z")).call("send_email", {"to": "", "body": ""}) == "allow"


def test_a_money_cap_is_one_sum_over_all_tools_that_move_money() -> None:
    agent = Agent(begun("money-cap", BANK, {"daily": "100"}).document, BANK)
    assert agent.call("transfer_money", {"to": "a", "amount": 60}) == "allow"
    assert agent.call("refund_payment", {"payment": "p", "amount": 40.5}) == "/tools/refund_payment/limits/0"
    assert agent.call("refund_payment", {"payment": "p", "amount": 40}) == "allow"
    assert agent.call("transfer_money", {"to": "a", "amount": 0.01}) == "/tools/transfer_money/limits/0"
    assert agent.call("transfer_money", {"to": "a"}) == "/tools/transfer_money/limits/0"
    assert agent.call("get_balance", {"account": "a"}) == "allow"


def test_a_tool_that_does_not_say_how_much_it_moves_waits_for_a_person() -> None:
    added = begun("money-cap", BANK, {"daily": "100", "counter": "spent"})
    verdict = Agent(added.document, BANK).judged("pay_invoice", {"invoice": "i"})
    assert (verdict.outcome, verdict.rule) == ("wait", "/tools/pay_invoice/action")
    assert any("`pay_invoice`" in note for note in added.notes)
    assert added.document["tools"]["refund_payment"]["limits"][0]["counter"] == "spent"


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ({}, "daily"),
        ({"daily": "-1"}, "daily"),
        ({"daily": "1e9"}, "daily"),
        ({"daily": "123456789012345678.5"}, "daily"),
        ({"daily": "1", "counter": "rate_limit:x"}, "counter"),
        ({"daily": "1", "window": "60"}, "window"),
    ],
)
def test_a_cap_that_cannot_be_kept_exactly_is_refused(given: dict[str, str], place: str) -> None:
    with pytest.raises(BadOption) as refused:
        begun("money-cap", BANK, given)
    assert refused.value.place == place


def test_presets_that_are_made_from_tools_ask_for_them() -> None:
    for preset in PRESETS:
        if preset.needs_tools:
            with pytest.raises(BadOption, match="tools of a server"):
                begin(preset, [], GIVEN.get(preset.name, {}))


def test_an_unknown_preset_is_told_which_there_are() -> None:
    with pytest.raises(BadOption) as refused:
        preset_of("unlethal")
    assert all(preset.name in refused.value.mend for preset in PRESETS)


def test_adding_the_same_twice_changes_nothing() -> None:
    for preset in PRESETS:
        if preset.name == "loop-breaker":
            continue
        given, tools = GIVEN.get(preset.name, {}), known([*MAIL, *BANK])
        once = begin(preset, tools, given).document
        assert add(preset, once, tools, given).document == once
