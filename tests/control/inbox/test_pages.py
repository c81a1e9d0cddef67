"""The inbox: what approvers see and press, and what everybody else does not."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing

import pytest
from tests.control.running import Browser, Control

from toolgate.control.inbox.deciding import opened
from toolgate.store import definitions, organisations
from toolgate.store.approvals import FILE
from toolgate.store.definitions import seen_of
from toolgate.store.members import Terms, amend

from .desk import now, waits

PAY = {"name": "pay", "description": "Send <b>money</b>.", "inputSchema": {"type": "object"}}


async def approver(control: Control, role: str = "viewer", *servers: str) -> Browser:
    return await control.signed_in(role, approver=servers or ("*",))


async def test_what_waits_is_shown_first_and_what_was_decided_below(control: Control) -> None:
    browser = await approver(control)
    empty = await browser.get("/approvals")
    assert "No call waits for you" in empty.text
    waiting, done = waits(control.state, {"amount": 990000}), waits(control.state, {"amount": 1})
    with opened(control.state) as store:
        store.decide(done.id, "denied", "ada@example.com", "too late")
    page = await browser.get("/approvals")
    assert page.text.index(waiting.id) < page.text.index(done.id)
    assert "990000" in page.text
    assert "too late" in page.text
    twin = (await browser.get("/approvals.json")).json
    assert [one["id"] for one in twin["pending"]] == [waiting.id]
    assert [one["id"] for one in twin["decided"]] == [done.id]
    assert (await browser.get("/approvals/state.json")).json == {"state": f"1 {waiting.id}"}
    assert f'data-stamp="1 {waiting.id}"' in page.text


@pytest.mark.slow
async def test_the_whole_call_is_on_its_page(control: Control) -> None:
    earlier = waits(control.state, {"amount": 1200, "to": "ACME", "memo": "x"})
    with opened(control.state) as store:
        store.decide(earlier.id, "approved", "ada@example.com")
    hostile = "<script>alert(1)</script>\u202e\x07"
    approval = waits(control.state, {"amount": 990000, "to": "ACME", hostile: hostile, "long": "y" * 4000})
    page = await (await approver(control)).get(f"/approvals/{approval.id}")
    assert (page.status, page.headers["cache-control"]) == (200, "no-store")
    assert "<script>alert" not in page.text
    assert "\u202e" not in page.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;\\u202e\\u0007" in page.text
    assert "y" * 4000 in page.text
    assert re.search(r"before: <span class=\"mono\">1200</span>", page.text)
    data = (await (await approver(control)).get(f"/approvals/{approval.id}.json")).json
    changes = {value["name"]: value["change"] for value in data["call"]["arguments"]}
    assert (changes["amount"], changes["to"], changes["long"]) == ("changed", "same", "new")
    assert [value["name"] for value in data["call"]["left_out"]] == ["memo"]
    assert data["asking"]["rule"] == "require_approval"
    assert (data["asking"]["policy"], data["previous"]["id"]) == ("asking", earlier.id)


@pytest.mark.slow
async def test_a_tool_that_changed_since_the_question_is_said_to_have(control: Control) -> None:
    first = waits(control.state)
    server, before = first.server_id, seen_of(json.dumps(PAY).encode())
    definitions.saw(control.engine, "test", server, [before], trusted=True)
    approval = waits(control.state, {"n": 1}, fingerprint=before.fingerprint)
    browser = await approver(control)
    page = await browser.get(f"/approvals/{approval.id}")
    assert "definition unchanged" in page.text
    assert "Send &lt;b&gt;money&lt;/b&gt;." in page.text
    after = seen_of(json.dumps({**PAY, "description": "Send all the money."}).encode())
    definitions.saw(control.engine, "test", server, [after], trusted=True)
    page = await browser.get(f"/approvals/{approval.id}")
    assert "says something else of itself by now" in page.text
    assert "all the money" in page.text
    assert "When the call came, nobody knew" in (await browser.get(f"/approvals/{first.id}")).text


async def test_approving_is_one_press_and_tells_what_became_of_it(control: Control) -> None:
    approval = waits(control.state)
    browser = await approver(control)
    done = await browser.post(f"/approvals/{approval.id}/approve")
    assert (done.status, done.location) == (303, f"/approvals/{approval.id}?done=approved")
    decided = now(control.state, approval)
    assert (decided.state, decided.decided_by) == ("approved", browser.member.email)
    page = await browser.get(done.location)
    assert "Approved: the waiting call goes on" in page.text
    assert "Approve once" not in page.text


@pytest.mark.slow
async def test_refusing_takes_a_reason_and_keeps_what_was_typed(control: Control) -> None:
    approval = waits(control.state)
    browser = await approver(control)
    bad = await browser.post(f"/approvals/{approval.id}/deny", {"reason": "x" * 300})
    assert bad.status == 422
    assert "x" * 300 in bad.text
    assert now(control.state, approval).state == "pending"
    done = await browser.post(f"/approvals/{approval.id}/deny", {"reason": "not on a Friday"})
    assert done.status == 303
    assert now(control.state, approval).decision_reason == "not on a Friday"


@pytest.mark.slow
async def test_who_comes_second_reads_who_was_first(control: Control) -> None:
    approval = waits(control.state)
    first, second = await approver(control), await approver(control)
    await first.post(f"/approvals/{approval.id}/approve")
    late = await second.post(f"/approvals/{approval.id}/deny", {"reason": "no"})
    assert late.status == 409
    assert f"approved by {first.member.email}" in late.text
    assert now(control.state, approval).state == "approved"


@pytest.mark.slow
@pytest.mark.parametrize("role", ["viewer", "policy_manager", "admin"])
async def test_who_is_no_approver_sees_nothing_whatever_their_role(control: Control, role: str) -> None:
    approval = waits(control.state, {"secret": "value"})
    browser = await control.signed_in(role)
    for path in ("/approvals", "/approvals.json", f"/approvals/{approval.id}", f"/approvals/{approval.id}.json"):
        refused = await browser.get(path)
        assert refused.status == 403
        assert approval.tool not in refused.text.replace("no-store", "")
    for path in ("/approvals/state", f"/approvals/{approval.id}/state.json", "/approvals/apr_unknown"):
        assert (await browser.get(path)).status == 403
    assert (await browser.post(f"/approvals/{approval.id}/approve")).status == 403
    assert now(control.state, approval).state == "pending"


@pytest.mark.slow
async def test_an_approver_of_one_server_sees_its_calls_alone(control: Control) -> None:
    mine = waits(control.state, {"n": 1})
    other = waits(control.state, {"n": 2}, server_id="another")
    browser = await approver(control, "viewer", mine.server_id)
    listed = (await browser.get("/approvals.json")).json
    assert [one["id"] for one in listed["pending"]] == [mine.id]
    assert (await browser.get("/approvals/state.json")).json == {"state": f"1 {mine.id}"}
    assert (await browser.get(f"/approvals/{other.id}")).status == 404
    assert (await browser.get("/approvals.json?server=another")).json["pending"] == []
    assert (await browser.post(f"/approvals/{other.id}/approve")).status == 404
    assert now(control.state, other).state == "pending"


@pytest.mark.slow
async def test_another_organisation_is_told_nothing(control: Control) -> None:
    approval = waits(control.state)
    house = organisations.add(control.engine, "ada", "other").id
    browser = await control.signed_in("admin", approver=("*",), organisation=house)
    theirs = await browser.get(f"/approvals/{approval.id}")
    unknown = await browser.get("/approvals/apr_unknown123")
    assert (theirs.status, unknown.status) == (404, 404)
    assert theirs.text.replace(approval.id, "") == unknown.text.replace("apr_unknown123", "")
    assert (await browser.post(f"/approvals/{approval.id}/approve")).status == 404
    assert (await browser.get("/approvals.json")).json["pending"] == []


async def test_nothing_is_decided_without_a_session_or_by_another_page(control: Control) -> None:
    approval = waits(control.state)
    path = f"/approvals/{approval.id}/approve"
    stranger, browser = await control.browser(), await approver(control)
    assert (await stranger.get(f"/approvals/{approval.id}")).location.startswith("/sign-in?to=")
    assert (await stranger.get(f"/approvals/{approval.id}.json")).status == 401
    assert (await stranger.post(path)).location == "/sign-in"
    assert (await browser.post(path, {"csrf": "forged"})).status == 403
    assert (await browser.post(path, origin="https://evil.example")).status == 403
    assert (await browser.post(path, sec_fetch_site="cross-site")).status == 403
    assert (await browser.get(path)).status == 405
    for _ in range(3):
        assert (await browser.get(f"/approvals/{approval.id}")).status == 200
        assert (await browser.ask("HEAD", f"/approvals/{approval.id}")).status == 200
    assert now(control.state, approval).state == "pending"


@pytest.mark.slow
async def test_ones_own_call_has_no_button_to_approve(control: Control) -> None:
    member = control.member("admin", email="grace@example.com", approver=("*",))
    approval = waits(control.state, principal="grace@example.com")
    browser = await control.signed_in(member)
    page = await browser.get(f"/approvals/{approval.id}")
    assert "This is a call of your own" in page.text
    assert "Approve once" not in page.text
    refused = await browser.post(f"/approvals/{approval.id}/approve")
    assert refused.status == 403
    assert "nobody approves their own calls" in refused.text
    assert now(control.state, approval).state == "pending"


@pytest.mark.slow
async def test_the_history_is_narrowed_and_paged(control: Control) -> None:
    browser = await approver(control)
    with opened(control.state) as store:
        for number in range(53):
            id_ = waits(control.state, {"n": number}, tool="pay" if number % 2 else "refund").id
            store.decide(id_, "denied" if number % 2 else "approved", "ada")
    first = (await browser.get("/approvals.json")).json
    second = (await browser.get(f"/approvals.json?before={first['next']}")).json
    assert (len(first["decided"]), len(second["decided"]), second["next"]) == (50, 3, None)
    assert {one["state"] for one in (await browser.get("/approvals.json?state=denied")).json["decided"]} == {"denied"}
    assert {one["tool"] for one in (await browser.get("/approvals.json?tool=pay")).json["decided"]} == {"pay"}
    assert (await browser.get("/approvals.json?tool=nothing")).json["decided"] == []
    assert "Older" in (await browser.get("/approvals")).text
    assert (await browser.get("/approvals?before=never")).status == 422
    assert (await browser.get("/approvals?state=nonsense&server=%00")).status == 200


@pytest.mark.slow
async def test_an_approver_who_no_longer_is_one_is_refused_at_once(control: Control) -> None:
    approval = waits(control.state)
    browser = await approver(control)
    member = browser.member
    amend(control.engine, "test", member.id, Terms(member.name, member.role, ()))
    assert (await browser.post(f"/approvals/{approval.id}/approve")).status == 403
    assert now(control.state, approval).state == "pending"


@pytest.mark.slow
async def test_a_call_that_cannot_be_read_any_more_is_not_approved_blindly(control: Control) -> None:
    approval = waits(control.state)
    with closing(sqlite3.connect(control.state.data / FILE, timeout=10)) as db, db:
        db.execute("UPDATE approvals SET sealed = ?", (b"sealed under a key that is gone" * 3,))
    page = await (await approver(control)).get(f"/approvals/{approval.id}")
    assert "cannot be read any more" in page.text
    assert "Approve once" not in page.text
    assert "Refuse" in page.text
