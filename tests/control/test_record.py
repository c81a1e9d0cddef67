"""`/records/{decision_id}`: one decision, whole."""

from __future__ import annotations

import json
import re
import time
from contextlib import closing

import pytest
from tests.control.journalling import decided, record
from tests.control.running import Control

from toolgate.audit.records import LimitFacts, Outcome
from toolgate.control.pages.record import marked
from toolgate.policy.decision import Charge, Unit
from toolgate.store import events, policies, servers
from toolgate.store.approvals import ApprovalStore, Wanted
from toolgate.store.captures import SEAL, Capture, keep
from toolgate.store.tables import DEFAULT_ORGANISATION

NOW = time.time() - 60
POLICY = """{
  "version": "1",
  "default": "deny",
  "tools": {
    "run": {
      "deny_if": [
        {"conditions": [{"path": "args.amount", "op": "gt", "value": 100}]},
        {"conditions": [{"path": "args.amount", "op": "lt", "value": 1}]}
      ],
      "limits": [{"counter": "calls", "window": "minute", "max": 2}]
    }
  }
}"""


async def test_every_rule_is_told_with_how_far_the_decision_went(control: Control) -> None:
    policy = policies.put(control.engine, "test", "careful", POLICY)
    policies.put(control.engine, "test", "careful", POLICY.replace("100", "7"))
    told = {"policy_id": policy.id, "revision": 1, "rule": "/tools/run/deny_if/0", "message": "Too much."}
    await record(control.state.data, [decided("x", NOW, outcome="deny", **told)])
    browser = await control.signed_in("viewer")
    steps = (await browser.get("/records/x.json")).json["steps"]
    standing = {step["pointer"]: step["effect"] for step in steps}
    assert standing["/tools/run/deny_if/0"] == "denies"
    assert standing["/tools/run/deny_if/1"] == "unreached"
    assert standing["/tools/run/limits/0"] == "unreached"
    assert {step["effect"] for step in steps[: next(n for n, step in enumerate(steps) if step["decides"])]} == {
        "passes"
    }
    page = (await browser.get("/records/x")).text
    assert "denied here" in page
    assert "above 100" in page  # revision 1 decided, not the present one
    assert re.search(r'<span class="line marked"> +{&#34;conditions&#34;.*?&#34;gt&#34;', page)


@pytest.mark.slow
async def test_charges_limit_and_ending_are_told_in_plain_numbers(control: Control) -> None:
    charge = Charge("k", "spend", 2_500_000_000, 10 * 10**9, Unit.DAY, "/tools/run/limits/0", "/cost")
    sliding = Charge("s", "calls", 10**9, 5 * 10**9, 90, "/tools/run/limits/1")
    limit = LimitFacts("calls", 5 * 10**9, 5 * 10**9, int(NOW) + 60)
    ended = Outcome(
        time=NOW,
        decision_id="a",
        result="rpc_error",
        status=200,
        code=-32603,
        settled={"k": 10**9},
        upstream_took=1_234_567,
        removed=3,
        redacted={"jwt": 2},
        withheld="/tools/run/response/max_bytes",
    )
    await record(
        control.state.data,
        [
            decided("a", NOW, charges=(charge, sliding)),
            ended,
            decided("b", NOW, outcome="deny", rule="/tools/run/limits/1", limit=limit),
        ],
    )
    browser = await control.signed_in("viewer")
    page = (await browser.get("/records/a")).text
    for words in (
        "2.5",
        "answered with an error",
        "-32603",
        "1.2 s",
        "90 s",
        ">1<",
        "3 hidden characters, 2 jwt found",
    ):
        assert words in page
    assert "5 of 5" in (await browser.get("/records/b")).text


