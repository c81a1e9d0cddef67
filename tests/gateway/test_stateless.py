"""Revision 2026-07-28: headers against the body, unfinished requests, tasks."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from .running import ALLOW_ALL, Answer, Gateway, Grant, Json, Received, Recorder, http, modern

ONE_A_DAY = {
    "version": "1",
    "default": "allow",
    "tools": {"pay": {"limits": [{"counter": "once", "window": "day", "max": 1}]}},
}


def result(request: Received, value: Json) -> bytes:
    return http(200, json.dumps({"jsonrpc": "2.0", "id": request.json["id"], "result": value}).encode())


class Asking:
    """A server that asks for a confirmation before it finishes; remembers the state that came back."""

    def __init__(self, state: str | None = 'up "state" \u00e9', method: str = "elicitation/create") -> None:
        self.state = state
        self.method = method
        self.returned: list[Any] = []

    async def __call__(self, request: Received, writer: asyncio.StreamWriter) -> None:
        params = request.json["params"]
        if "inputResponses" in params:
            self.returned.append(params.get("requestState", "absent"))
            writer.write(result(request, {"content": [], "resultType": "complete"}))
            return
        asked = {"confirm": {"method": self.method, "params": {"message": "sure?"}}}
        unfinished: Json = {"resultType": "input_required", "inputRequests": asked}
        if self.state is not None:
            unfinished["requestState"] = self.state
        writer.write(result(request, unfinished))


async def pay(grant: Grant, amount: int = 5, **more: Any) -> Answer:
    message, headers = modern("tools/call", {"name": "pay", "arguments": {"amount": amount}, **more})
    return await grant.post(message, **headers)


async def retry(grant: Grant, state: str, amount: int = 5) -> Answer:
    return await pay(grant, amount, inputResponses={"confirm": {"action": "accept"}}, requestState=state)


@pytest.mark.parametrize("state", ['up "state" \u00e9', "", None])
async def test_a_retry_is_judged_again_but_pays_only_once(
    gateway: Gateway, recorder: Recorder, state: str | None
) -> None:
    recorder.reply = asking = Asking(state)
    grant = gateway.grant(gateway.add_server(recorder.url), ONE_A_DAY)
    unfinished = (await pay(grant)).json["result"]
    assert unfinished["inputRequests"]["confirm"]["params"] == {"message": "sure?"}
    sealed = unfinished["requestState"]
    assert sealed != state
    assert (await retry(grant, sealed)).json["result"]["resultType"] == "complete"
    assert asking.returned == ["absent" if state is None else state]
    assert (await pay(grant)).denied
    grant.use({"version": "1", "default": "allow", "hide": ["pay"]})
    assert (await retry(grant, sealed)).text == "Unknown tool: pay"


async def test_a_retry_with_other_arguments_is_a_new_call(gateway: Gateway, recorder: Recorder) -> None:
    recorder.reply = Asking()
    grant = gateway.grant(gateway.add_server(recorder.url), ONE_A_DAY)
    sealed = (await pay(grant)).json["result"]["requestState"]
    assert (await retry(grant, sealed, amount=50_000)).denied


async def test_a_state_of_another_grant_or_a_forged_one_pays_nothing_off(gateway: Gateway, recorder: Recorder) -> None:
    recorder.reply = Asking()
    server = gateway.add_server(recorder.url)
    grant, other = gateway.grant(server, ONE_A_DAY), gateway.grant(server, ONE_A_DAY)
    sealed = (await pay(grant)).json["result"]["requestState"]
    await pay(other)
    assert (await retry(other, sealed)).denied
    assert (await retry(grant, sealed[:-4] + "AAAA")).denied
    assert (await retry(grant, "tgs1.")).denied


async def test_what_the_server_may_not_ask_ends_the_request(gateway: Gateway, recorder: Recorder) -> None:
    recorder.reply = Asking(method="sampling/createMessage")
    grant = gateway.grant(gateway.add_server(recorder.url), {"version": "1", "default": "deny", "tools": {"pay": {}}})
    answer = await pay(grant)
    assert answer.denied
    assert "sampling/createMessage" in answer.text
    assert answer.json["result"]["resultType"] == "complete"
    (ending,) = await gateway.outcomes(*grant.decisions())
    assert (ending.result, ending.withheld) == ("error", "(method)")


ASKED_OTHERWISE = {
    "a key in another case": '{"a": {"Method": "sampling/createMessage", "params": {}}}',
    "a key that folds to it": '{"a": {"method": "ping", "METHOD": "sampling/createMessage"}}',
    "a key twice": '{"a": {"method": "sampling/createMessage", "method": "ping"}}',
    "a list": '[{"method": "sampling/createMessage", "params": {}}]',
    "no object": '{"a": "sampling/createMessage"}',
    "no method": '{"a": {"params": {}}}',
    "a number as method": '{"a": {"method": 5}}',
    "an empty method": '{"a": {"method": ""}}',
    "an answer": '{"a": {"result": {}}}',
    "params that are none": '{"a": {"method": "ping", "params": []}}',
}


@pytest.mark.parametrize("asked", ASKED_OTHERWISE.values(), ids=ASKED_OTHERWISE.keys())
async def test_what_can_be_read_in_two_ways_is_asked_of_nobody(
    gateway: Gateway, recorder: Recorder, asked: str
) -> None:
    async def unfinished(request: Received, writer: asyncio.StreamWriter) -> None:
        value = f'{{"resultType": "input_required", "inputRequests": {asked}}}'
        writer.write(http(200, f'{{"jsonrpc": "2.0", "id": {request.json["id"]}, "result": {value}}}'.encode()))

    recorder.reply = unfinished
    answer = await pay(gateway.grant(gateway.add_server(recorder.url), ALLOW_ALL))
    assert "asks for input" in answer.json["error"]["message"]


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"mcp_method": "tools/list"}, -32020),
        ({"mcp_name": "other"}, -32020),
        ({"mcp_protocol_version": "2025-11-25"}, -32020),
        ({"mcp_protocol_version": "2031-01-01"}, -32020),
    ],
)
async def test_headers_must_say_what_the_body_says(
    gateway: Gateway, recorder: Recorder, headers: dict[str, str], code: int
) -> None:
    grant = gateway.grant(gateway.add_server(recorder.url), ALLOW_ALL)
    message, said = modern("tools/call", {"name": "pay", "arguments": {}})
    answer = await grant.post(message, **{**said, **headers})
    assert (answer.status, answer.json["error"]["code"]) == (400, code)
    assert recorder.received == []
    assert [decision.rule for decision in grant.decisions()] == ["(malformed)"]


async def test_headers_of_the_stateless_era_are_ignored_in_older_revisions(
    gateway: Gateway, recorder: Recorder
) -> None:
    grant = gateway.grant(gateway.add_server(recorder.url), ALLOW_ALL)
    answer = await grant.call("pay", mcp_protocol_version="2025-11-25", mcp_name="other", mcp_method="x")
    assert answer.status == 200


async def test_a_parameter_header_goes_upstream_only_where_the_schema_declares_it(
    gateway: Gateway, recorder: Recorder
) -> None:
    schema = {"type": "object", "properties": {"region": {"type": "string", "x-mcp-header": "Region"}}}
    grant = gateway.grant(gateway.add_server(recorder.url, [{"name": "pay", "inputSchema": schema}]), ALLOW_ALL)
    message, said = modern("tools/call", {"name": "pay", "arguments": {"region": "eu"}})
    answer = await grant.post(message, **said, mcp_param_region="eu", mcp_param_tenant="other")
    assert answer.status == 200
    (received,) = recorder.calls
    assert received.header("mcp-param-region") == "eu"
    assert received.header("mcp-param-tenant") is None
    assert (await grant.post(message, **said, mcp_param_region="us")).status == 400


async def test_a_task_belongs_to_the_grant_that_created_it(gateway: Gateway, recorder: Recorder) -> None:
    async def tasks(request: Received, writer: asyncio.StreamWriter) -> None:
        answers: Json = {
            "tools/call": {"task": {"taskId": "t-1", "status": "working"}},
            "tasks/get": {"taskId": "t-1", "status": "working"},
            "tasks/list": {"tasks": [{"taskId": "t-1", "x": 1.0}, {"taskId": "t-2"}]},
        }
        writer.write(result(request, answers[request.json["method"]]))

    recorder.reply = tasks
    server = gateway.add_server(recorder.url)
    grant, other = gateway.grant(server, ALLOW_ALL), gateway.grant(server, ALLOW_ALL)
    await grant.call("slow")

    async def ask(holder: Grant, method: str, **params: Any) -> Any:
        return (await holder.post({"jsonrpc": "2.0", "id": 3, "method": method, "params": params})).json

    assert (await ask(grant, "tasks/get", taskId="t-1"))["result"]["status"] == "working"
    before = len(recorder.received)
    for stranger, task in ((other, "t-1"), (grant, "t-2")):
        for method in ("tasks/get", "tasks/cancel", "tasks/result"):
            assert (await ask(stranger, method, taskId=task))["error"]["data"]["source"] == "toolgate"
    assert len(recorder.received) == before
    assert (await ask(grant, "tasks/list"))["result"]["tasks"] == [{"taskId": "t-1", "x": 1.0}]
    assert (await ask(other, "tasks/list"))["result"]["tasks"] == []


@pytest.mark.parametrize("status", [400, 404, 405, 429])
async def test_the_servers_own_refusals_pass_unchanged(gateway: Gateway, recorder: Recorder, status: int) -> None:
    async def refuse(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(http(status, b'{"any": "thing"}', ("retry-after", "7"), ("x-internal", "no")))

    recorder.reply = refuse
    grant = gateway.grant(gateway.add_server(recorder.url), ALLOW_ALL)
    answer = await grant.call("run")
    assert (answer.status, answer.body) == (status, b'{"any": "thing"}')
    assert answer.headers["retry-after"] == "7"
    assert "x-internal" not in answer.headers


@pytest.mark.parametrize("status", [301, 401, 403, 500, 502, 503])
async def test_other_failures_become_an_error_to_the_request(gateway: Gateway, recorder: Recorder, status: int) -> None:
    async def fail(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(http(status, b"no", ("location", "http://169.254.169.254/"), ("www-authenticate", "Bearer x")))

    recorder.reply = fail
    grant = gateway.grant(gateway.add_server(recorder.url), ALLOW_ALL)
    answer = await grant.call("run")
    assert answer.status == 200
    assert answer.json["error"]["data"] == {"source": "toolgate", "status": status}
    assert "www-authenticate" not in answer.headers
    assert len(recorder.received) == 1


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"jsonrpc":"2.0"}', b'{"jsonrpc":"2.0","id":1,"method":"x"}'])
async def test_an_answer_that_is_none_is_an_error(gateway: Gateway, recorder: Recorder, body: bytes) -> None:
    async def answer(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(http(200, body))

    recorder.reply = answer
    grant = gateway.grant(gateway.add_server(recorder.url), ALLOW_ALL)
    assert (await grant.call("run")).json["error"]["data"]["source"] == "toolgate"
    (outcome,) = await gateway.outcomes(*grant.decisions())
    assert outcome.result == "error"


async def test_a_settled_call_costs_what_its_result_says(gateway: Gateway, recorder: Recorder) -> None:
    async def priced(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(result(request, {"content": [], "structuredContent": {"usage": {"tokens": 30}}}))

    limit = {"counter": "tokens", "window": "day", "max": 100, "cost": 60, "settle": "usage.tokens"}
    recorder.reply = priced
    grant = gateway.grant(
        gateway.add_server(recorder.url), {"version": "1", "default": "allow", "tools": {"ask": {"limits": [limit]}}}
    )
    answers = [await grant.call("ask") for _ in range(4)]
    assert [answer.json["result"].get("isError", False) for answer in answers] == [False, False, True, True]
    outcomes = await gateway.outcomes(*[d for d in grant.decisions() if d.outcome == "allow"])
    assert [list(outcome.settled.values()) for outcome in outcomes] == [[30 * 10**9]] * 2


async def test_an_answer_of_eight_megabytes_passes_whole(gateway: Gateway, recorder: Recorder) -> None:
    text = "x" * (8 * 1024 * 1024)

    async def long(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(result(request, {"content": [{"type": "text", "text": text}]}))
        await writer.drain()

    recorder.reply = long
    grant = gateway.grant(gateway.add_server(recorder.url), ALLOW_ALL)
    assert (await grant.call("run")).text == text
    message, headers = modern("tools/call", {"name": "run", "arguments": {}})
    assert (await grant.post(message, **headers)).text == text


async def test_health_and_readiness_need_no_token(gateway: Gateway) -> None:
    async with aiohttp.ClientSession() as client:
        for path, status in (("healthz", "alive"), ("readyz", "ready")):
            async with client.get(f"http://127.0.0.1:{gateway.port}/{path}", headers={"host": "10.1.2.3"}) as response:
                assert (response.status, (await response.json())["status"]) == (200, status)
