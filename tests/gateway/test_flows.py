"""Flows and limits on identical calls over the real gateway: sessions, grants, both eras, restarts, races, tries."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from toolgate.audit.records import Decision
from toolgate.policy.decision import Mark

from .running import Answer, Gateway, Grant, Json, Received, Recorder, http, modern

TOOLS = [{"name": name, "inputSchema": {"type": "object"}} for name in ("read_ticket", "search_web", "send_mail")]
TRIFECTA: Json = {"after": ["read_*"], "and_after": ["search_web"], "deny": ["send_mail"]}
PAIR: Json = {"after": ["read_ticket"], "deny": ["send_mail"]}


def policy(*flows: Json, **more: Json) -> Json:
    return {"version": "1", "default": "allow", "flows": list(flows), **more}


async def sessions(request: Received, writer: asyncio.StreamWriter) -> None:
    """A server that gives each handshake a session of its own."""
    message = request.json if request.body else {}
    if "id" not in message:
        writer.write(http(202, b""))
        return
    result: Any = {"content": [{"type": "text", "text": "done"}]}
    session = request.header("mcp-session-id") or f"session-{id(message)}-{message['id']}"
    if message["method"] == "initialize":
        result = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {}}
    body = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}).encode()
    writer.write(http(200, body, ("mcp-session-id", session)))


async def session_of(grant: Grant, number: int) -> str:
    params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    answer = await grant.post({"jsonrpc": "2.0", "id": number, "method": "initialize", "params": params})
    return answer.headers["mcp-session-id"]


async def modern_call(grant: Grant, tool: str, **params: Json) -> Answer:
    message, headers = modern("tools/call", {"name": tool, "arguments": {}, **params})
    return await grant.post(message, **headers)


def limit_of(answer: Answer) -> Json:
    return answer.json["result"]["_meta"]["io.toolgate/denial"]["limit"]


async def test_after_both_legs_the_third_is_denied_for_the_rest_of_the_session(
    gateway: Gateway, recorder: Recorder
) -> None:
    recorder.reply = sessions
    grant = gateway.grant(gateway.add_server(recorder.url, TOOLS), policy(TRIFECTA))
    first, second = [await session_of(grant, number) for number in (1, 2)]
    for tool in ("send_mail", "read_ticket", "send_mail", "search_web"):
        assert not (await grant.call(tool, mcp_session_id=first)).denied, tool
    refused = await grant.call("send_mail", mcp_session_id=first)
    assert refused.denied
    assert "denied after `read_*`, together with `search_web`, for the rest of this session" in refused.text
    assert "will not help in this session" in refused.text
    assert limit_of(refused)["resets_at"] is None
    assert not (await grant.call("read_ticket", mcp_session_id=first)).denied
    assert not (await grant.call("send_mail", mcp_session_id=second)).denied, "another session has its own mark"
    last = [entry for entry in grant.decisions() if entry.outcome == "deny"]
    assert [(entry.rule, entry.tool) for entry in last] == [("/flows/0", "send_mail")]


async def test_over_a_window_every_session_and_era_of_a_grant_counts(gateway: Gateway, recorder: Recorder) -> None:
    recorder.reply = sessions
    grant = gateway.grant(gateway.add_server(recorder.url, TOOLS), policy({**PAIR, "within": "30m"}))
    session = await session_of(grant, 1)
    assert not (await modern_call(grant, "send_mail")).denied
    assert not (await grant.call("read_ticket", mcp_session_id=session)).denied
    for refused in (
        await modern_call(grant, "send_mail"),
        await grant.call("send_mail"),
        await grant.call("send_mail", mcp_session_id=await session_of(grant, 2)),
    ):
        assert refused.denied
        assert "for 30 minutes after the last such call" in refused.text
        ends = datetime.fromisoformat(limit_of(refused)["resets_at"])
        assert 1_780 <= (ends - datetime.now(UTC)).total_seconds() <= 1_801
    other = gateway.grant(grant.server, policy({**PAIR, "within": "30m"}))
    assert not (await modern_call(other, "send_mail")).denied, "another grant has its own mark"


async def test_a_client_without_sessions_is_held_to_its_grant_for_a_day(gateway: Gateway, recorder: Recorder) -> None:
    grant = gateway.grant(gateway.add_server(recorder.url, TOOLS), policy({**PAIR, "on_deny": "Nothing leaves now."}))
    assert not (await modern_call(grant, "read_ticket")).denied
    refused = await modern_call(grant, "send_mail")
    assert "Nothing leaves now." in refused.text
    ends = datetime.fromisoformat(limit_of(refused)["resets_at"])
    assert 86_380 <= (ends - datetime.now(UTC)).total_seconds() <= 86_401


async def test_what_could_not_be_reserved_leaves_no_mark(gateway: Gateway, recorder: Recorder) -> None:
    document = policy(PAIR, tools={"read_ticket": {"rate_limit": {"max": 0, "window": 60}}})
    grant = gateway.grant(gateway.add_server(recorder.url, TOOLS), document)
    assert (await modern_call(grant, "read_ticket")).denied
    assert not (await modern_call(grant, "send_mail")).denied


async def test_a_flow_that_moves_in_the_policy_keeps_its_mark(gateway: Gateway, recorder: Recorder) -> None:
    grant = gateway.grant(gateway.add_server(recorder.url, TOOLS), policy(PAIR))
    assert not (await modern_call(grant, "read_ticket")).denied
    grant.use(policy({"after": ["x"], "deny": ["y"]}, {**PAIR, "deny": ["send_*"]}))
    assert "/flows/1" in (await modern_call(grant, "send_mail")).text


async def test_calls_at_the_same_time_never_pass_in_both_orders(gateway: Gateway, recorder: Recorder) -> None:
    """Each of two tools is denied after the other: whatever the order, exactly one of them passes."""
    server = gateway.add_server(recorder.url, TOOLS)
    both = policy(
        {"after": ["read_ticket"], "deny": ["send_mail"]},
        {"after": ["send_mail"], "deny": ["read_ticket"]},
    )
    for _ in range(5):
        grant = gateway.grant(server, both)
        answers = await asyncio.gather(*(grant.call(tool) for tool in ("read_ticket", "send_mail")))
        assert sorted(answer.denied for answer in answers) == [False, True]


async def test_the_identical_call_is_stopped_and_others_pass(gateway: Gateway, recorder: Recorder) -> None:
    document = policy(all_tools={"repeat_limit": {"max": 3, "window": 3600}})
    grant = gateway.grant(gateway.add_server(recorder.url, TOOLS), document)
    loop = [await grant.call("search_web", {"q": "retry", "page": 1}, number) for number in range(6)]
    assert [answer.denied for answer in loop] == [False, False, False, True, True, True]
    assert "made with the same arguments 3 times" in loop[-1].text
    assert "do something else" in loop[-1].text
    assert (await grant.call("search_web", {"page": 1, "q": "retry"})).denied, "the order of keys says nothing"
    assert not (await grant.call("search_web", {"q": "retry", "page": 2})).denied
    assert not (await grant.call("read_ticket", {"q": "retry", "page": 1})).denied
    allowed = [entry for entry in grant.decisions() if entry.outcome == "allow"]
    assert len(allowed) == len(recorder.calls) == 5
    keys = {charge.key for entry in allowed for charge in entry.charges}
    assert len(keys) == 3
    assert not any("retry" in key for key in keys), "a record holds no argument"
    assert {entry.rule for entry in grant.decisions() if entry.outcome == "deny"} == {"/all_tools/repeat_limit"}


async def test_of_64_identical_calls_at_once_exactly_so_many_pass(gateway: Gateway, recorder: Recorder) -> None:
    document = policy(tools={"search_web": {"repeat_limit": "7/hour"}})
    grant = gateway.grant(gateway.add_server(recorder.url, TOOLS), document)
    answers = await asyncio.gather(*(grant.call("search_web", {"q": "x"}, number) for number in range(64)))
    assert sum(not answer.denied for answer in answers) == 7


async def test_very_many_arguments_are_told_apart_too(gateway: Gateway, recorder: Recorder) -> None:
    document = policy(
        all_tools={"repeat_limit": {"max": 1, "window": 3600}},
        methods={"prompts/get": {"repeat_limit": {"max": 1, "window": 3600}}},
    )
    grant = gateway.grant(gateway.add_server(recorder.url, TOOLS), document)
    many = {f"key {number}": number for number in range(300)}
    assert not (await grant.call("search_web", many)).denied
    assert (await grant.call("search_web", many)).denied
    assert not (await grant.call("search_web", {**many, "key 1": 2})).denied
    answers = [
        await grant.post({"jsonrpc": "2.0", "id": 1, "method": "prompts/get", "params": params})
        for params in ({**many, "name": "a"}, {**many, "name": "a"}, {**many, "name": "b"})
    ]
    assert ["error" in answer.json for answer in answers] == [False, True, False]


async def unfinished(request: Received, writer: asyncio.StreamWriter) -> None:
    """The first try of `send_mail` asks for more."""
    message = request.json
    result: Json = {"content": [], "resultType": "complete"}
    if message["params"]["name"] == "send_mail" and "inputResponses" not in message["params"]:
        result = {"resultType": "input_required", "inputRequests": {}, "requestState": "s"}
    writer.write(http(200, json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}).encode()))


@pytest.mark.parametrize("between", ["search_web", "read_ticket"])
async def test_an_unfinished_call_is_not_finished_with_what_was_read_meanwhile(
    gateway: Gateway, recorder: Recorder, between: str
) -> None:
    recorder.reply = unfinished
    grant = gateway.grant(gateway.add_server(recorder.url, TOOLS), policy(PAIR))
    state = (await modern_call(grant, "send_mail")).json["result"]["requestState"]
    await modern_call(grant, between)
    answer = await modern_call(grant, "send_mail", inputResponses={}, requestState=state)
    assert answer.denied is (between == "read_ticket")


async def test_a_call_that_sets_its_own_mark_can_be_finished(gateway: Gateway, recorder: Recorder) -> None:
    recorder.reply = unfinished
    once = {"after": ["send_mail"], "deny": ["send_mail"]}
    grant = gateway.grant(gateway.add_server(recorder.url, TOOLS), policy(once))
    state = (await modern_call(grant, "send_mail")).json["result"]["requestState"]
    assert not (await modern_call(grant, "send_mail", inputResponses={}, requestState=state)).denied
    assert (await modern_call(grant, "send_mail")).denied


@pytest.mark.slow
@pytest.mark.parametrize("counters", ["memory", pytest.param("sqlite", marks=pytest.mark.nightly)])
async def test_a_restart_keeps_the_mark(tmp_path: Path, recorder: Recorder, counters: str) -> None:
    gateway = Gateway(tmp_path / "data", "--counters", counters)
    await asyncio.to_thread(gateway.start)
    try:
        grant = gateway.grant(gateway.add_server(recorder.url, TOOLS), policy({**PAIR, "within": "1h"}))
        assert not (await grant.call("read_ticket")).denied
        await asyncio.to_thread(gateway.stop)
        (tmp_path / "data" / "counters.snapshot").unlink(missing_ok=True)  # the journal alone is enough
        await asyncio.to_thread(gateway.start)
        assert (await grant.call("send_mail")).denied
        await asyncio.to_thread(gateway.stop)
        await asyncio.to_thread(gateway.start)
        assert (await grant.call("send_mail")).denied
        marks = [charge.window for entry in grant.decisions() for charge in entry.charges]
        assert marks == [Mark(3600)]
    finally:
        await asyncio.to_thread(gateway.close)


@pytest.mark.slow
async def test_two_gateways_keep_one_mark(tmp_path: Path, recorder: Recorder) -> None:
    both = [Gateway(tmp_path / "data", "--counters", "sqlite") for _ in range(2)]
    for gateway in both:
        await asyncio.to_thread(gateway.start)
    try:
        server = both[0].add_server(recorder.url, TOOLS)
        crossed = policy(PAIR, {"after": ["send_mail"], "deny": ["read_ticket"]})
        for _ in range(10):
            grant = both[0].grant(server, crossed)
            other = replace(grant, gateway=both[1])
            answers = await asyncio.gather(grant.call("read_ticket"), other.call("send_mail"))
            assert sorted(answer.denied for answer in answers) == [False, True]
    finally:
        for gateway in both:
            await asyncio.to_thread(gateway.close)


def test_the_journal_reads_records_from_before_there_were_marks() -> None:
    from toolgate.audit.records import line_of, read_line

    line = (
        b'{"kind":"decision","time":1.0,"decision_id":"a","outcome":"allow","charges":[{"key":"k","counter":"c",'
        b'"amount":1,"maximum":2,"window":60,"rule":"/x","settle":null}]}'
    )
    entry = read_line(line)
    assert isinstance(entry, Decision)
    again = read_line(line_of(entry))
    assert isinstance(again, Decision)
    assert again.charges[0].window == 60
