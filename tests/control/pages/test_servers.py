"""The list of servers: how each was last heard of, the first steps, and who sees what."""

from __future__ import annotations

import time

import pytest
import sqlalchemy as sa
from tests.control.api.asking import other_organisation
from tests.control.running import Control

from toolgate.errors import ToolgateError
from toolgate.store import contacts, definitions, grants, policies, servers
from toolgate.store.database import writing
from toolgate.store.definitions import seen_of
from toolgate.store.first_steps import first_steps
from toolgate.store.tables import records, tallies


def record(control: Control, server_id: str, result: str | None, at: float) -> None:
    """A row of the index, as the journal would have filled it."""
    with writing(control.engine, "test") as change:
        empty = {column.name: "" for column in records.columns if isinstance(column.type, sa.String)}
        said = {"server_id": server_id, "outcome": "allow", "result": result, "organisation_id": change.organisation}
        place = {"chain": "c", "seq": int(at * 1000), "segment": 1, "offset": 0, "time": at}
        change.connection.execute(records.insert().values({**empty, **said, **place}))


def count_call(control: Control, grant_id: str) -> None:
    """An allowed call in the counts of this hour."""
    with writing(control.engine, "test") as change:
        counts = {"allowed": 1, "denied": 0, "waited": 0, "refused": 0}
        named = {"organisation_id": change.organisation, "kind": "grant", "name": grant_id}
        change.connection.execute(tallies.insert().values(hour=int(time.time() // 3600), **named, **counts))


async def test_the_list_says_how_each_server_was_last_heard_of(control: Control) -> None:
    added = [servers.add(control.engine, "test", name, "https://a.example/mcp") for name in ("down", "new", "up")]
    down, new, up = (server.id for server in added)
    definitions.saw(control.engine, "test", down, [seen_of(b'{"name":"run"}'), seen_of(b'{"name":"stop"}')])
    record(control, down, "result", time.time() + 10)
    record(control, down, "unreachable", time.time() + 20)
    record(control, down, None, time.time() + 30)
    record(control, up, "tool_error", time.time())
    browser = await control.signed_in("viewer")
    rows = {row["id"]: row for row in (await browser.get("/servers.json")).json["servers"]}
    assert [rows[one]["health"] for one in (down, new, up)] == ["unreachable", "no answer yet", "reachable"]
    assert (rows[down]["tools"], rows[new]["heard"]) == (2, None)
    page = await browser.get("/servers")
    assert page.text.index(">down<") < page.text.index(">new<") < page.text.index(">up<")
    assert "Add a server</a>" not in page.text


@pytest.mark.slow
async def test_a_failed_attempt_of_this_process_counts_too(control: Control) -> None:
    server = servers.add(control.engine, "test", "crm", "https://a.example/mcp")
    definitions.saw(control.engine, "test", server.id, [seen_of(b'{"name":"run"}')])
    browser = await control.signed_in("viewer")
    assert (await browser.get("/servers.json")).json["servers"][0]["health"] == "reachable"
    control.state.attempts.note(server.id, ToolgateError("server", "refuses the connection"))
    assert (await browser.get("/servers.json")).json["servers"][0]["health"] == "unreachable"
    assert (await browser.get(f"/servers/{server.id}.json")).json["health"] == "unreachable"


@pytest.mark.slow
async def test_the_first_steps_lead_on_until_all_are_taken(control: Control) -> None:
    browser = await control.signed_in("admin")
    assert 'class="next"><span class="title"><a href="/servers/new">' in (await browser.get("/servers")).text
    server = servers.add(control.engine, "test", "crm", "https://a.example/mcp")
    assert 'class="next"><span class="title"><a href="/policies/new">' in (await browser.get("/servers")).text
    policies.put(control.engine, "test", "p", '{"version": "1", "default": "deny"}')
    assert 'class="next"><span class="title"><a href="/grants/new">' in (await browser.get("/servers")).text
    grants.add(control.engine, "test", server="crm", policy="p", label="ci")
    assert 'class="next"><span class="title"><a href="/records">' in (await browser.get("/servers")).text
    count_call(control, server.id)
    assert "quick-start" not in (await browser.get("/servers")).text
    assert first_steps(control.engine).complete
    assert not first_steps(control.engine, organisation=other_organisation(control)).server


@pytest.mark.slow
async def test_servers_are_found_by_name_and_address(control: Control) -> None:
    for name in ("billing", "crm"):
        servers.add(control.engine, "test", name, f"https://{name}.example/mcp")
    browser = await control.signed_in("viewer")
    assert [row["name"] for row in (await browser.get("/servers.json?q=CRM.example")).json["servers"]] == ["crm"]
    assert "No server holds these words" in (await browser.get("/servers?q=zzz")).text
    assert [row["name"] for row in (await browser.get("/servers.json?after=billing")).json["servers"]] == ["crm"]


@pytest.mark.slow
async def test_another_organisation_has_servers_of_its_own(control: Control) -> None:
    mine = servers.add(control.engine, "test", "crm", "https://a.example/mcp")
    browser = await control.signed_in("admin", organisation=other_organisation(control))
    assert (await browser.get("/servers.json")).json["servers"] == []
    for path in ("", "/change", "/remove"):
        assert (await browser.get(f"/servers/{mine.id}{path}")).status == 404
    for path in ("/change", "/remove", "/refresh", "/accept"):
        assert (await browser.post(f"/servers/{mine.id}{path}", {"name": "x", "version": "y"})).status == 404
    assert servers.get(control.engine, mine.id).name == "crm"


@pytest.mark.slow
async def test_grants_say_in_which_hour_they_were_used(control: Control) -> None:
    servers.add(control.engine, "test", "crm", "https://a.example/mcp")
    used, idle = (grants.add(control.engine, "test", server="crm", policy=None, label=label).grant for label in "ab")
    count_call(control, used.id)
    browser = await control.signed_in("admin")
    rows = {row["id"]: row["last_used"] for row in (await browser.get("/grants.json")).json["grants"]}
    assert rows[idle.id] is None
    assert rows[used.id].endswith(":00:00Z")
    both = (used.id, idle.id)
    assert list(contacts.grants_used(control.engine, time.time(), both)) == [used.id]
    assert contacts.grants_used(control.engine, time.time(), [idle.id]) == {}
    assert contacts.grants_used(control.engine, time.time() + 3 * 86_400, both) == {}


@pytest.mark.slow
async def test_servers_come_a_page_at_a_time(control: Control) -> None:
    with writing(control.engine, "test") as change:
        for number in range(101):
            servers.insert(change, f"s-{number:03}", servers.Registration("https://a.example/mcp"), None)
    browser = await control.signed_in("viewer")
    first = (await browser.get("/servers.json?q=a.example")).json
    assert (first["matching"], first["next"], len(first["servers"])) == (101, "s-099", 100)
    assert "/servers?q=a.example&amp;after=s-099" in (await browser.get("/servers?q=a.example")).text
    [last] = (await browser.get("/servers.json?q=a.example&after=s-099")).json["servers"]
    assert last["name"] == "s-100"
