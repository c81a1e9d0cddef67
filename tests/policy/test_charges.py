"""Charges: which counter, whose, how much, and what a result settles."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jiter import LosslessFloat
from tests.policy.calling import call, policy_of

from toolgate.policy.charges import actual_amount
from toolgate.policy.decision import NANO, Charge, Subject, Unit

DAY = {"counter": "spend", "window": "day", "max": 10}


def charges(limits: list[dict[str, Any]], subject: Subject | None = None, arguments: str = "{}") -> tuple[Charge, ...]:
    return call(policy_of({"run": {"schema": "off", "limits": limits}}), arguments, subject=subject).charges


def keys(scope: str, *subjects: Subject) -> set[str]:
    policy = policy_of({"run": {"limits": [{**DAY, "scope": scope}]}})
    return {call(policy, subject=subject).charges[0].key for subject in subjects}


def test_a_charge_holds_everything_that_a_limiter_needs() -> None:
    (charge,) = charges([{**DAY, "max": 2.5, "cost": "args.n", "settle": "used"}], arguments='{"n": 1.25}')
    assert charge.counter == "spend"
    assert (charge.amount, charge.maximum) == (1_250_000_000, 2_500_000_000)
    assert (charge.window, charge.rule, charge.settle) == (Unit.DAY, "/tools/run/limits/0", "used")


def test_the_grant_has_its_own_counter_whatever_its_session() -> None:
    assert len(keys("grant", Subject("a", session_id="1"), Subject("a", session_id="2"), Subject("b"))) == 2


def test_a_session_counts_alone_and_without_one_the_grant_does() -> None:
    subjects = [Subject("a", session_id="1"), Subject("a", session_id="2"), Subject("b", session_id="1"), Subject("a")]
    assert len(keys("session", *subjects, Subject("a"))) == 4


def test_all_grants_of_a_holder_share_and_grants_without_holder_do_not() -> None:
    assert len(keys("principal", Subject("a", principal="x"), Subject("b", principal="x"))) == 1
    assert len(keys("principal", Subject("a"), Subject("b"))) == 2
    assert len(keys("principal", Subject("a", principal="b"), Subject("b"))) == 2
    apart = [Subject("a", principal="x", organisation_id=organisation) for organisation in ("1", "2")]
    assert len(keys("principal", *apart)) == 2


def test_servers_and_organisations_share() -> None:
    assert len(keys("server", Subject("a", server_id="s"), Subject("b", server_id="s"))) == 1
    assert len(keys("organisation", Subject("a", organisation_id="o"), Subject("b", organisation_id="p"))) == 2


@given(*[st.tuples(st.sampled_from(["a", 'a"', "a,b", "", '","']), st.sampled_from(["c", '"c', "b,c", '","']))] * 2)
def test_no_two_counters_have_one_key(one: tuple[str, str], other: tuple[str, str]) -> None:
    found = [
        charges([{**DAY, "counter": name, "scope": "session"}], Subject("g", session_id=session))[0].key
        for session, name in (one, other)
    ]
    assert (found[0] == found[1]) == (one == other)


def test_a_name_is_shared_over_tools_and_the_tightest_maximum_counts() -> None:
    policy = policy_of({"a": {"limits": [DAY]}, "b": {"limits": [{**DAY, "max": 3}]}})
    first, second = (call(policy, name=name).charges[0] for name in ("a", "b"))
    assert first.key == second.key
    assert first.maximum == second.maximum == 3 * NANO
    assert first.rule == second.rule == "/tools/b/limits/0"


def test_one_call_charges_a_counter_once() -> None:
    policy = policy_of({"run": {"limits": [DAY]}, "r*": {"limits": [{**DAY, "cost": 3}]}}, all_tools={"limits": [DAY]})
    (charge,) = call(policy).charges
    assert (charge.amount, charge.rule) == (3 * NANO, "/tools/run/limits/0")


def test_a_limit_on_a_pattern_is_one_total() -> None:
    policy = policy_of({"read_*": {"action": "allow", "rate_limit": "3/minute"}})
    first, second = (call(policy, name=name).charges[0] for name in ("read_a", "read_b"))
    assert first == second
    assert first.counter == "rate_limit:read_*"
    assert first.window == 60


def test_rate_limits_of_entries_with_one_key_do_not_meet() -> None:
    policy = policy_of(
        {"all_tools": {"rate_limit": "3/minute"}, "ping": {"rate_limit": "3/minute"}},
        all_tools={"rate_limit": "3/minute"},
        methods={"ping": {"rate_limit": "3/minute"}},
    )
    found = [charge.key for name in ("all_tools", "ping") for charge in call(policy, name=name).charges]
    found += [charge.key for charge in policy.judge_method("ping", {}, Subject("g"), 0.0).charges]
    assert len(set(found)) == 4


def test_what_is_charged_is_rounded_up_to_nine_digits() -> None:
    (charge,) = charges([{**DAY, "cost": "args.n"}], arguments='{"n": 0.0000000001}')
    assert charge.amount == 1


def test_a_remembered_charge_is_that_of_its_subject() -> None:
    policy = policy_of({"run": {"limits": [DAY]}})
    for round_ in range(2):
        for number in range(1500):
            (charge,) = call(policy, subject=Subject(f"g{number}")).charges
            assert f'"g{number}"' in charge.key, round_


@pytest.mark.parametrize(
    ("settle", "structured", "amount"),
    [
        ("used", {"used": 2}, 2 * NANO),
        ("used", {"used": LosslessFloat(b"2.5")}, 2_500_000_000),
        ("usage.tokens[1]", {"usage": {"tokens": [1, 4]}}, 4 * NANO),
        ('["a.b"]', {"a.b": 0}, 0),
        ("used", {"used": "2"}, None),
        ("used", {"used": -1}, None),
        ("used", {"Used": 1}, None),
        ("used", {}, None),
        ("used", None, None),
        ("used", [1], None),
        (None, {"used": 2}, None),
    ],
)
def test_a_result_settles_or_the_reservation_stands(settle: str | None, structured: object, amount: int | None) -> None:
    charge = Charge("k", "spend", 1, 10, Unit.DAY, "/x", settle)
    assert actual_amount(charge, structured, 0) == amount


def test_a_policy_tells_which_results_have_to_be_read() -> None:
    policy = policy_of({"a": {"limits": [{**DAY, "settle": "used"}]}, "b": {"limits": [DAY]}})
    assert policy.settles("a")
    assert not policy.settles("b")


def test_a_denied_or_waiting_call_tells_its_charges_rightly() -> None:
    policy = policy_of(
        {"deny": {"action": "deny", "limits": [DAY]}, "wait": {"action": "require_approval", "limits": [DAY]}}
    )
    assert call(policy, name="deny").charges == ()
    assert len(call(policy, name="wait").charges) == 1
