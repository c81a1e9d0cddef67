"""Rules for answers: secrets are replaced, what is too long is withheld, and bytes are counted to the last one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from toolgate.audit.records import Outcome
from toolgate.policy.detectors import BY_NAME

from .running import ALLOW_ALL, Gateway, Grant, Received, Recorder, events, http, modern

GITHUB, JWT, AWS = (BY_NAME[name].example for name in ("github_token", "jwt", "aws_secret_access_key"))
REDACTED = "[redacted: github_token]"


def policy(**rules: Any) -> Any:
    return {"version": "1", "default": "allow", "tools": {"run": {"response": rules}}}


def result(text: str, id_: object = 1, **more: Any) -> Any:
    return {"jsonrpc": "2.0", "id": id_, "result": {"content": [{"type": "text", "text": text}], **more}}


def answering(recorder: Recorder, *answer: bytes) -> None:
    async def reply(request: Received, writer: asyncio.StreamWriter) -> None:
        for part in answer:
            writer.write(part)

    recorder.reply = reply


def of_size(size: int, id_: int = 1) -> bytes:
    """An answer of exactly so many bytes."""
    bare = json.dumps(result("", id_)).encode()
    return json.dumps(result("x" * (size - len(bare)), id_)).encode()


async def ended(grant: Grant) -> Outcome:
    return (await grant.gateway.outcomes(grant.decisions()[-1]))[0]


async def test_a_secret_is_replaced_wherever_it_stands_and_counted(gateway: Gateway, recorder: Recorder) -> None:
    more = {"structuredContent": {GITHUB: [f"x {GITHUB}"]}, "_meta": {"n": GITHUB}}
    answering(recorder, http(200, json.dumps(result(f"say {GITHUB}!", **more)).encode()))
    grant = gateway.grant(gateway.add_server(recorder.url), policy(redact=["github_token"]))
    answer = await grant.call("run")
    cleaned = {"structuredContent": {REDACTED: [f"x {REDACTED}"]}, "_meta": {"n": REDACTED}}
    assert answer.json == result(f"say {REDACTED}!", **cleaned)
    assert (await ended(grant)).redacted == {"github_token": 4}


async def test_a_secret_in_escapes_is_found_and_the_rest_stays_byte_for_byte(
    gateway: Gateway, recorder: Recorder
) -> None:
    body = '{"id":1, "jsonrpc":"2.0","result":{"n":1.0,"a":"\\u00e9\\/","content":[{"text":"%s"}]}}'
    answering(recorder, http(200, (body % f"\\u0067h\\u0070_{GITHUB[4:]}").encode()))
    grant = gateway.grant(gateway.add_server(recorder.url), policy(redact=["all"]))
    assert (await grant.call("run")).body == (body % REDACTED).encode()


async def test_a_secret_with_hidden_characters_in_it_is_found(gateway: Gateway, recorder: Recorder) -> None:
    answering(recorder, http(200, json.dumps(result(GITHUB.replace("_", "_\u200b"))).encode()))
    grant = gateway.grant(gateway.add_server(recorder.url), policy(redact=["all"]))
    assert (await grant.call("run")).text == REDACTED


async def test_the_name_of_a_member_tells_what_its_value_is(gateway: Gateway, recorder: Recorder) -> None:
    keys = {"SecretAccessKey": AWS[-40:], "Other": AWS[-40:]}
    answering(recorder, http(200, json.dumps(result("", structuredContent=keys)).encode()))
    grant = gateway.grant(gateway.add_server(recorder.url), policy(redact=["all"]))
    found = (await grant.call("run")).json["result"]["structuredContent"]
    assert found == {"SecretAccessKey": "[redacted: aws_secret_access_key]", "Other": AWS[-40:]}


async def test_an_error_message_is_an_answer_too(gateway: Gateway, recorder: Recorder) -> None:
    error = {"jsonrpc": "2.0", "id": 1, "error": {"code": -32000, "message": f"bad token {GITHUB}"}}
    answering(recorder, http(200, json.dumps(error).encode()))
    grant = gateway.grant(gateway.add_server(recorder.url), policy(redact=["all"]))
    assert (await grant.call("run")).json["error"]["message"] == f"bad token {REDACTED}"


async def test_answers_to_other_methods_have_rules_of_their_own(gateway: Gateway, recorder: Recorder) -> None:
    answering(
        recorder, http(200, json.dumps({"jsonrpc": "2.0", "id": 1, "result": {"text": f"{GITHUB} {JWT}"}}).encode())
    )
    rules = {"methods": {"resources/read": {"response": {"redact": ["github_token"]}}}}
    grant = gateway.grant(gateway.add_server(recorder.url), {**ALLOW_ALL, **rules})
    answer = await grant.post({"jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": {"uri": "x"}})
    assert answer.json["result"]["text"] == f"{REDACTED} {JWT}"
    assert GITHUB in (await grant.post({"jsonrpc": "2.0", "id": 1, "method": "prompts/get"})).body.decode()


async def test_of_several_entries_every_detector_and_the_smallest_number_count(
    gateway: Gateway, recorder: Recorder
) -> None:
    document = {
        **policy(redact=["github_token"], max_bytes=2000),
        "all_tools": {"response": {"redact": ["jwt"], "max_bytes": 500}},
    }
    grant = gateway.grant(gateway.add_server(recorder.url), document)
    answering(recorder, http(200, json.dumps(result(f"{GITHUB} {JWT}")).encode()))
    assert (await grant.call("run")).text == f"{REDACTED} [redacted: jwt]"
    answering(recorder, http(200, of_size(501)))
    assert "/all_tools/response/max_bytes" in (await grant.call("run")).text


async def test_what_answers_no_request_obeys_the_rules_of_every_entry(gateway: Gateway, recorder: Recorder) -> None:
    told = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"data": GITHUB}}
    asked = {"jsonrpc": "2.0", "id": "q", "method": "elicitation/create", "params": {"message": GITHUB}}
    answering(recorder, events(told, asked, result(GITHUB, 99), result("done")))
    grant = gateway.grant(gateway.add_server(recorder.url), policy(redact=["github_token"]))
    body = (await grant.call("other")).body.decode()
    assert (body.count(REDACTED), body.count(GITHUB)) == (3, 0)


async def test_the_result_of_a_task_obeys_the_rules_of_every_entry(gateway: Gateway, recorder: Recorder) -> None:
    task = {"taskId": "t1", "status": "working"}
    answering(recorder, http(200, json.dumps({"jsonrpc": "2.0", "id": 1, "result": {"task": task}}).encode()))
    grant = gateway.grant(gateway.add_server(recorder.url), policy(redact=["github_token"], max_bytes=1000))
    await grant.call("run")
    answering(recorder, http(200, json.dumps(result(GITHUB)).encode()))
    got = {"jsonrpc": "2.0", "id": 1, "method": "tasks/result", "params": {"taskId": "t1"}}
    assert (await grant.post(got)).text == REDACTED
    answering(recorder, http(200, of_size(1001)))
    assert "was withheld" in (await grant.post(got)).json["error"]["message"]


async def test_the_state_of_an_unfinished_request_comes_back_to_the_server_as_it_was(
    gateway: Gateway, recorder: Recorder
) -> None:
    unfinished = {"resultType": "input_required", "requestState": JWT, "inputRequests": {}}
    answering(recorder, http(200, json.dumps({"jsonrpc": "2.0", "id": 1, "result": unfinished}).encode()))
    grant = gateway.grant(gateway.add_server(recorder.url), policy(redact=["all"]))
    message, headers = modern("tools/call", {"name": "run", "arguments": {}})
    state = (await grant.post(message, **headers)).json["result"]["requestState"]
    assert JWT not in state
    message["params"]["requestState"] = state
    await grant.post(message, **headers)
    assert recorder.calls[-1].json["params"]["requestState"] == JWT


# --- long answers, and answers that cannot be read


def in_parts(body: bytes) -> bytes:
    head = b"HTTP/1.1 200 X\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
    half = len(body) // 2
    return head + b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in (body[:half], body[half:])) + b"0\r\n\r\n"


@pytest.mark.slow
async def test_a_long_answer_is_read_whole_before_anything_of_it_is_passed(
    gateway: Gateway, recorder: Recorder
) -> None:
    answering(recorder, in_parts(json.dumps(result("x" * 3_000_000 + " " + GITHUB)).encode()))
    grant = gateway.grant(gateway.add_server(recorder.url), policy(redact=["all"]))
    assert (await grant.call("run")).text == "x" * 3_000_000 + " " + REDACTED


@pytest.mark.slow
async def test_an_answer_above_what_is_read_whole_is_refused(gateway: Gateway, recorder: Recorder) -> None:
    answering(recorder, in_parts(json.dumps(result("x" * 17 * 1024 * 1024 + GITHUB)).encode()))
    grant = gateway.grant(gateway.add_server(recorder.url), policy(redact=["all"]))
    assert "is longer than 16777216 bytes" in (await grant.call("run")).json["error"]["message"]


async def test_an_answer_that_cannot_be_understood_is_refused(gateway: Gateway, recorder: Recorder) -> None:
    grant = gateway.grant(gateway.add_server(recorder.url), policy(redact=["all"]))
    for body in (b'{"jsonrpc":"2.0","id":1,"result":{"x":"\\ud800%b"}}', b'["%b"]', b'{"x":"%b\xff"}'):
        answering(recorder, http(200, body % GITHUB.encode()))
        answer = await grant.call("run")
        assert answer.json["error"]["data"]["source"] == "toolgate"
        assert GITHUB.encode() not in answer.body


@pytest.mark.parametrize("kind", ["application/json", "text/html"])
async def test_the_page_of_an_http_error_is_left_out(gateway: Gateway, recorder: Recorder, kind: str) -> None:
    answering(recorder, http(404, f"<p>{GITHUB}</p>".encode(), kind=kind))
    grant = gateway.grant(gateway.add_server(recorder.url), policy(redact=["all"]))
    answer = await grant.call("run")
    assert (answer.status, answer.body) == (404, b"")


# --- the size


@pytest.mark.parametrize("way", ["whole", "in parts", "as an event"])
async def test_an_answer_of_exactly_the_number_passes_and_one_byte_more_is_withheld(
    gateway: Gateway, recorder: Recorder, way: str
) -> None:
    ways: dict[str, Callable[[bytes], bytes]] = {
        "whole": lambda body: http(200, body),
        "in parts": in_parts,
        "as an event": lambda body: events(json.loads(body)),
    }
    grant = gateway.grant(gateway.add_server(recorder.url), policy(max_bytes=5000))
    answering(recorder, ways[way](of_size(5000)))
    assert b"xxx" in (await grant.call("run")).body
    answering(recorder, ways[way](of_size(5001)))
    body = (await grant.call("run")).body
    assert b"Rule: /tools/run/response/max_bytes" in body
    assert b"xxx" not in body
    outcome = await ended(grant)
    assert (outcome.result, outcome.withheld) == ("error", "/tools/run/response/max_bytes")


def by_bytes(most: int, reserve: int, **more: Any) -> Any:
    limit = {"counter": "read", "window": "month", "max": most, "cost": "result.bytes", "reserve": reserve}
    return {"version": "1", "default": "allow", "tools": {"run": {"limits": [{**limit, **more}]}}}


async def test_bytes_are_reserved_and_become_the_size_of_the_answer(gateway: Gateway, recorder: Recorder) -> None:
    answering(recorder, http(200, of_size(300)))
    grant = gateway.grant(gateway.add_server(recorder.url), by_bytes(1000, 400))
    assert [not (await grant.call("run")).denied for _ in range(4)] == [True, True, True, False]
    first = grant.decisions()[0]
    outcome = (await gateway.outcomes(first))[0]
    assert [charge.amount for charge in first.charges] == [400 * 10**9]
    assert list(outcome.settled.values()) == [300 * 10**9]


async def test_an_answer_longer_than_what_was_reserved_is_withheld_and_the_reservation_stands(
    gateway: Gateway, recorder: Recorder
) -> None:
    answering(recorder, http(200, of_size(401)))
    grant = gateway.grant(gateway.add_server(recorder.url), by_bytes(1000, 400))
    assert "Rule: /tools/run/limits/0" in (await grant.call("run")).text
    outcome = await ended(grant)
    assert (outcome.withheld, outcome.settled) == ("/tools/run/limits/0", {})
    await grant.call("run")
    assert "800 of 1000" in (await grant.call("run")).text


async def test_calls_at_once_never_get_more_than_the_quota(gateway: Gateway, recorder: Recorder) -> None:
    async def reply(request: Received, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.02)
        writer.write(http(200, of_size(390, request.json["id"])))

    recorder.reply = reply
    grant = gateway.grant(gateway.add_server(recorder.url), by_bytes(4000, 400))
    answers = await asyncio.gather(*(grant.call("run", id_=number) for number in range(100, 130)))
    passed = [len(answer.body) for answer in answers if not answer.denied]
    assert len(passed) == 10
    assert sum(passed) <= 4000


async def test_bytes_count_beside_what_the_result_tells_itself(gateway: Gateway, recorder: Recorder) -> None:
    body = json.dumps(result("", structuredContent={"usage": 7})).encode()
    answering(recorder, http(200, body))
    document = by_bytes(10_000, 1000)
    own = {"counter": "usage", "window": "month", "max": 100, "cost": 50, "settle": "usage"}
    document["tools"]["run"]["limits"].append(own)
    grant = gateway.grant(gateway.add_server(recorder.url), document)
    await grant.call("run")
    assert sorted((await ended(grant)).settled.values()) == [7 * 10**9, len(body) * 10**9]


async def test_an_error_costs_its_bytes_and_a_call_that_was_not_run_nothing(
    gateway: Gateway, recorder: Recorder
) -> None:
    grant = gateway.grant(gateway.add_server(recorder.url), by_bytes(1000, 400))
    for code, settled in ((-32000, 1), (-32602, 0)):
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "error": {"code": code, "message": "no"}}).encode()
        answering(recorder, http(200, body))
        await grant.call("run")
        outcome = await ended(grant)
        assert outcome.rolled_back == (settled == 0)
        if settled:
            assert list(outcome.settled.values()) == [len(body) * 10**9]


async def test_what_was_reserved_stands_where_the_result_is_still_to_come(gateway: Gateway, recorder: Recorder) -> None:
    task = {"jsonrpc": "2.0", "id": 1, "result": {"task": {"taskId": "t9", "status": "working"}}}
    answering(recorder, http(200, json.dumps(task).encode()))
    grant = gateway.grant(gateway.add_server(recorder.url), by_bytes(1000, 400))
    await grant.call("run")
    assert (await ended(grant)).settled == {}
    answering(recorder, http(200, of_size(401)))
    got = {"jsonrpc": "2.0", "id": 1, "method": "tasks/result", "params": {"taskId": "t9"}}
    assert "was withheld" in (await grant.post(got)).json["error"]["message"]


async def test_the_last_round_of_an_unfinished_request_is_no_longer_than_was_reserved(
    gateway: Gateway, recorder: Recorder
) -> None:
    unfinished = {"resultType": "input_required", "requestState": "s", "inputRequests": {}}
    answering(recorder, http(200, json.dumps({"jsonrpc": "2.0", "id": 1, "result": unfinished}).encode()))
    grant = gateway.grant(gateway.add_server(recorder.url), by_bytes(1000, 400))
    message, headers = modern("tools/call", {"name": "run", "arguments": {}})
    message["params"]["requestState"] = (await grant.post(message, **headers)).json["result"]["requestState"]
    assert (await ended(grant)).settled == {}
    answering(recorder, http(200, of_size(401)))
    assert "was withheld" in (await grant.post(message, **headers)).text
