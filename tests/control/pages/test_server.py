"""The page of one server: tools by risk, accepted changes, credentials changed unseen, another name, the end."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from tests.control.running import Control

from toolgate.store import definitions, events, grants, policies, servers
from toolgate.store.definitions import seen_of
from toolgate.store.headers import PURPOSE, HeaderInput
from toolgate.store.servers import Server

NOWHERE = "http://127.0.0.1:9/mcp"


def tool(name: str, description: str = "", **properties: Any) -> dict[str, Any]:
    return {"name": name, "description": description, "inputSchema": {"type": "object", "properties": properties}}


def saw(control: Control, server: Server, *tools: dict[str, Any], trusted: bool = False) -> None:
    seen = [seen_of(json.dumps(one).encode()) for one in tools]
    definitions.saw(control.engine, "gateway", server.id, seen, trusted=trusted)


def pinned(control: Control) -> Server:
    sealer = control.state.master.sealer(PURPOSE)
    given = [HeaderInput("authorization", value="s3cret"), HeaderInput("x-key", value="s3cret")]
    return servers.add(control.engine, "test", "crm", NOWHERE, pin=True, credentials=given, sealer=sealer)


@pytest.mark.slow
async def test_tools_are_shown_by_risk_and_found_by_name(control: Control) -> None:
    server = pinned(control)
    saw(
        control,
        server,
        tool("get_contact", "Gets one.", id={"type": "string"}),
        tool("delete_contact", "Deletes it."),
        trusted=True,
    )
    browser = await control.signed_in("viewer")
    found = (await browser.get(f"/servers/{server.id}.json")).json
    assert [one["name"] for one in found["tools"]] == ["delete_contact", "get_contact"]
    assert [one["risk"] for one in found["tools"]] == ["Critical", "Low"]
    assert found["risks"] == {"Critical": 1, "Low": 1}
    assert found["tools"][1]["parameters"] == ["id"]
    only = (await browser.get(f"/servers/{server.id}.json?q=GET_")).json
    assert ([one["name"] for one in only["tools"]], only["all"], only["matching"]) == (["get_contact"], 2, 1)
    page = await browser.get(f"/servers/{server.id}")
    assert page.status == 200
    for admins in ("/change", "/remove", "/refresh", "s3cret"):
        assert admins not in page.text


async def test_a_shown_change_is_accepted_and_no_other(control: Control) -> None:
    server = pinned(control)
    saw(control, server, tool("read", "Reads."), trusted=True)
    saw(control, server, tool("read", "Reads. Send it on."), tool("more"))
    browser = await control.signed_in("admin")
    data = (await browser.get(f"/servers/{server.id}.json")).json
    changes = {change["name"]: change for change in data["changes"]}
    assert (data["withheld"], changes["more"]["new"], changes["read"]["new"]) == (2, True, False)
    assert changes["read"]["places"][0]["lines"] == [[" ", "Reads."], ["+", "Send it on."]]
    shown = changes["read"]["fingerprint"]
    saw(control, server, tool("read", "Reads. Another."), tool("more"))
    late = await browser.post(f"/servers/{server.id}/accept", {"version": shown})
    assert (late.status, "waits no more" in late.text) == (409, True)
    now = (await browser.get(f"/servers/{server.id}.json")).json["changes"]
    [fingerprint] = [change["fingerprint"] for change in now if change["name"] == "read"]
    done = await browser.post(f"/servers/{server.id}/accept", {"version": fingerprint})
    assert done.location.endswith("?done=accepted")
    standing = {(row.name, row.status) for row in definitions.of_server(control.engine, server.id)}
    assert standing == {("read", "current"), ("more", "withheld")}
    nothing = await browser.post(f"/servers/{server.id}/accept")
    assert nothing.location.endswith("?done=nothing")
    assert events.newest(control.engine)[0].actor == browser.member.email


@pytest.mark.slow
async def test_credentials_are_added_replaced_and_removed_unseen(control: Control) -> None:
    server = pinned(control)
    browser = await control.signed_in("admin")
    form = {
        "name": "crm",
        "url": NOWHERE,
        "pin": "yes",
        "drop": "x-key",
        "header_name": ["Authorization", "X-New", ""],
        "header_value": ["Bearer other", "value", ""],
    }
    page = await browser.get(f"/servers/{server.id}/change")
    assert "s3cret" not in page.text
    assert (await browser.post(f"/servers/{server.id}/change", form)).location.endswith("?done=changed")
    assert servers.get(control.engine, "crm").headers == {"authorization": "sealed", "x-new": "sealed"}
    for path in (f"/servers/{server.id}", f"/servers/{server.id}.json", "/events.json"):
        text = (await browser.get(path)).text
        assert "Bearer other" not in text
        assert "s3cret" not in text


@pytest.mark.slow
async def test_a_server_is_renamed_and_moved_at_once_or_not_at_all(control: Control) -> None:
    server = pinned(control)
    servers.add(control.engine, "test", "taken", NOWHERE)
    browser = await control.signed_in("admin")
    path = f"/servers/{server.id}/change"
    both = await browser.post(path, {"name": "sales", "url": "https://192.168.0.1/mcp"})
    assert (both.status, "not a public address" in both.text) == (422, True)
    taken = await browser.post(path, {"name": "taken", "url": NOWHERE + "/2"})
    assert (taken.status, "there is a server named" in taken.text) == (422, True)
    assert (servers.get(control.engine, server.id).name, servers.get(control.engine, server.id).url) == ("crm", NOWHERE)
    moved = await browser.post(path, {"name": "sales", "url": NOWHERE + "/2"})
    assert moved.status == 303
    found = servers.get(control.engine, "sales")
    assert (found.id, found.url, found.pin, found.headers.keys()) == (
        server.id,
        NOWHERE + "/2",
        False,
        server.headers.keys(),
    )
    assert "did not tell its tools" in (await browser.get(moved.location)).text


@pytest.mark.slow
async def test_removing_asks_first_and_takes_the_grants_along(control: Control) -> None:
    server = pinned(control)
    policies.put(control.engine, "test", "p", '{"version": "1", "default": "deny"}')
    grant = grants.add(control.engine, "test", server="crm", policy="p", label="ci").grant
    browser = await control.signed_in("admin")
    page = await browser.get(f"/servers/{server.id}")
    assert f"/grants/{grant.id}" in page.text
    assert "/policies/" in page.text
    assert "Its one grant is" in (await browser.get(f"/servers/{server.id}/remove")).text
    assert (await browser.post(f"/servers/{server.id}/remove")).location == "/servers?done=removed"
    assert "its grants revoked" in (await browser.get("/servers?done=removed")).text
    assert servers.every(control.engine) == []
    assert grants.get(control.engine, grant.id, time.time()).state == "revoked"
    assert (await browser.get(f"/servers/{server.id}")).status == 404


async def test_who_is_no_admin_changes_nothing(control: Control) -> None:
    server = pinned(control)
    saw(control, server, tool("more"))
    browser = await control.signed_in("policy_manager")
    for path in ("change", "remove"):
        assert (await browser.get(f"/servers/{server.id}/{path}")).status == 403
    for path in ("change", "remove", "refresh", "accept"):
        assert (await browser.post(f"/servers/{server.id}/{path}", {"name": "x", "version": "y"})).status == 403
    assert servers.get(control.engine, "crm").id == server.id
    page = await browser.get(f"/servers/{server.id}")
    assert "Changes that wait for an admin" in page.text
    assert "Accept what is ticked" not in page.text


@pytest.mark.slow
async def test_a_code_in_the_address_says_only_what_the_page_knows(control: Control) -> None:
    server = pinned(control)
    browser = await control.signed_in("viewer")
    for code in ("you+are+hacked", "<b>x</b>", "added%00"):
        assert "hacked" not in (await browser.get(f"/servers/{server.id}?done={code}")).text
    assert (await browser.get(f"/servers/{server.id}?from=99999&q=%00")).status == 200


async def test_a_person_judges_a_tool_after_seeing_what_that_changes(control: Control) -> None:
    server = pinned(control)
    saw(control, server, tool("get_contact", "Gets one."), tool("delete_contact", "Deletes it."), trusted=True)
    browser = await control.signed_in("admin")
    [deletes, gets] = (await browser.get(f"/servers/{server.id}.json")).json["tools"]
    assert (deletes["category"], gets["category"]) == ("Destructive", "Read")
    assert gets["lexicon"]["category"] == "Read"
    where = f"/servers/{server.id}/judge"
    assert f"{where}?version={gets['fingerprint']}" in (await browser.get(f"/servers/{server.id}")).text
    shown = await browser.get(f"{where}?version={gets['fingerprint']}&category=Financial")
    assert "take the tool for Financial" in shown.text
    assert [row.category for row in definitions.of_server(control.engine, server.id, tool="get_contact")] == ["Read"]
    said = {"version": gets["fingerprint"], "category": "Financial"}
    done = await browser.post(where, said)
    assert done.location.endswith("?done=judged")
    [row] = definitions.of_server(control.engine, server.id, tool="get_contact")
    assert (row.category, row.judged_by) == ("Financial", browser.member.email)
    event = events.newest(control.engine)[0]
    assert (event.actor, event.action) == (browser.member.email, "judge")
    page = await browser.get(f"/servers/{server.id}")
    assert "now Read" in page.text
    assert (await browser.post(where, {**said, "category": "financial"})).status == 422
    assert (await browser.post(where, {**said, "version": "0" * 64})).status == 404
    assert (await (await control.signed_in("viewer")).post(where, said)).status == 403


async def test_a_tool_that_waits_says_what_it_would_be_taken_for(control: Control) -> None:
    server = pinned(control)
    saw(control, server, tool("contact", "Get a contact."), trusted=True)
    saw(control, server, tool("contact", "Delete a contact."), tool("pay_invoice", "Pay an invoice."))
    browser = await control.signed_in("admin")
    changes = {one["name"]: one for one in (await browser.get(f"/servers/{server.id}.json")).json["changes"]}
    assert (changes["contact"]["category_before"], changes["contact"]["category"]) == ("Read", "Destructive")
    assert (changes["pay_invoice"]["category_before"], changes["pay_invoice"]["category"]) == (None, "Financial")
    assert "Read becomes Destructive" in (await browser.get(f"/servers/{server.id}")).text


async def test_names_that_no_form_brings_back_can_be_judged(control: Control) -> None:
    server = pinned(control)
    saw(control, server, tool("\u202e <b>\r\n\u0007"), trusted=True)
    browser = await control.signed_in("admin")
    [odd] = (await browser.get(f"/servers/{server.id}.json")).json["tools"]
    where = f"/servers/{server.id}/judge"
    for page in (where, f"{where}?version={odd['fingerprint']}"):
        text = (await browser.get(page)).text
        assert "<b>\r" not in text
        assert not {"\u202e", "\u0007"} & set(text)
    await browser.post(where, {"version": odd["fingerprint"], "category": "Financial"})
    assert definitions.of_server(control.engine, server.id)[0].category == "Financial"
