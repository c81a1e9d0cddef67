"""One call through the real gateway process: judged first, recorded first, then forwarded as it was."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .running import ALLOW_ALL, Gateway, Recorder, call, http

CHARGE_TOOL = {
    "name": "create_charge",
    "inputSchema": {
        "type": "object",
        "properties": {"amount": {"type": "number"}, "currency": {"type": "string"}},
        "required": ["amount"],
    },
}


async def test_an_allowed_call_reaches_the_server_byte_for_byte(gateway: Gateway, recorder: Recorder) -> None:
    grant = gateway.grant(gateway.add_server(recorder.url), ALLOW_ALL)
    body = (
        b'{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"run","arguments":'
        b'{"n": 1.0, "big": 123456789012345678901234567890, "e": 1e2, "s": "\\u00e9\\/"},"_meta":{"x":1}},'
        b' "extra": true}'
    )
    answer = await grant.post(body)
    assert answer.status == 200
    assert answer.json["result"]["content"][0]["text"] == "done"
    assert [one.body for one in recorder.calls] == [body]


async def test_the_decision_is_recorded_with_names_but_no_values(gateway: Gateway, recorder: Recorder) -> None:
    grant = gateway.grant(gateway.add_server(recorder.url), ALLOW_ALL, principal="ada", labels={"team": "x"})
    await grant.call("run", {"zeta": "very-secret", "alpha": 1}, id_=3)
    (decision,) = grant.decisions()
    assert (decision.outcome, decision.tool, decision.method) == ("allow", "run", "tools/call")
    assert decision.argument_names == ("alpha", "zeta")
    assert (decision.request_id, decision.principal, decision.revision) == (3, "ada", 1)
    assert len(decision.arguments_digest) == 32
    journal = b"".join(path.read_bytes() for path in (gateway.data / "journal").glob("*"))
    assert b"very-secret" not in journal


async def test_a_denied_call_says_why_and_reaches_nobody(gateway: Gateway, recorder: Recorder) -> None:
    policy = {"version": "1", "default": "allow", "tools": {"run": {"action": "deny", "reason": "no builds today"}}}
    grant = gateway.grant(gateway.add_server(recorder.url), policy)
    answer = await grant.call("run")
    assert answer.denied
    assert answer.text.startswith("[POLICY DENIED] policy violation:")
    assert "no builds today" in answer.text
    assert recorder.received == []
    (decision,) = grant.decisions()
    assert (decision.outcome, decision.rule) == ("deny", "/tools/run/action")


async def test_hidden_unlisted_and_absent_tools_get_one_identical_answer(gateway: Gateway, recorder: Recorder) -> None:
    tools = [{"name": name, "inputSchema": {"type": "object"}} for name in ("run", "remove", "other")]
    server = gateway.add_server(recorder.url, tools)
    strict = gateway.grant(server, {"version": "1", "default": "deny", "hide": ["remove"], "tools": {"run": {}}})
    answers = {name: (await strict.call(name)).text.replace(name, "NAME") for name in ("remove", "other", "absent")}
    assert set(answers.values()) == {"Unknown tool: NAME"}
    assert [decision.rule for decision in strict.decisions()] == ["(hidden)", "(default deny)", "(default deny)"]
    lax = gateway.grant(server, {"version": "1", "default": "allow", "hide": ["remove"]})
    assert (await lax.call("remove")).text.replace("remove", "X") == (await lax.call("absent")).text.replace(
        "absent", "X"
    )
    assert [decision.rule for decision in lax.decisions()] == ["(hidden)", "(unknown)"]
    assert recorder.received == []


async def test_ten_calls_a_minute_then_the_time_of_reset(gateway: Gateway, recorder: Recorder) -> None:
    limit = {"counter": "run_rate", "window": "day", "max": 10, "scope": "grant"}
    grant = gateway.grant(
        gateway.add_server(recorder.url), {"version": "1", "default": "deny", "tools": {"run": {"limits": [limit]}}}
    )
    answers = [await grant.call("run", id_=number) for number in range(11)]
    assert [answer.denied for answer in answers] == [False] * 10 + [True]
    assert "Retry after 20" in answers[-1].text
    facts = answers[-1].json["result"]["_meta"]["io.toolgate/denial"]["limit"]
    assert (facts["counter"], facts["used"], facts["max"]) == ("run_rate", "10", "10")
    assert len(recorder.calls) == 10
    assert grant.decisions()[-1].rule == "/tools/run/limits/0"


async def test_a_summed_limit_charges_the_argument(gateway: Gateway, recorder: Recorder) -> None:
    limit = {"counter": "spend", "window": "day", "max": 100, "scope": "grant", "cost": "args.amount"}
    policy = {"version": "1", "default": "deny", "tools": {"create_charge": {"limits": [limit]}}}
    grant = gateway.grant(gateway.add_server(recorder.url, [CHARGE_TOOL]), policy)
    amounts = [60, 60, 40, 0.5, "5"]
    outcomes = [not (await grant.call("create_charge", {"amount": amount})).denied for amount in amounts]
    assert outcomes == [True, False, True, False, False]


@pytest.mark.parametrize("code", [-32601, -32602])
async def test_a_call_that_certainly_did_not_run_gets_its_quota_back(
    gateway: Gateway, recorder: Recorder, code: int
) -> None:
    async def refuse(request: Any, writer: Any) -> None:
        body = {"jsonrpc": "2.0", "id": request.json["id"], "error": {"code": code, "message": "no"}}
        writer.write(http(200, json.dumps(body).encode()))

    limit = {"counter": "one", "window": "day", "max": 1}
    policy = {"version": "1", "default": "allow", "tools": {"run": {"limits": [limit]}}}
    grant = gateway.grant(gateway.add_server(recorder.url), policy)
    recorder.reply = refuse
    for _ in range(3):
        answer = await grant.call("run")
        assert answer.json["error"]["code"] == code
    outcomes = await gateway.outcomes(*grant.decisions())
    assert [outcome.rolled_back for outcome in outcomes] == [True] * 3


async def test_an_unreachable_server_is_an_error_to_the_request_and_gives_the_quota_back(gateway: Gateway) -> None:
    limit = {"counter": "one", "window": "day", "max": 1}
    policy = {"version": "1", "default": "allow", "tools": {"run": {"limits": [limit]}}}
    grant = gateway.grant(gateway.add_server("http://127.0.0.1:9/mcp"), policy)
    for _ in range(2):
        answer = await grant.call("run")
        assert answer.status == 200
        assert answer.json["error"]["data"]["source"] == "toolgate"
        assert not -32768 <= answer.json["error"]["code"] <= -32000


async def test_a_changed_policy_holds_on_the_next_request(gateway: Gateway, recorder: Recorder) -> None:
    grant = gateway.grant(gateway.add_server(recorder.url), ALLOW_ALL)
    assert not (await grant.call("run")).denied
    grant.use({"version": "1", "default": "allow", "tools": {"run": {"action": "deny"}}})
    assert (await grant.call("run")).denied
    assert [decision.revision for decision in grant.decisions()] == [1, 2]


async def test_a_grant_without_a_policy_is_denied_everything(gateway: Gateway, recorder: Recorder) -> None:
    grant = gateway.grant(gateway.add_server(recorder.url))
    assert (await grant.call("run")).denied
    refused = await grant.post({"jsonrpc": "2.0", "id": 1, "method": "resources/list"})
    assert refused.json["error"]["data"]["source"] == "toolgate"
    assert {decision.rule for decision in grant.decisions()} == {"(no policy)"}
    assert recorder.received == []


async def test_empty_deny_conditions_always_deny(gateway: Gateway, recorder: Recorder) -> None:
    rule = {"conditions": [], "on_deny": "Requires human approval."}
    policy = {"version": "1", "default": "allow", "tools": {"pay": {"deny_if": [rule]}}}
    tool = {"name": "pay", "inputSchema": {"type": "object"}}
    grant = gateway.grant(gateway.add_server(recorder.url, [tool]), policy)
    answer = await grant.call("pay")
    assert answer.denied
    assert "Requires human approval." in answer.text


async def test_methods_are_refused_under_default_deny_unless_listed(gateway: Gateway, recorder: Recorder) -> None:
    rule = {"conditions": [{"path": "params.uri", "op": "starts_with", "value": "docs://"}]}
    policy = {"version": "1", "default": "deny", "methods": {"resources/read": {"require": [rule]}}}
    grant = gateway.grant(gateway.add_server(recorder.url), policy)

    async def read(uri: str) -> Any:
        message = {"jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": {"uri": uri}}
        return (await grant.post(message)).json

    assert "result" in await read("docs://a")
    refused = await read("file:///etc/passwd")
    assert not -32768 <= refused["error"]["code"] <= -32000
    assert "error" in (await grant.post({"jsonrpc": "2.0", "id": 1, "method": "prompts/list"})).json
    assert "result" in (await grant.post({"jsonrpc": "2.0", "id": 1, "method": "ping"})).json


async def test_a_notification_is_accepted_with_202(gateway: Gateway, recorder: Recorder) -> None:
    grant = gateway.grant(gateway.add_server(recorder.url), ALLOW_ALL)
    answer = await grant.post({"jsonrpc": "2.0", "method": "notifications/initialized"})
    assert (answer.status, answer.body) == (202, b"")


async def test_a_tool_call_needs_an_id(gateway: Gateway, recorder: Recorder) -> None:
    grant = gateway.grant(gateway.add_server(recorder.url), ALLOW_ALL)
    message = call("run")
    del message["id"]
    answer = await grant.post(message)
    assert answer.status == 400
    assert recorder.received == []
    assert [decision.rule for decision in grant.decisions()] == ["(malformed)"]


async def test_the_token_never_goes_upstream_and_the_servers_credential_never_comes_back(
    gateway: Gateway, recorder: Recorder
) -> None:
    grant = gateway.grant(gateway.add_server(recorder.url), ALLOW_ALL)
    await grant.call("run", cookie="a=b", x_api_key="smuggled", x_upstream_authorization="smuggled")
    (received,) = recorder.calls
    sent = json.dumps(received.headers) + received.body.decode()
    assert grant.token not in sent
    assert "smuggled" not in sent
    assert received.header("cookie") is None
