"""Waiting calls, webhooks, the catalogue and tried calls over the REST API."""

from __future__ import annotations

import json

import pytest
from tests.control.api.asking import POLICY, Program, rows
from tests.control.inbox.desk import Receiver, now, waits
from tests.control.running import Control

from toolgate.store import definitions, described, policies, servers, tokens
from toolgate.store.definitions import Seen

pytestmark = pytest.mark.slow


async def _approver(control: Control) -> Program:
    """Not made by who made the grants: nobody approves their own calls."""
    made = tokens.add(control.engine, "boss", "approver", "viewer", approver=("*",))
    return Program(await control.browser(), made.secret)


async def test_a_waiting_call_is_listed_shown_and_approved(control: Control) -> None:
    approval = waits(control.state, '{"amount": 12.50, "to": "ada"}')
    approver = await _approver(control)
    listed = (await approver.get("/approvals")).json["items"]
    assert listed == [described.approval(now(control.state, approval))]
    shown = await approver.get(f"/approvals/{approval.id}")
    assert '"amount":12.50' in shown.text.replace(" ", "")
    assert shown.json["call"]["method"] == "tools/call"
    approved = await approver.send("POST", f"/approvals/{approval.id}/approve", {"reason": "ticket 812"})
    assert approved.status == 200, approved.text
    assert (approved.json["state"], approved.json["decision_reason"]) == ("approved", "ticket 812")
    late = await approver.send("POST", f"/approvals/{approval.id}/deny", {})
    assert (late.status, late.json["type"]) == (409, "urn:toolgate:problem:conflict")
    assert (await approver.get("/approvals")).json["items"] == []
    assert len((await approver.get("/approvals?state=all&server=shop&tool=pay")).json["items"]) == 1


async def test_a_call_is_refused_with_a_reason_on_one_line(control: Control) -> None:
    approval = waits(control.state)
    approver = await _approver(control)
    wrong = await approver.send("POST", f"/approvals/{approval.id}/deny", {"reason": "a\nb"})
    assert (wrong.status, wrong.json["place"]) == (422, "/reason")
    denied = await approver.send("POST", f"/approvals/{approval.id}/deny", {"reason": "not on a Friday"})
    assert denied.json["state"] == "denied"


async def test_who_may_not_decide_sees_no_call(control: Control, admin: Program) -> None:
    approval = waits(control.state)
    other = servers.add(control.engine, "test", "notes", "https://notes.example/mcp")
    elsewhere = await Program.of(control, "admin", approver=(other.id,))
    assert (await admin.get("/approvals")).status == 403
    assert (await admin.send("POST", f"/approvals/{approval.id}/approve", {})).status == 403
    assert (await elsewhere.get("/approvals")).json["items"] == []
    assert (await elsewhere.get("/approvals?server=shop")).json["items"] == []
    assert (await elsewhere.get(f"/approvals/{approval.id}")).status == 404
    assert (await elsewhere.send("POST", f"/approvals/{approval.id}/approve", {})).status == 404
    assert now(control.state, approval).state == "pending"


async def test_a_webhook_is_made_tried_changed_and_removed(control: Control, admin: Program) -> None:
    async with Receiver.running() as receiver:
        body = {"name": "ops", "url": receiver.url, "allow_private": True}
        made = await admin.send("POST", "/webhooks", body, idempotency_key="k")
        assert made.status == 201, made.text
        assert made.json["secret"].startswith("whsec_")
        assert (await admin.send("POST", "/webhooks", body, idempotency_key="k")).text == made.text
        path = f"/webhooks/{made.json['id']}"
        shown = await admin.get(path)
        assert "/hook" not in shown.text
        assert made.json["secret"] not in shown.text
        assert (await admin.send("POST", f"{path}/test")).json == {"delivered": True, "error": ""}
        assert len(receiver.heard) == 1
    changed = await admin.send("PATCH", path, {"links": "none", "disabled": True})
    assert (changed.json["links"], changed.json["disabled"] is None) == ("none", False)
    rotated = await admin.send("POST", f"{path}/rotate")
    assert rotated.json["secret"] != made.json["secret"]
    assert (await admin.get(f"{path}/deliveries")).json == {"items": []}
    assert (await admin.send("DELETE", path)).status == 200
    assert (await admin.get("/webhooks")).json == {"items": [], "next": None}


