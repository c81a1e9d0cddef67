import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolgate.audit.summary import Denials, Refusals, network_of

from .samples import NOW


def test_denials_up_to_the_burst_are_recorded_one_by_one() -> None:
    denials = Denials(rate=1, burst=3)
    assert [denials.admit("g", "/r", NOW) for _ in range(5)] == [True, True, True, False, False]


def test_the_rest_is_summed_up_once() -> None:
    denials = Denials(rate=1, burst=1)
    for _ in range(4):
        denials.admit("g", "/r", NOW, "ci", "s1")
    entries = denials.sums(NOW + 1)
    assert [(e.grant_id, e.rule, e.count, e.since, e.grant_label, e.server_id) for e in entries] == [
        ("g", "/r", 3, NOW, "ci", "s1")
    ]
    assert denials.sums(NOW + 2) == []


def test_the_rate_refills() -> None:
    denials = Denials(rate=2, burst=1)
    assert denials.admit("g", "/r", NOW)
    assert not denials.admit("g", "/r", NOW + 0.25)
    assert denials.admit("g", "/r", NOW + 0.5)


def test_grants_and_rules_do_not_take_from_each_other() -> None:
    denials = Denials(rate=1, burst=1)
    pairs = [("g1", "/a"), ("g1", "/b"), ("g2", "/a")]
    assert all(denials.admit(grant, rule, NOW) for grant, rule in pairs)


def test_a_clock_that_runs_backwards_gives_no_tokens() -> None:
    denials = Denials(rate=1000, burst=1)
    assert denials.admit("g", "/r", NOW)
    assert not denials.admit("g", "/r", NOW - 3600)


def test_quiet_pairs_are_forgotten() -> None:
    denials = Denials(rate=1, burst=5)
    for number in range(1000):
        denials.admit(f"g{number}", "/r", NOW)
    denials.sums(NOW + 5)
    assert denials._buckets == {}


@given(st.lists(st.floats(0, 10), min_size=1, max_size=200))
def test_every_denial_is_either_recorded_or_counted(steps: list[float]) -> None:
    denials = Denials(rate=1, burst=5)
    now, recorded, summed = NOW, 0, 0
    for step in steps:
        now += step
        recorded += denials.admit("g", "/r", now)
        if step > 5:
            summed += sum(entry.count for entry in denials.sums(now))
    summed += sum(entry.count for entry in denials.sums(now))
    assert recorded + summed == len(steps)


def test_refusals_are_counted_by_reason_and_network() -> None:
    refusals = Refusals()
    for address in ("192.0.2.1", "192.0.2.200", "198.51.100.1"):
        refusals.note("unknown token", address, NOW)
    entries = refusals.rows(NOW + 1)
    assert [(e.reason, e.addresses, e.count, e.since) for e in entries] == [
        ("unknown token", "192.0.2.0/24", 2, NOW),
        ("unknown token", "198.51.100.0/24", 1, NOW),
    ]
    assert refusals.rows(NOW + 2) == []


@given(st.lists(st.ip_addresses().map(str), max_size=300))
def test_nobody_outside_makes_many_entries(addresses: list[str]) -> None:
    refusals = Refusals(rows=8)
    for address in addresses:
        refusals.note("unknown token", address, NOW)
    entries = refusals.rows(NOW)
    assert len(entries) <= 9
    assert sum(entry.count for entry in entries) == len(addresses)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "unknown"),
        ("not an address", "unknown"),
    ],
)
def test_addresses_of_one_source_are_one_network(address: str, network: str) -> None:
    assert network_of(address) == network
