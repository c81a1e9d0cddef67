"""What belongs to one organisation does not exist for another one: every reading and writing function."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy.engine import Engine

from toolgate.store import definitions, grants, policies, servers, tables
from toolgate.store.database import open_database, writing
from toolgate.store.definitions import Seen
from toolgate.store.errors import NotStored

pytestmark = pytest.mark.slow

OTHER = "00000000-0000-4000-8000-0000000000ff"
POLICY = '{"version": "1", "default": "deny"}'
TOOL = Seen("build", "f" * 64, '{"name": "build"}')


@dataclass(slots=True, frozen=True)
class Houses:
    """An installation with two organisations; each has a server, a policy and a grant of the same names."""

    engine: Engine
    server: servers.Server
    policy: policies.Policy
    grant: grants.Grant


@pytest.fixture
def houses(tmp_path: Path) -> Iterator[Houses]:
    engine = open_database(tmp_path)
    with writing(engine, "test") as change:
        row = {"id": OTHER, "name": "other", "created": change.now}
        change.connection.execute(tables.organisations.insert().values(row))
    made = [_furnish(engine, organisation) for organisation in (tables.DEFAULT_ORGANISATION, OTHER)]
    yield Houses(engine, *made[1])
    engine.dispose()


def _furnish(engine: Engine, organisation: str) -> tuple[servers.Server, policies.Policy, grants.Grant]:
    server = servers.add(engine, "test", "cargo", "https://cargo.example/mcp", organisation=organisation, pin=True)
    policy = policies.put(engine, "test", "careful", POLICY, organisation=organisation)
    minted = grants.add(engine, "test", server="cargo", policy="careful", label="ci", organisation=organisation)
    return server, policy, minted.grant


def test_names_mean_what_the_own_organisation_calls_so(houses: Houses) -> None:
    here = servers.get(houses.engine, "cargo")
    assert here.id != servers.get(houses.engine, "cargo", organisation=OTHER).id == houses.server.id
    assert policies.get(houses.engine, "careful", organisation=OTHER).id == houses.policy.id
    assert grants.get(houses.engine, "ci", time.time(), organisation=OTHER).id == houses.grant.id


def test_lists_and_counts_hold_the_own_organisation_alone(houses: Houses) -> None:
    assert [row.grants for row in servers.every(houses.engine, organisation=OTHER)] == [1]
    assert [row.id for row in policies.every(houses.engine, organisation=OTHER)] == [houses.policy.id]
    assert [row.id for row in grants.every(houses.engine, time.time(), organisation=OTHER)] == [houses.grant.id]
    assert len(servers.every(houses.engine)) == len(policies.every(houses.engine)) == 1


REFUSED: list[Callable[[Engine, Houses], object]] = [
    lambda engine, other: servers.get(engine, other.server.id),
    lambda engine, other: servers.remove(engine, "test", other.server.id),
    lambda engine, other: policies.get(engine, other.policy.id),
    lambda engine, other: policies.history(engine, other.policy.id),
    lambda engine, other: policies.remove(engine, "test", other.policy.id),
    lambda engine, other: grants.get(engine, other.grant.id, 0.0),
    lambda engine, other: grants.get(engine, other.grant.id[:13], 0.0),
    lambda engine, other: grants.every(engine, 0.0, other.server.id),
    lambda engine, other: grants.every(engine, 0.0, policy=other.policy.id),
    lambda engine, other: grants.rotate(engine, "test", other.grant.id),
    lambda engine, other: grants.revoke(engine, "test", other.grant.id),
    lambda engine, other: grants.attach(engine, "test", other.grant.id, "careful"),
    lambda engine, other: grants.attach(engine, "test", "ci", other.policy.id),
    lambda engine, other: grants.add(engine, "test", server=other.server.id, policy=None, label="x"),
    lambda engine, other: grants.add(engine, "test", server="cargo", policy=other.policy.id, label="x"),
    lambda engine, other: definitions.of_server(engine, other.server.id),
    lambda engine, other: definitions.accept(engine, "test", other.server.id, ["build"]),
    lambda engine, other: definitions.saw(engine, "test", other.server.id, [TOOL]),
]


@pytest.mark.parametrize("attempt", REFUSED)
def test_what_another_organisation_owns_is_not_stored(
    houses: Houses, attempt: Callable[[Engine, Houses], object]
) -> None:
    before = _rows(houses.engine)
    with pytest.raises(NotStored, match="there is no"):
        attempt(houses.engine, houses)
    assert _rows(houses.engine) == before


WITHIN: list[Callable[[Houses], Callable[..., object]]] = [
    lambda other: (
        lambda change: servers.amend(change, other.server.id, servers.Registration(url="https://x.example"), None)
    ),
    lambda other: lambda change: servers.drop(change, other.server.id),
    lambda other: lambda change: policies.drop(change, other.policy.id),
    lambda other: lambda change: grants.end(change, other.grant.id),
    lambda other: lambda change: grants.renew(change, other.grant.id, "tg_x"),
    lambda other: lambda change: grants.amend(change, other.grant.id, _terms(other)),
    lambda other: lambda change: grants.insert(change, "new", "new", _terms(other), "tg_x"),
]


@pytest.mark.parametrize("attempt", WITHIN)
def test_a_transaction_reaches_no_further_than_its_organisation(
    houses: Houses, attempt: Callable[[Houses], Callable[..., object]]
) -> None:
    before = _rows(houses.engine)
    with pytest.raises(NotStored), writing(houses.engine, "test") as change:
        attempt(houses)(change)
    assert _rows(houses.engine) == before


def test_the_same_policy_name_is_revised_in_its_own_organisation(houses: Houses) -> None:
    policies.put(houses.engine, "test", "careful", POLICY + " ", organisation=OTHER)
    assert policies.get(houses.engine, "careful").revision == 1
    assert [row.revision for row in policies.history(houses.engine, "careful", organisation=OTHER)] == [2, 1]


def test_a_sighting_without_an_organisation_belongs_to_that_of_the_server(houses: Houses) -> None:
    definitions.saw(houses.engine, "gateway", houses.server.id, [TOOL], organisation=None)
    found = definitions.of_server(houses.engine, "cargo", organisation=OTHER)
    assert [(row.name, row.status) for row in found] == [("build", "withheld")]
    with houses.engine.connect() as connection:
        event = connection.execute(tables.admin_events.select().where(tables.admin_events.c.action == "see")).one()
    assert event.organisation_id == OTHER


def test_pages_of_servers_policies_and_grants_join_to_the_whole_list(tmp_path: Path) -> None:
    engine = open_database(tmp_path)
    for number in range(5):
        servers.add(engine, "test", f"s{number}", "https://cargo.example/mcp")
        policies.put(engine, "test", f"p{number}", POLICY)
        grants.add(engine, "test", server=f"s{number}", policy=f"p{number}", label="same")
    named = servers.every(engine, limit=3)
    assert [*named, *servers.every(engine, after=named[-1].name, limit=3)] == servers.every(engine)
    stored = policies.every(engine, limit=2)
    assert [*stored, *policies.every(engine, after=stored[-1].name)] == policies.every(engine)
    given = grants.every(engine, 0.0, limit=4)
    last = (given[-1].created, given[-1].id)
    assert [*given, *grants.every(engine, 0.0, after=last, limit=4)] == grants.every(engine, 0.0)
    engine.dispose()


def _terms(other: Houses) -> grants.Terms:
    return grants.Terms(other.server.id, other.policy.id, "ada", {}, None)


def _rows(engine: Engine) -> list[object]:
    with engine.connect() as connection:
        return [connection.execute(table.select()).all() for table in tables.metadata.sorted_tables]
