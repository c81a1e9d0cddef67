"""What an approval lets through: one identical call, until it expires, while the rules are the same."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from tests.gateway.running import ALLOW_ALL, Gateway, Grant, Json, Received, Recorder, Reply, call, http, modern

from toolgate.keys import MasterKey
from toolgate.store import grants
from toolgate.store.approvals import FILE, SEAL

from .desk import ASK, DEPLOY, TOOLS, approve, asked, deny, let_expire, of, store, waits

pytestmark = pytest.mark.slow


def granted(gateway: Gateway, recorder: Recorder, policy: Json = ASK) -> Grant:
    return gateway.grant(gateway.add_server(recorder.url, TOOLS), policy)


async def permitted(grant: Grant, arguments: Json | None = None) -> None:
    """Have a call held and approved, after its client was told to repeat it."""
    assert waits(await grant.call("deploy", arguments))
    approve(grant.gateway, await asked(grant))


async def test_nothing_is_sent_before_a_person_agreed(hasty: Gateway, recorder: Recorder) -> None:
    grant = granted(hasty, recorder)
    answer = await grant.call("deploy", {"to": "production"})
    assert waits(answer)
    waiting = await asked(grant)
    assert waiting.id in answer.text
    assert "Mind." in answer.text
    assert "Repeat the identical call" in answer.text
    assert (waiting.tool, waiting.rule, waiting.reason) == ("deploy", "/tools/deploy/action", "Mind.")
    assert recorder.calls == []


async def test_after_the_approval_an_identical_call_passes_once_and_only_once(
    hasty: Gateway, recorder: Recorder
) -> None:
    grant = granted(hasty, recorder)
    await permitted(grant, {"to": "production"})
    assert (await grant.call("deploy", {"to": "production"}, id_=2)).text == "done"
    assert waits(await grant.call("deploy", {"to": "production"}, id_=3))
    assert [received.json["id"] for received in recorder.calls] == [2]
    assert [approval.state for approval in of(grant)] == ["used", "pending"]


async def test_the_record_tells_that_it_waited_who_approved_and_what_was_sent(
    hasty: Gateway, recorder: Recorder
) -> None:
    grant = granted(hasty, recorder)
    await permitted(grant)
    await grant.call("deploy", id_=2)
    held, sent = grant.decisions()
    (approval,) = of(grant)
    assert (held.outcome, held.approval_id, held.decided_by) == ("wait", approval.id, "")
    assert (sent.outcome, sent.approval_id, sent.decided_by) == ("allow", approval.id, "cli:ada")
    assert (approval.state, approval.used_by) == ("used", sent.decision_id)
    first, second = await hasty.outcomes(held, sent)
    assert (first.result, second.result) == ("waiting", "result")


def lists(*tools: Json) -> Reply:
    """Answers every request with this list of tools."""

    async def reply(request: Received, writer: asyncio.StreamWriter) -> None:
        answer = {"jsonrpc": "2.0", "id": request.json["id"], "result": {"tools": tools}}
        writer.write(http(200, json.dumps(answer).encode()))

    return reply


CHANGED: list[tuple[Json, Json]] = [
    ({"to": "a"}, {"to": "b"}),
    ({"to": "a"}, {"to": "a", "force": True}),
    ({"to": "a"}, {}),
    ({"count": 1}, {"count": "1"}),
    ({"count": 1}, {"count": 1.0}),
    ({"to": "a"}, {"to": "a\u200b"}),
    ({"to": None}, {}),
    ({f"k{number}": 1 for number in range(300)}, {f"k{number}": 1 + (number == 299) for number in range(300)}),
]


@pytest.mark.parametrize(("approved", "sent"), CHANGED)
async def test_a_call_with_other_arguments_is_another_call(
    hasty: Gateway, recorder: Recorder, approved: Json, sent: Json
) -> None:
    grant = granted(hasty, recorder)
    await permitted(grant, approved)
    assert waits(await grant.call("deploy", sent))
    assert recorder.calls == []
    assert (await grant.call("deploy", dict(reversed(approved.items())))).text == "done"


@pytest.mark.parametrize("member", [{"task": {"ttl": 1}}, {"_meta": {"tenant": "b"}}, {"inputResponses": {}}, {"x": 1}])
async def test_what_else_reaches_the_server_is_part_of_the_call(
    hasty: Gateway, recorder: Recorder, member: Json
) -> None:
    grant = granted(hasty, recorder)
    await permitted(grant)
    other = call("deploy")
    other["params"].update(member)
    assert waits(await grant.post(other))
    assert recorder.calls == []


async def test_what_differs_in_every_repeat_is_not_part_of_the_call(hasty: Gateway, recorder: Recorder) -> None:
    grant = granted(hasty, recorder)
    await permitted(grant)
    other = call("deploy")
    other["params"]["_meta"] = {"progressToken": 7, "traceparent": "00-1-2-3", "io.modelcontextprotocol/x": 1}
    answer = await grant.post(other, accept="application/json")
    assert answer.text == "done"


async def test_a_permit_is_of_no_use_to_another_grant_or_on_another_server(hasty: Gateway, recorder: Recorder) -> None:
    grant = granted(hasty, recorder)
    await permitted(grant)
    same_server = hasty.grant(grant.server, ASK)
    other_server = granted(hasty, recorder)
    assert waits(await same_server.call("deploy"))
    assert waits(await other_server.call("deploy"))
    assert recorder.calls == []


async def test_a_permit_ends_with_its_time(hasty: Gateway, recorder: Recorder) -> None:
    grant = granted(hasty, recorder)
    await permitted(grant)
    (approval,) = of(grant)
    let_expire(hasty, approval)
    assert waits(await grant.call("deploy"))
    assert [one.state for one in of(grant)] == ["expired", "pending"]
    assert recorder.calls == []


async def test_the_timeout_of_the_rule_is_how_long_a_person_has(hasty: Gateway, recorder: Recorder) -> None:
    rule = {"conditions": [], "timeout": "2h"}
    policy = {"version": "1", "default": "allow", "tools": {"deploy": {"require_approval": [rule], "schema": "off"}}}
    grant = granted(hasty, recorder, policy)
    assert waits(await grant.call("deploy"))
    waiting = await asked(grant)
    assert round(waiting.expires - waiting.created) == 7200


async def test_a_refusal_answers_the_repeats_with_the_reason_and_not_with_the_person(
    hasty: Gateway, recorder: Recorder
) -> None:
    grant = granted(hasty, recorder)
    assert waits(await grant.call("deploy"))
    deny(hasty, await asked(grant), "Not on a Friday")
    answer = await grant.call("deploy")
    assert answer.denied
    assert "A person refused this call. Not on a Friday" in answer.text
    assert "ada" not in answer.text
    assert grant.decisions()[-1].decided_by == "cli:ada"
    assert recorder.calls == []


async def test_a_policy_that_forbids_the_call_now_wins_over_the_approval(hasty: Gateway, recorder: Recorder) -> None:
    grant = granted(hasty, recorder)
    await permitted(grant)
    grant.use({"version": "1", "default": "allow", "tools": {"deploy": {"action": "deny"}}})
    assert (await grant.call("deploy")).denied
    assert recorder.calls == []


async def test_a_revision_that_asks_by_another_rule_voids_the_approval(hasty: Gateway, recorder: Recorder) -> None:
    grant = granted(hasty, recorder)
    await permitted(grant)
    grant.use({"version": "1", "default": "allow", "tools": {"dep*": {"action": "require_approval"}}})
    assert waits(await grant.call("deploy"))
    assert [approval.state for approval in of(grant)] == ["void", "pending"]
    assert recorder.calls == []


async def test_another_policy_voids_the_approval(hasty: Gateway, recorder: Recorder) -> None:
    grant = granted(hasty, recorder)
    await permitted(grant)
    grants.attach(hasty.engine, "test", grant.id, hasty.put_policy(ASK))
    hasty.settle()
    assert waits(await grant.call("deploy"))
    assert [approval.state for approval in of(grant)] == ["void", "pending"]


async def test_a_revision_that_changes_neither_outcome_nor_rule_leaves_the_approval(
    hasty: Gateway, recorder: Recorder
) -> None:
    grant = granted(hasty, recorder)
    await permitted(grant)
    grant.use({**ASK, "tools": {**ASK["tools"], "remove": {"action": "deny"}}})
    assert (await grant.call("deploy")).text == "done"
    assert [decision.revision for decision in grant.decisions()] == [1, 2]


async def test_a_changed_definition_asks_anew(hasty: Gateway, recorder: Recorder) -> None:
    grant = granted(hasty, recorder)
    await permitted(grant)
    changed = {**DEPLOY, "description": "Deploys to everywhere at once."}
    recorder.reply = lists(changed)
    await grant.post({"jsonrpc": "2.0", "id": 9, "method": "tools/list"})
    assert waits(await grant.call("deploy"))
    assert recorder.calls == []


async def test_an_exhausted_call_bothers_nobody(hasty: Gateway, recorder: Recorder) -> None:
    limit = {"counter": "deploys", "window": "month", "max": 1}
    rules = {"action": "require_approval", "limits": [limit]}
    grant = granted(hasty, recorder, {"version": "1", "default": "allow", "tools": {"deploy": rules}})
    await permitted(grant)
    assert (await grant.call("deploy")).text == "done"
    answer = await grant.call("deploy")
    assert answer.denied
    assert "used up" in answer.text
    assert [approval.state for approval in of(grant)] == ["used"]


async def test_limits_are_reserved_at_release_and_not_while_a_call_waits(hasty: Gateway, recorder: Recorder) -> None:
    limit = {"counter": "calls", "window": "month", "max": 1, "scope": "grant"}
    policy = {**ASK, "all_tools": {"limits": [limit]}}
    grant = granted(hasty, recorder, policy)
    await permitted(grant)
    assert (await grant.call("look")).text == "done"
    answer = await grant.call("deploy")
    assert answer.denied
    assert "used up" in answer.text
    assert [approval.state for approval in of(grant)] == ["approved"]
    assert [received.json["params"]["name"] for received in recorder.calls] == ["look"]


async def test_one_grant_may_not_bury_people_in_requests(hasty: Gateway, recorder: Recorder) -> None:
    grant = granted(hasty, recorder)
    for number in range(20):
        assert waits(await grant.call("deploy", {"to": number}))
    answer = await grant.call("deploy", {"to": 20})
    assert answer.denied
    assert "20 calls of this grant wait" in answer.text
    assert waits(await grant.call("deploy", {"to": 3}))
    assert len(of(grant, "pending")) == 20


async def test_a_held_call_lies_sealed_in_the_file_and_opens_to_exactly_what_was_sent(
    hasty: Gateway, recorder: Recorder
) -> None:
    grant = granted(hasty, recorder)
    body = json.dumps(call("deploy", {"to": "plaintext-canary"})).replace("}}}", ', "sum": 1.10}}}').encode()
    assert waits(await grant.post(body))
    waiting = await asked(grant)
    files = [hasty.data / f"{FILE}{suffix}" for suffix in ("", "-wal")]
    assert all(b"plaintext-canary" not in file.read_bytes() for file in files)
    sealer = MasterKey.load(hasty.data).sealer(SEAL)
    opened = store(hasty)
    text = sealer.open(opened.sealed(waiting.id), waiting.id.encode())
    opened.close()
    assert text == (
        b'{"method":"tools/call","params":{"name":"deploy","arguments":{"to":"plaintext-canary","sum":1.10}}}'
    )


async def test_methods_wait_as_tools_do(hasty: Gateway, recorder: Recorder) -> None:
    policy = {"version": "1", "default": "allow", "methods": {"resources/read": {"action": "require_approval"}}}
    grant = granted(hasty, recorder, policy)
    ask = {"jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": {"uri": "docs://a"}}
    error = (await grant.post(ask)).json["error"]
    approve(hasty, await asked(grant))
    assert (error["code"], error["data"]["approval"]) == (1004, of(grant)[0].id)
    other = {**ask, "params": {"uri": "docs://b"}}
    assert (await grant.post(other)).json["error"]["code"] == 1004
    assert "result" in (await grant.post(ask)).json
    assert [received.json["params"]["uri"] for received in recorder.received] == ["docs://a"]


async def test_a_notification_that_would_have_to_wait_is_not_sent(hasty: Gateway, recorder: Recorder) -> None:
    policy = {"version": "1", "default": "allow", "methods": {"notifications/*": {"action": "require_approval"}}}
    grant = granted(hasty, recorder, policy)
    answer = await grant.post({"jsonrpc": "2.0", "method": "notifications/anything"})
    assert answer.status == 202
    (decision,) = grant.decisions()
    assert (decision.outcome, "cannot wait for a person" in decision.message) == ("deny", True)
    assert (of(grant), recorder.received) == ([], [])


async def test_the_stateless_era_waits_in_the_same_way(hasty: Gateway, recorder: Recorder) -> None:
    grant = granted(hasty, recorder)
    body, headers = modern("tools/call", {"name": "deploy", "arguments": {"to": "x"}})
    answer = await grant.post(body, **headers)
    assert waits(answer)
    assert answer.json["result"]["resultType"] == "complete"
    approve(hasty, await asked(grant))
    assert (await grant.post(body, **headers)).text == "done"
    assert waits(await grant.post(body, **headers))


async def test_a_file_that_cannot_be_used_denies(tmp_path: Path, recorder: Recorder) -> None:
    gateway = Gateway(tmp_path / "data", "--approval-wait", "0").start()
    try:
        (gateway.data / FILE).write_bytes(b"x" * 5000)
        grant = granted(gateway, recorder)
        answer = await grant.call("deploy")
        assert answer.denied
        assert "Nobody can be asked" in answer.text
        assert [decision.rule for decision in grant.decisions()] == ["(store)"]
        assert (await grant.call("look")).text == "done"
    finally:
        gateway.close()


async def test_unguarded_calls_touch_no_approvals(tmp_path: Path, recorder: Recorder) -> None:
    gateway = Gateway(tmp_path / "data").start()
    try:
        grant = granted(gateway, recorder, ALLOW_ALL)
        assert (await grant.call("deploy")).text == "done"
        assert not (gateway.data / FILE).exists()
    finally:
        gateway.close()
