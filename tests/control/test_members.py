"""`/members`: inviting, changing, keeping out."""

from __future__ import annotations

import re
from typing import Any

import pytest
from tests.control.running import Answer, Control

from toolgate.store import events, members, organisations, servers
from toolgate.store.events import EventFilter
from toolgate.store.members import Terms

BOB = {"email": "bob@example.com", "name": "Bob", "role": "viewer", "approves": "none"}


def link_in(answer: Answer) -> str:
    """The path of the link that a page shows this once."""
    found = re.search(r"/welcome/[A-Za-z0-9_-]{43}", answer.text)
    assert found is not None, answer.text
    return found[0]


async def test_an_admin_invites_a_member_and_sees_the_link_once(control: Control) -> None:
    admin = await control.signed_in("admin")
    made = await admin.post("/members/new", BOB)
    assert made.status == 200
    assert (await (await control.browser()).get(link_in(made))).status == 200
    [bob] = [one for one in (await admin.get("/members.json")).json["members"] if one["email"] == "bob@example.com"]
    assert (bob["role"], bob["state"], bob["approver"]) == ("viewer", "invited", [])
    page = await admin.get(f"/members/{bob['id']}")
    assert "/welcome/" not in page.text
    assert "Bob" in (await admin.get("/members")).text
    [event] = events.newest(control.engine, EventFilter(target=bob["id"]))
    assert (event.actor, event.action) == (admin.member.email, "add")


BAD: list[tuple[dict[str, Any], str]] = [
    ({"email": "bob"}, "is not an e-mail"),
    ({"email": ""}, "is not an e-mail"),
    ({"role": "root"}, "is not a role"),
    ({"role": ""}, "is not a role"),
    ({"approves": "some", "server": ["nothing"]}, "there is no server"),
    ({"email": "known@example.com"}, "is a member already"),
    ({"name": "a\u202eb"}, "is not a line of text"),
]


async def test_what_was_typed_wrong_is_said_and_kept(control: Control) -> None:
    admin = await control.signed_in("admin")
    control.member("viewer", email="known@example.com")
    for fields, said in BAD:
        wrong = await admin.post("/members/new", {**BOB, **fields})
        assert wrong.status == 422
        assert said in wrong.text
        assert ("bob" if "name" in fields else "Bob") in wrong.text
    assert len(members.every(control.engine)) == 2


@pytest.mark.slow
async def test_what_a_member_may_do_changes_at_once(control: Control) -> None:
    admin, bob = await control.signed_in("admin"), await control.signed_in("viewer")
    server = servers.add(control.engine, "test", "cargo", "http://127.0.0.1:9/mcp")
    path = f"/members/{bob.member.id}"
    form = {"name": "Bob", "role": "viewer", "approves": "some", "server": [server.id]}
    assert (await admin.post(path, form)).location == f"{path}?done=saved"
    assert (await bob.get("/account")).status == 200  # the role is the same
    assert (await bob.get("/account.json")).json["member"]["approver"] == [server.id]
    assert (await admin.post(path, {**form, "role": "admin", "approves": "every"})).status == 303
    assert (await bob.get("/account")).status == 303  # another role, another session
    after = members.get(control.engine, bob.member.id)
    assert (after.role, after.approves) == ("admin", None)
    noted = events.newest(control.engine, EventFilter(target=bob.member.id, action="change"))[0]
    assert noted.before is not None
    assert noted.after is not None
    assert (noted.before["role"], noted.after["role"], noted.after["approver"]) == ("viewer", "admin", "*")


@pytest.mark.slow
async def test_a_disabled_member_is_out_until_enabled(control: Control) -> None:
    admin, bob = await control.signed_in("admin"), await control.signed_in("viewer")
    path = f"/members/{bob.member.id}"
    assert (await admin.post(f"{path}/state", {"do": "disable"})).location == f"{path}?done=disabled"
    assert (await bob.get("/account")).status == 303
    refused = await admin.post(f"{path}/link")
    assert refused.status == 422
    assert "is disabled" in refused.text
    assert (await admin.post(f"{path}/state", {"do": "enable"})).location == f"{path}?done=enabled"
    reset = await admin.post(f"{path}/link")
    assert "Link for a new password" in reset.text
    assert (await (await control.browser()).get(link_in(reset))).status == 200
    again = await control.signed_in(bob.member)
    assert (await admin.post(f"{path}/sessions/end")).location == f"{path}?done=ended"
    assert (await again.get("/account")).status == 303
    assert "Keep it" in (await admin.get(f"{path}/remove")).text
    assert (await admin.post(f"{path}/remove")).location == "/members?done=removed"
    assert (await admin.get(path)).status == 404