@pytest.mark.slow
async def test_both_decisions_of_an_approval_lead_to_each_other(control: Control) -> None:
    server = servers.add(control.engine, "test", "files", "http://127.0.0.1:9/mcp").id
    call = Wanted(
        DEFAULT_ORGANISATION, "g1", "ci", "ada", server, "files", "tools/call", "run", "d", "", "f", "", 0, "/r", "why"
    )
    with closing(ApprovalStore(control.state.data)) as store:
        approval = store.ask(call, 600.0, lambda _id: b"sealed", 5)
    same = {"grant_id": "g1", "approval_id": approval.id}
    now = time.time()
    await record(
        control.state.data,
        [
            decided("held", now, outcome="wait", **same),
            Outcome(time=now, decision_id="held", result="approved"),
            decided("sent", now, decided_by="ada", **same),
            decided("other", now, grant_id="g1"),
        ],
    )
    browser = await control.signed_in("viewer")
    held = (await browser.get("/records/held.json")).json
    assert [one["decision_id"] for one in held["related"]] == ["sent"]
    assert held["approval"]["id"] == approval.id
    assert [one["decision_id"] for one in (await browser.get("/records/sent.json")).json["related"]] == ["held"]
    assert 'href="/records/sent"' in (await browser.get("/records/held")).text


@pytest.mark.slow
async def test_a_decision_that_no_rule_made_says_what_did(control: Control) -> None:
    policy = policies.put(control.engine, "test", "careful", POLICY)
    asked = {"policy_id": policy.id, "revision": 1, "outcome": "deny"}
    await record(
        control.state.data,
        [decided("a", NOW, rule="(unknown)", **asked), decided("b", NOW, outcome="deny", rule="(no policy)")],
    )
    browser = await control.signed_in("viewer")
    assert "server has no such tool" in (await browser.get("/records/a")).text
    assert "the grant has no policy" in (await browser.get("/records/b")).text


async def test_what_a_call_said_is_shown_to_admins_who_leave_a_trace(control: Control) -> None:
    await record(control.state.data, [decided("x", NOW), decided("y", NOW)])
    admin, viewer = await control.signed_in("admin"), await control.signed_in("viewer")
    assert "Show it" not in (await admin.get("/records/x")).text
    said = {"method": "tools/call", "params": {"name": "run", "arguments": {"card": "4711"}}}
    kept = Capture("x", "s1", NOW, 1, json.dumps(said).encode())
    keep(control.state.data, control.state.master.sealer(SEAL), [kept])
    for browser, status in ((admin, 200), (viewer, 403)):
        page = await browser.get("/records/x")
        assert ("Show it" in page.text) == (browser is admin)
        assert "4711" not in page.text
        assert (await browser.post("/records/x/said")).status == status
    shown = await admin.post("/records/x/said")
    assert "4711" in shown.text
    looks = [event for event in events.newest(control.engine) if event.action == "look"]
    assert [(event.actor, event.target) for event in looks] == [(admin.member.email, "x")] * 2
    assert (await admin.post("/records/y/said")).status == 404
    assert (await admin.post("/records/x/said", {"csrf": "forged"})).status == 403


async def test_what_is_no_decision_has_no_page(control: Control) -> None:
    await record(control.state.data, [decided("x", NOW)])
    browser = await control.signed_in("viewer")
    answer = await browser.get("/records/y")
    assert answer.status == 404
    assert "there is no decision" in answer.text


def test_the_lines_of_the_rule_are_marked_in_the_text_as_it_was_written() -> None:
    lines = marked(POLICY, "/tools/run/deny_if/1")
    assert "\n".join(line.text for line in lines) == POLICY
    assert [line.text.strip()[:14] for line in lines if line.marked] == ['{"conditions":']
    assert [line.marked for line in marked(POLICY, "(default deny)")] == [False] * len(lines)
    assert not any(line.near for line in marked(POLICY, "/tools/gone"))


def test_a_document_on_one_line_is_laid_out() -> None:
    lines = marked(json.dumps(json.loads(POLICY)), "/default")
    assert [line.text for line in lines if line.marked] == ['  "default": "deny",']
