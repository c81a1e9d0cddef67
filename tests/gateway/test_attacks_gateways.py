"""What other gateways got wrong in public, and evasions that need more than one message, through a real gateway."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from toolgate.audit.records import Refused
from toolgate.keys import MasterKey
from toolgate.policy.problems import PolicyError
from toolgate.store import headers, servers

from .running import ALLOW_ALL, Gateway, Grant, Received, Recorder, call, http, modern
from .speaking import connected, request_of
from .test_sessions import handshake, initialize

RUN = {"name": "run", "inputSchema": {"type": "object"}}
REMOVE = {"name": "remove", "inputSchema": {"type": "object"}}
ONE = {"limits": [{"counter": "one", "window": "month", "max": 1}]}

BROKEN = {
    "an operator that nobody knows": {"deny_if": [{"conditions": [{"path": "args.a", "op": "near", "value": 1}]}]},
    "a regex that does not compile": {"deny_if": [{"conditions": [{"path": "args.a", "op": "regex", "value": "("}]}]},
    "a condition that is a text": {"deny_if": [{"conditions": ["args.a > 1"]}]},
    "a limit without a maximum": {"limits": [{"counter": "x", "window": "minute"}]},
    "a window that nobody knows": {"limits": [{"counter": "x", "window": "fortnight", "max": 1}]},
    "praxis-939 tools that are a list": None,
}


@pytest.mark.parametrize("rules", BROKEN.values(), ids=BROKEN.keys())
async def test_a_stored_policy_that_no_longer_compiles_denies_everything_cve_2026_16584(
    gateway: Gateway, recorder: Recorder, rules: Any
) -> None:
    grant = gateway.grant(gateway.add_server(recorder.url, [RUN]), ALLOW_ALL)
    tools: Any = {"run": rules} if rules is not None else ["run"]
    await asyncio.to_thread(store_unchecked, gateway, grant, json.dumps({**ALLOW_ALL, "tools": tools}))
    answer = await grant.call("run", {"a": 1})
    assert answer.denied
    assert recorder.calls == []


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '"allow"', '{"version":"1"}', '{"version":"2","default":"allow"}']
)
async def test_a_stored_policy_that_is_none_denies_everything_cve_2026_16584(
    gateway: Gateway, recorder: Recorder, text: str
) -> None:
    grant = gateway.grant(gateway.add_server(recorder.url, [RUN]), ALLOW_ALL)
    await asyncio.to_thread(store_unchecked, gateway, grant, text)
    assert (await grant.call("run")).denied
    assert recorder.calls == []


def store_unchecked(gateway: Gateway, grant: Grant, document: str) -> None:
    """What a later version, a broken disk or a hand in the database may leave: no revision that `put` would take."""
    grant.use(ALLOW_ALL | {"description": "another"})
    with sqlite3.connect(gateway.data / "toolgate.db") as db:
        query = "UPDATE policy_revisions SET document = ? WHERE policy_id = (SELECT id FROM policies WHERE name = ?)"
        db.execute(query, (document, grant.policy))
        change = "INSERT INTO changes (kind, id) SELECT 'policy', id FROM policies WHERE name = ?"
        db.execute(change, (grant.policy,))
    db.close()
    gateway.settle()


UNKNOWN_WORDS: dict[str, Any] = {
    "1MCP CVE-2026-108586 a negation that nobody knows": {"tools": {"!remove": {}}, "hide": "!remove"},
    "talon-346 a mode": {"mode": "observe"},
    "talon-346 an action": {"tools": {"run": {"action": "block"}}},
    "praxis-939 tools that are null": {"tools": None},
    "agentgateway-PR-1374 a rule in the wrong place": {"tools": {"run": {"conditions": []}}},
    "agentgateway-PR-1374 another case": {"Tools": {}},
    "window-spelling": {"tools": {"run": {"limits": [{"counter": "a", "window": "60", "max": 1}]}}},
    "no default": {"default": None},
}


@pytest.mark.parametrize("change", UNKNOWN_WORDS.values(), ids=UNKNOWN_WORDS.keys())
async def test_a_document_with_a_word_that_nobody_knows_is_refused_and_the_last_good_one_stays(
    gateway: Gateway, recorder: Recorder, change: Any
) -> None:
    good = {"version": "1", "default": "allow", "tools": {"run": {"action": "deny"}}}
    grant = gateway.grant(gateway.add_server(recorder.url, [RUN]), good)
    with pytest.raises(PolicyError):
        grant.use({**good, **change})
    assert (await grant.call("run")).denied


async def test_a_restriction_that_is_empty_allows_nothing_praxis_939(gateway: Gateway, recorder: Recorder) -> None:
    grant = gateway.grant(gateway.add_server(recorder.url, [RUN]), {"version": "1", "default": "deny", "tools": {}})
    assert (await grant.call("run")).text == "Unknown tool: run"
    assert recorder.calls == []


@pytest.mark.parametrize("framing", ["length", "chunks"])
async def test_a_body_over_the_limit_never_passes_in_part_envoy_pr_45202(
    gateway: Gateway, recorder: Recorder, framing: str
) -> None:
    grant = gateway.grant(gateway.add_server(recorder.url, [RUN]), ALLOW_ALL)
    body = json.dumps(call("run", {"a": "x" * 1_100_000})).encode()
    request = request_of(grant, body)
    if framing == "chunks":
        request = request_of(grant, b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body), "transfer-encoding: chunked")
        request = request.replace(b"content-length: %d\r\n" % (len(body) + len(b"10c8e5\r\n\r\n0\r\n\r\n")), b"")
    async with connected(gateway.port) as speaker:
        assert (await speaker.say(request)).status == 413
    assert [decision.rule for decision in grant.decisions()] == ["(malformed)"]
    assert recorder.calls == []


async def test_the_servers_own_credential_cannot_be_replaced_contextforge_cve_2026_110279(
    gateway: Gateway, recorder: Recorder
) -> None:
    sealer = MasterKey.load(gateway.data).sealer(headers.PURPOSE)
    own = [headers.HeaderInput("X-Api-Key", "the-servers-own"), headers.HeaderInput("Authorization", "Bearer theirs")]
    server = servers.add(gateway.engine, "test", gateway.name("server"), recorder.url, credentials=own, sealer=sealer)
    grant = gateway.grant(server.id, ALLOW_ALL)
    await grant.call("run", x_api_key="mine", proxy_authorization="mine")
    (received,) = recorder.calls
    values = [value for name, value in received.headers if name.lower() in {"x-api-key", "authorization"}]
    assert sorted(values) == ["Bearer theirs", "the-servers-own"]


@pytest.mark.parametrize("status", [401, 403])
async def test_the_servers_refusal_is_an_error_and_nobody_else_is_asked_litellm_cve_2026_12773(
    gateway: Gateway, recorder: Recorder, status: int
) -> None:
    async def refuse(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(http(status, b"{}", ("www-authenticate", "Bearer realm=upstream")))

    grant = gateway.grant(gateway.add_server(recorder.url, [RUN]), ALLOW_ALL)
    recorder.reply = refuse
    answer = await grant.call("run")
    assert answer.status == 200
    assert answer.json["error"]["data"]["status"] == status
    assert "www-authenticate" not in {name.lower() for name in answer.headers}
    assert len(recorder.calls) == 1


async def test_what_the_client_cannot_tell_apart_the_record_can_toolhive_5827(
    gateway: Gateway, recorder: Recorder
) -> None:
    policy = {"version": "1", "default": "allow", "hide": ["remove"]}
    grant = gateway.grant(gateway.add_server(recorder.url, [RUN, REMOVE]), policy)
    hidden, absent = await grant.call("remove"), await grant.call("absent")
    assert hidden.body.replace(b"remove", b"absent") == absent.body
    assert [decision.rule for decision in grant.decisions()] == ["(hidden)", "(unknown)"]


@pytest.mark.parametrize("verb", ["POST", "GET", "DELETE"])
async def test_a_session_of_a_closed_route_opens_no_other_ghsa_mvgg_jvj2_4frq(
    gateway: Gateway, recorder: Recorder, verb: str
) -> None:
    recorder.reply = handshake
    closed = gateway.grant(gateway.add_server(recorder.url, [RUN]), {"version": "1", "default": "deny"})
    open_ = gateway.grant(gateway.add_server(recorder.url, [RUN]), ALLOW_ALL)
    session = (await initialize(closed)).headers["mcp-session-id"]
    before = len(recorder.received)
    request = request_of(open_, json.dumps(call("run")).encode(), f"mcp-session-id: {session}")
    async with connected(gateway.port) as speaker:
        assert (await speaker.say(request.replace(b"POST", verb.encode(), 1))).status == 404
    assert len(recorder.received) == before


async def test_a_policy_is_read_for_each_request_not_each_session_agentgateway_pr_896(
    gateway: Gateway, recorder: Recorder
) -> None:
    recorder.reply = handshake
    grant = gateway.grant(gateway.add_server(recorder.url, [RUN]), ALLOW_ALL)
    session = (await initialize(grant)).headers["mcp-session-id"]
    await asyncio.to_thread(grant.use, {"version": "1", "default": "allow", "tools": {"run": {"action": "deny"}}})
    assert (await grant.call("run", mcp_session_id=session)).denied
    assert recorder.calls == []


async def test_a_call_whose_answer_is_lost_is_paid_and_not_sent_again(gateway: Gateway, recorder: Recorder) -> None:
    """Retries and timeouts: the server may have run it, so a second sending would be a second payment."""

    async def vanish(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    policy = {"version": "1", "default": "deny", "tools": {"run": ONE}}
    grant = gateway.grant(gateway.add_server(recorder.url, [RUN]), policy)
    recorder.reply = vanish
    assert "error" in (await grant.call("run")).json
    assert (await grant.call("run")).denied
    assert len(recorder.calls) == 1
    (outcome,) = await gateway.outcomes(grant.decisions()[0])
    assert (outcome.result, outcome.rolled_back) == ("lost", False)


async def test_a_limit_is_not_split_over_sessions_and_grants_of_one_holder(
    gateway: Gateway, recorder: Recorder
) -> None:
    recorder.reply = handshake
    limit = {"counter": "one", "window": "month", "max": 1, "scope": "principal"}
    policy = {"version": "1", "default": "deny", "tools": {"run": {"limits": [limit]}}}
    server = gateway.add_server(recorder.url, [RUN])
    holder = gateway.name("ada")
    first, second = (gateway.grant(server, policy, principal=holder) for _ in range(2))
    sessions = [(await initialize(first)).headers["mcp-session-id"] for _ in range(2)]
    assert not (await first.call("run", mcp_session_id=sessions[0])).denied
    assert (await first.call("run", mcp_session_id=sessions[1])).denied
    assert (await second.call("run")).denied
    assert len(recorder.calls) == 1


async def test_two_calls_with_one_id_each_get_their_own_answer(gateway: Gateway, recorder: Recorder) -> None:
    """Id tricks: answers are matched by exchange, never by id alone."""

    async def echo(request: Received, writer: asyncio.StreamWriter) -> None:
        said = request.json["params"]["arguments"]["n"]
        result = {"content": [{"type": "text", "text": str(said)}]}
        writer.write(http(200, json.dumps({"jsonrpc": "2.0", "id": 1, "result": result}).encode()))

    grant = gateway.grant(gateway.add_server(recorder.url, [RUN]), ALLOW_ALL)
    recorder.reply = echo
    answers = await asyncio.gather(*(grant.call("run", {"n": n}, id_=1) for n in range(16)))
    assert [answer.text for answer in answers] == [str(n) for n in range(16)]


async def unfinished(request: Received, writer: asyncio.StreamWriter) -> None:
    """A server that asks back once and runs the tool when it gets its state again."""
    message = request.json
    done = message["params"].get("requestState") == "the server's own"
    result: Any = {"resultType": "complete", "content": [{"type": "text", "text": "ran"}]}
    if not done:
        result = {"resultType": "input_required", "requestState": "the server's own", "inputRequests": {}}
    writer.write(http(200, json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}).encode()))


@pytest.fixture
def asking(gateway: Gateway, recorder: Recorder) -> Grant:
    recorder.reply = unfinished
    policy = {"version": "1", "default": "deny", "tools": {"run": ONE}}
    return gateway.grant(gateway.add_server(recorder.url, [RUN]), policy)


async def retry(grant: Grant, state: str | None, arguments: Any) -> Any:
    params = {"name": "run", "arguments": arguments, **({"requestState": state} if state is not None else {})}
    message, fields = modern("tools/call", params)
    return await grant.post(message, **fields)


async def test_a_retry_pays_once_and_its_state_is_worth_one_retry_mrtr(asking: Grant, recorder: Recorder) -> None:
    state = (await retry(asking, None, {"n": 1})).json["result"]["requestState"]
    assert "server's own" not in state
    assert (await retry(asking, state, {"n": 1})).text == "ran"
    assert (await retry(asking, state, {"n": 1})).denied
    assert [one.json["params"].get("requestState") for one in recorder.calls] == [None, "the server's own"]


async def test_a_retry_with_other_arguments_is_a_new_call_mrtr(asking: Grant, recorder: Recorder) -> None:
    state = (await retry(asking, None, {"n": 1})).json["result"]["requestState"]
    assert (await retry(asking, state, {"n": 2})).denied
    assert (await retry(asking, state[:-1], {"n": 1})).denied
    assert (await retry(asking, "the server's own", {"n": 1})).denied
    assert len(recorder.calls) == 1


async def test_what_is_refused_before_anybody_reads_it_is_recorded_in_sum(tmp_path: Path) -> None:
    """ToolHive #5745: what authorization does not see, the audit must see. Summed up, as strangers could flood it."""
    recorder = await Recorder(handshake).start()
    gateway = await asyncio.to_thread(Gateway(tmp_path / "data").start)
    try:
        grant = gateway.grant(gateway.add_server(recorder.url, [RUN]), ALLOW_ALL)
        async with connected(gateway.port) as speaker:
            for field in ("host: attacker.test", "origin: https://attacker.test", "mcp-session-id: stolen"):
                await speaker.post(grant, b"{}", field)
            await speaker.post(grant, b"{}", "content-encoding: gzip")
    finally:
        await asyncio.to_thread(gateway.close)
        await recorder.stop()
    refused = [entry for entry in gateway.journal() if isinstance(entry, Refused)]
    assert sum(entry.count for entry in refused) == 4
    assert any("session" in entry.reason for entry in refused)