@pytest.mark.slow
async def test_the_last_admin_stays_one(control: Control) -> None:
    admin = await control.signed_in("admin")
    members.invite(control.engine, "test", "invited@example.com", Terms("x", "admin"))
    path, form = f"/members/{admin.member.id}", {"name": "x", "role": "viewer", "approves": "none"}
    for answer in (
        await admin.post(path, form),
        await admin.post(f"{path}/state", {"do": "disable"}),
        await admin.post(f"{path}/remove"),
    ):
        assert answer.status in {409, 422}
        assert "is the last admin who can sign in" in answer.text
    control.member("admin")
    assert (await admin.post(path, form)).status == 303


async def test_only_admins_see_and_change_members(control: Control) -> None:
    control.member("admin")
    for role in ("viewer", "policy_manager"):
        somebody = await control.signed_in(role)
        path = f"/members/{somebody.member.id}"
        for page in ("/members", "/members/new", path, f"{path}/remove", "/events", "/settings", "/settings/tokens"):
            assert (await somebody.get(page)).status == 403, page
            assert (await somebody.get(f"{page}.json")).status == 403, page
        form = {"name": "x", "role": "admin", "approves": "every", "email": "new@example.com", "do": "enable"}
        for act in (path, f"{path}/state", f"{path}/link", f"{path}/remove", f"{path}/sessions/end", "/members/new",
                    "/settings/tokens", "/settings/organisations"):  # fmt: skip
            assert (await somebody.post(act, form)).status == 403, act
        assert members.get(control.engine, somebody.member.id).role == role
    assert len(members.every(control.engine)) == 3


async def test_nothing_happens_without_the_token_of_the_session(control: Control) -> None:
    """Forged and replayed CSRF tokens."""
    admin, other = await control.signed_in("admin"), await control.signed_in("admin")
    for forged in ("", "x", other.csrf, admin.csrf[:-1], "é"):
        assert (await admin.post("/members/new", {**BOB, "csrf": forged})).status == 403, forged
    assert (await admin.post("/members/new", BOB, origin="https://evil.example")).status == 403
    assert (await admin.post("/members/new", BOB, sec_fetch_site="cross-site")).status == 403
    assert (await admin.post("/members/new?csrf=" + admin.csrf, {**BOB, "csrf": ""})).status == 403
    assert len(members.every(control.engine)) == 2
    assert (await admin.post("/members/new", BOB, origin=control.url, sec_fetch_site="same-origin")).status == 200


@pytest.mark.slow
async def test_another_organisations_members_are_not_there(control: Control) -> None:
    """The same answer as for what never was, byte for byte."""
    acme = organisations.add(control.engine, "test", "acme")
    control.member("admin")
    theirs = control.member("viewer", organisation=acme.id)
    stranger = await control.signed_in("admin", organisation=acme.id)
    ours = await control.signed_in("admin")
    assert {one["email"] for one in (await stranger.get("/members.json")).json["members"]} == {
        theirs.email, stranger.member.email,
    }  # fmt: skip
    never = "00000000-0000-4000-8000-00000000dead"
    for path in ("/members/{}.json", "/members/{}/remove.json"):
        foreign, unknown = [await ours.get(path.format(one)) for one in (theirs.id, never)]
        assert (foreign.status, foreign.text) == (404, unknown.text.replace(never, theirs.id))
    for act in ("", "/state", "/link", "/remove", "/sessions/end"):
        form = {"name": "x", "role": "admin", "approves": "none", "do": "disable"}
        assert (await ours.post(f"/members/{theirs.id}{act}", form)).status == 404
        assert (await ours.post(f"/members/{theirs.email}{act}", form)).status == 404
    assert members.get(control.engine, theirs.id, organisation=acme.id) == theirs
    assert all(event["target"] != theirs.id for event in (await ours.get("/events.json")).json["events"])
    taken = await ours.post("/members/new", {**BOB, "email": theirs.email})
    assert "is a member already" in taken.text


@pytest.mark.slow
async def test_hostile_names_stay_text(control: Control) -> None:
    admin = await control.signed_in("admin")
    name = "<script>alert(1)</script>{{7*7}}"
    made = members.invite(control.engine, "test", "bob@example.com", Terms(name, "viewer"))
    for path in ("/members", f"/members/{made.member.id}", "/events"):
        page = (await admin.get(path)).text
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)" in page
        assert "{{7*7}}" in page
