"""Approve and add a rule: shown as a difference first, stored only as it was shown."""

from __future__ import annotations

import json

import pytest
from tests.control.running import Browser, Control

from toolgate.store import definitions, policies
from toolgate.store.approvals import Approval
from toolgate.store.definitions import seen_of

from .desk import ASK, now, waits

PAY = {"name": "pay", "inputSchema": {"type": "object", "properties": {"amount": {"type": "integer"}}}}

pytestmark = pytest.mark.slow


async def asked(control: Control, **fields: str) -> Approval:
    first = waits(control.state, {"amount": 1})
    definitions.saw(control.engine, "test", first.server_id, [seen_of(json.dumps(PAY).encode())], trusted=True)
    return waits(control.state, {"amount": 5000}, **fields)  # type: ignore[arg-type]


async def manager(control: Control) -> Browser:
    return await control.signed_in("policy_manager", approver=("*",))


async def test_the_rule_is_shown_before_it_is_stored_and_the_call_is_approved(control: Control) -> None:
    approval, browser = await asked(control), await manager(control)
    page = await browser.get(f"/approvals/{approval.id}/rule")
    assert "`amount` up to 5000" in page.text
    twin = (await browser.get(f"/approvals/{approval.id}/rule.json")).json
    assert [ease["key"] for ease in twin["eases"]] == ["upto:amount", "exactly"]
    assert policies.get(control.engine, "asking").revision == 1
    done = await browser.post(f"/approvals/{approval.id}/rule", {"ease": "upto:amount", "revision": "1"})
    assert (done.status, done.location) == (303, f"/approvals/{approval.id}?done=ruled")
    stored = policies.get(control.engine, "asking")
    assert (stored.revision, stored.author) == (2, browser.member.email)
    rule = {"conditions": [{"path": "args.amount", "op": "gt", "value": 5000}], "on_deny": "Mind."}
    assert json.loads(stored.document)["tools"]["pay"] == {"require_approval": [rule]}
    decided = now(control.state, approval)
    assert (decided.state, decided.decision_reason) == ("approved", "with a rule for calls like it")


async def test_what_changed_meanwhile_is_shown_anew_and_nothing_is_done(control: Control) -> None:
    approval, browser = await asked(control), await manager(control)
    policies.put(control.engine, "ada", "asking", json.dumps({**ASK, "description": "new"}))
    for form in (
        {"ease": "upto:amount", "revision": "1"},
        {"ease": "upto:other", "revision": "2"},
        {"ease": "upto:amount", "revision": "x"},
        {},
    ):
        stale = await browser.post(f"/approvals/{approval.id}/rule", form)
        assert stale.status == 409
        assert "has changed meanwhile" in stale.text
    assert policies.get(control.engine, "asking").revision == 2
    assert now(control.state, approval).state == "pending"


async def test_a_call_without_a_narrow_rule_leads_to_the_builder(control: Control) -> None:
    approval = await asked(control, rule="/all_tools/require_approval/0")
    page = await (await manager(control)).get(f"/approvals/{approval.id}/rule")
    assert "No narrow rule fits this call" in page.text
    assert f"/policies/{approval.policy_id}/edit" in page.text


async def test_who_may_not_write_policies_or_approve_the_call_adds_no_rule(control: Control) -> None:
    approval = await asked(control, principal="grace@example.com")
    path, form = f"/approvals/{approval.id}/rule", {"ease": "upto:amount", "revision": "1"}
    viewer = await control.signed_in("viewer", approver=("*",))
    assert "approve and add a rule" not in (await viewer.get(f"/approvals/{approval.id}")).text
    no_approver = await control.signed_in("admin")
    grace = await control.signed_in(control.member("admin", email="grace@example.com", approver=("*",)))
    for browser in (viewer, no_approver):
        assert (await browser.get(path)).status == 403
        assert (await browser.post(path, form)).status == 403
    assert (await grace.post(path, form)).status == 403
    assert policies.get(control.engine, "asking").revision == 1
    assert now(control.state, approval).state == "pending"
