"""Organisations, members, API tokens and admin events over the REST API."""

from __future__ import annotations

import pytest
from tests.control.api.asking import Program, other_organisation
from tests.control.running import Control

from toolgate.store import described, members, servers, tokens

pytestmark = pytest.mark.slow


async def test_a_member_is_invited_changed_and_removed(control: Control, admin: Program) -> None:
    servers.add(control.engine, "test", "crm", "https://crm.example/mcp")
    body = {"email": "Ada@Example.com", "role": "viewer", "approver": ["crm"]}
    invited = await admin.send("POST", "/members", body, idempotency_key="k")
    assert (invited.status, invited.json["state"]) == (201, "invited")
    assert invited.json["link"].startswith(f"{control.url}/welcome/")
    assert (await admin.send("POST", "/members", body, idempotency_key="k")).text == invited.text
    shown = await admin.get("/members/ada@example.com")
    assert shown.json == described.member(members.get(control.engine, "ada@example.com"))
    changed = await admin.send("PATCH", f"/members/{shown.json['id']}", {"role": "policy_manager", "disabled": True})
    assert (changed.json["role"], changed.json["state"]) == ("policy_manager", "disabled")
    assert changed.json["approver"] == shown.json["approver"]
    assert (await admin.send("POST", "/members/ada@example.com/link")).status == 409
    again = await admin.send("PATCH", "/members/ada@example.com", {"disabled": False, "approver": "*"})
    assert (again.json["state"], again.json["approver"]) == ("invited", "*")
    linked = await admin.send("POST", "/members/ada@example.com/link")
    assert linked.json["link"] != invited.json["link"]
    assert (await admin.send("DELETE", "/members/ada@example.com")).status == 200
    assert (await admin.get("/members/ada@example.com")).status == 404


async def test_the_last_admin_stays(control: Control, admin: Program) -> None:
    member = control.member("admin")
    for answer in (
        await admin.send("DELETE", f"/members/{member.id}"),
        await admin.send("PATCH", f"/members/{member.id}", {"role": "viewer"}),
        await admin.send("PATCH", f"/members/{member.id}", {"disabled": True}),
    ):
        assert (answer.status, answer.json["type"]) == (409, "urn:toolgate:problem:conflict")
    assert members.get(control.engine, member.id).role == "admin"


async def test_members_are_listed_page_by_page(control: Control, admin: Program) -> None:
    for name in ("c", "a", "b"):
        control.member("viewer", email=f"{name}@example.com")
    first = (await admin.get("/members?limit=2")).json
    assert [row["email"] for row in first["items"]] == ["a@example.com", "b@example.com"]
    rest = (await admin.get(f"/members?limit=2&cursor={first['next']}")).json
    assert ([row["email"] for row in rest["items"]], rest["next"]) == (["c@example.com"], None)


async def test_a_token_is_made_used_and_revoked(control: Control, admin: Program) -> None:
    body = {"name": "deploy", "role": "policy_manager", "expires": "90d"}
    made = await admin.send("POST", "/tokens", body, idempotency_key="k")
    assert made.status == 201, made.text
    assert (await admin.send("POST", "/tokens", body, idempotency_key="k")).text == made.text
    assert (await admin.send("POST", "/tokens", body)).status == 409
    program = Program(await control.browser(), made.json["token"])
    assert (await program.get("/whoami")).json["name"] == "token:deploy"
    shown = await admin.get("/tokens/deploy")
    assert made.json["token"] not in shown.text
    assert shown.json["state"] == "active"
    revoked = await admin.send("POST", "/tokens/deploy/revoke")
    assert revoked.json["state"] == "revoked"
    assert (await program.get("/whoami")).status == 401


async def test_tokens_are_listed_page_by_page(control: Control, admin: Program) -> None:
    for name in ("a", "b", "c"):
        tokens.add(control.engine, "test", name, "viewer")
    first = (await admin.get("/tokens?limit=2")).json
    assert [row["name"] for row in first["items"]] == ["c", "b"]
    rest = (await admin.get(f"/tokens?limit=2&cursor={first['next']}")).json
    assert rest["items"][0]["name"] == "a"
    assert len(rest["items"]) == 2


async def test_only_the_operators_admins_make_organisations(control: Control, admin: Program) -> None:
    stranger = await Program.of(control, "admin", organisation=other_organisation(control))
    body = {"name": "acme", "admin": {"email": "eve@acme.example", "role": "admin"}}
    assert (await stranger.send("POST", "/organisations", body)).status == 403
    assert [row["name"] for row in (await stranger.get("/organisations")).json["items"]] == ["other"]
    made = await admin.send("POST", "/organisations", body)
    assert made.status == 201, made.text
    assert made.json["admin"]["email"] == "eve@acme.example"
    assert [row["name"] for row in (await admin.get("/organisations")).json["items"]] == ["default", "other", "acme"]
    again = await admin.send("POST", "/organisations", body)
    assert (again.status, again.json["place"]) == (409, "/name")
    assert (await admin.get("/members/eve@acme.example")).status == 404


async def test_an_organisation_without_an_admin_is_not_made(admin: Program) -> None:
    body = {"name": "acme", "admin": {"email": "no mail", "role": "admin"}}
    assert (await admin.send("POST", "/organisations", body)).status == 422
    assert [row["name"] for row in (await admin.get("/organisations")).json["items"]] == ["default"]


async def test_events_tell_who_changed_what(control: Control, admin: Program) -> None:
    servers.add(control.engine, "ada", "crm", "https://crm.example/mcp")
    servers.remove(control.engine, "bob", "crm")
    found = (await admin.get("/events?kind=server")).json["items"]
    assert [(row["actor"], row["action"]) for row in found] == [("bob", "remove"), ("ada", "add")]
    assert [row["actor"] for row in (await admin.get("/events?actor=ada&since=1h")).json["items"]] == ["ada"]
    assert (await admin.get("/events?until=1h")).json["items"] == []
    first = (await admin.get("/events?kind=server&limit=1")).json
    rest = (await admin.get(f"/events?kind=server&limit=1&cursor={first['next']}")).json
    assert (rest["items"][0]["actor"], rest["next"]) == ("ada", None)
    wrong = await admin.get("/events?since=soon")
    assert (wrong.status, wrong.json["place"]) == (422, "query since")