async def test_a_webhook_into_private_networks_is_refused(control: Control, admin: Program) -> None:
    before = rows(control)
    for url in ("http://hooks.example/", "https://127.0.0.1/", "https://10.0.0.1/", "nonsense"):
        answer = await admin.send("POST", "/webhooks", {"name": "ops", "url": url})
        assert (answer.status, answer.json["place"]) == (422, "/url"), answer.text
    assert rows(control) == before


async def test_the_recommended_policy_is_looked_at_and_applied(control: Control) -> None:
    servers.add(control.engine, "test", "crm", "https://crm.example/mcp")
    tools = [{"name": "list_contacts"}, {"name": "delete_contact"}]
    seen = [Seen(tool["name"], tool["name"].ljust(64, "0"), json.dumps(tool)) for tool in tools]
    definitions.saw(control.engine, "test", "crm", seen)
    keeper = await Program.of(control, "policy_manager")
    looked = (await keeper.get("/catalogue/recommended?server=crm")).json
    assert {tool["name"] for tool in looked["tools"]} == {"list_contacts", "delete_contact"}
    body = {"server": "crm", "policy": "crm"}
    applied = await keeper.send("POST", "/catalogue/apply", body)
    assert applied.status == 201, applied.text
    assert policies.get(control.engine, "crm").document == looked["document"]
    assert (await keeper.send("POST", "/catalogue/apply", body)).json["revision"] == 1
    policies.put(control.engine, "test", "crm", POLICY)
    assert (await keeper.send("POST", "/catalogue/apply", body)).status == 428
    assert (await keeper.send("POST", "/catalogue/apply", body, if_match="*")).json["revision"] == 3
    nobody = await keeper.send("POST", "/catalogue/apply", {"server": "nobody", "policy": "x"})
    assert (nobody.status, nobody.json["place"]) == (422, "/server")


async def test_known_servers_are_found_by_words(admin: Program) -> None:
    everything = (await admin.get("/catalogue/known")).json["items"]
    found = (await admin.get("/catalogue/known?q=github")).json["items"]
    assert 0 < len(found) < len(everything)
    assert found[0]["id"] == "github"


async def test_a_call_is_tried_without_anything_being_stored(control: Control, admin: Program) -> None:
    servers.add(control.engine, "test", "crm", "https://crm.example/mcp")
    text = json.dumps(
        {
            "version": "1",
            "default": "deny",
            "tools": {"pay": {"deny_if": [{"conditions": [{"path": "args.amount", "op": "gt", "value": 100}]}]}},
        }
    )
    pay = {"name": "pay", "inputSchema": {"type": "object", "properties": {"amount": {"type": "number"}}}}
    definitions.saw(control.engine, "test", "crm", [Seen("pay", "p" * 64, json.dumps(pay))])
    before = rows(control)
    body = {"document": text, "server": "crm", "tool": "pay", "arguments": {"amount": 100.5}}
    denied = await admin.send("POST", "/policies/try", body)
    assert denied.status == 200, denied.text
    assert (denied.json["outcome"], denied.json["rule"]) == ("deny", "/tools/pay/deny_if/0")
    allowed = await admin.send("POST", "/policies/try", {**body, "arguments": {"amount": 99}})
    assert allowed.json["outcome"] == "allow"
    both = await admin.send("POST", "/policies/try", {"tool": "pay"})
    assert (both.status, both.json["place"]) == (422, "/document")
    unknown = await admin.send("POST", "/policies/try", {"policy": "nobody", "tool": "pay"})
    assert (unknown.status, unknown.json["place"]) == (422, "/policy")
    assert rows(control) == before


async def test_a_call_is_tried_after_others_of_its_session(admin: Program) -> None:
    flows = [{"after": ["read"], "deny": ["send"], "on_deny": "Read before."}]
    text = json.dumps({"version": "1", "default": "allow", "flows": flows})
    first = await admin.send("POST", "/policies/try", {"document": text, "tool": "send"})
    assert (first.json["outcome"], first.json["counts_for"]) == ("allow", [])
    later = await admin.send("POST", "/policies/try", {"document": text, "tool": "send", "earlier": ["read"]})
    assert (later.json["outcome"], later.json["rule"], later.json["message"]) == ("deny", "/flows/0", "Read before.")
    reading = await admin.send("POST", "/policies/try", {"document": text, "tool": "read"})
    assert reading.json["counts_for"] == ["/flows/0"]
