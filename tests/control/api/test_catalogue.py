"""The stored catalogue over the REST API: found, judged, imported, by who may."""

from __future__ import annotations

import json
from urllib.parse import quote

from tests.control.api.asking import OTHER, Program, other_organisation
from tests.control.running import Control

from toolgate.policy.document import parse
from toolgate.store import events

CRM = {"name": "acme/crm", "tools": [{"name": "list_contacts"}, {"name": "delete_contact"}], "version": "1.2"}


async def test_what_is_public_is_counted_and_found(admin: Program) -> None:
    counts = (await admin.get("/catalogue")).json
    assert (counts["servers"], counts["tools"]) == (4, 8)
    found = (await admin.get("/catalogue/tools?q=delte+repositry")).json
    assert [(item["server_slug"], item["slug"]) for item in found["items"]] == [("acme--github", "delete_repository")]
    assert found["items"][0]["definition"] is None
    servers = (await admin.get("/catalogue/servers?category=Financial")).json
    assert [item["package"] for item in servers["items"]] == ["npm:@acme/stripe"]


async def test_pages_follow_each_other_with_the_same_filters_alone(admin: Program) -> None:
    names: list[str] = []
    path = "/catalogue/tools?limit=3"
    cursor = ""
    while True:
        page = (await admin.get(path + cursor)).json
        names += [item["name"] for item in page["items"]]
        assert page["total"] == 8
        if page["next"] is None:
            break
        cursor = f"&cursor={quote(page['next'])}"
    assert len(names) == len(set(names)) == 8
    assert (await admin.get(f"/catalogue/tools?limit=3&risk=Low{cursor}")).status == 422


async def test_a_server_in_any_script_has_an_address(admin: Program) -> None:
    found = (await admin.get(f"/catalogue/tools?q={quote('天気')}")).json["items"]
    tool = (await admin.get(f"/catalogue/tools/{found[0]['server_slug']}/{found[0]['slug']}")).json
    assert (tool["server"], tool["name"]) == ("Погода/天気", "天気予報")


async def test_the_policy_of_a_server_is_one(admin: Program) -> None:
    for query in ("", "?tightened=true"):
        policy = (await admin.get(f"/catalogue/servers/acme--github/policy{query}")).json
        parse(policy["document"])
        assert json.loads(policy["document"])["hide"] == ["delete_repository"]


async def test_definitions_are_imported_for_the_own_organisation(control: Control) -> None:
    other_organisation(control)
    keeper = await Program.of(control, "policy_manager")
    stranger = await Program.of(control, "admin", organisation=OTHER)
    drift = await keeper.send("POST", "/catalogue/servers", CRM)
    assert (drift.status, drift.json["added"]) == (200, ["delete_contact", "list_contacts"])
    again = {**CRM, "tools": [{"name": "list_contacts", "description": "List."}, {"name": ""}]}
    drift = await keeper.send("POST", "/catalogue/servers", again)
    assert (drift.json["changed"], drift.json["removed"]) == (["list_contacts"], ["delete_contact"])
    assert [refusal["name"] for refusal in drift.json["refused"]] == [""]
    server = (await keeper.get("/catalogue/servers/acme--crm")).json
    assert (server["own"], server["version"], server["tools"]) == (True, "1.2", 1)
    assert (await stranger.get("/catalogue/servers/acme--crm")).status == 404
    history = (await keeper.get("/catalogue/tools/acme--crm/list_contacts/history")).json["items"]
    assert [version["changed"] for version in history] == [["description"], []]
    gone = (await keeper.get("/catalogue/tools/acme--crm/delete_contact/history")).json["items"]
    assert gone[0]["gone"] is not None
    written = events.newest(control.engine)[0]
    assert (written.action, written.target, written.after) == ("catalogue.import", "acme/crm", {"tools": 2})


async def test_history_of_what_has_none_is_empty_and_of_nothing_is_not_found(admin: Program) -> None:
    assert (await admin.get("/catalogue/tools/acme--files/read_file/history")).json == {"items": []}
    for path in ("tools/acme--files/no", "tools/no/no/history", "servers/no", "servers/no/policy"):
        answer = await admin.get(f"/catalogue/{path}")
        assert (answer.status, answer.json["type"]) == (404, "urn:toolgate:problem:not-found")


async def test_tools_are_judged_without_being_stored(admin: Program) -> None:
    tools = [{"name": "delete_contact"}, {"name": "x" * 600}, {"name": "list_contacts", "inputSchema": {"$ref": "#"}}]
    answer = (await admin.send("POST", "/catalogue/classify", {"server": "crm", "tools": tools})).json
    assert [(tool["name"], tool["category"]) for tool in answer["tools"]] == [
        ("delete_contact", "Destructive"),
        ("list_contacts", "Read"),
    ]
    assert len(answer["refused"]) == 1
    parse(answer["document"])
    assert (await admin.get("/catalogue")).json["servers"] == 4
    many = {"tools": [{"name": f"t{number}"} for number in range(1001)]}
    assert (await admin.send("POST", "/catalogue/classify", many)).status == 422
