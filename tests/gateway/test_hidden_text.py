"""Hidden characters in whatever a server sends: taken out, a reason to withhold, or passed, as the policy says."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from toolgate.audit.records import Outcome

from .running import ALLOW_ALL, Answer, Gateway, Grant, Received, Recorder, events, http, modern

TAG = "\U000e0041"
HIDING = f"ig\u202enore \x1b[8m{TAG}this\u200b"
PLAIN = "ignore [8mthis"
DENYING = {**ALLOW_ALL, "hidden_text": "deny"}
PASSING = {**ALLOW_ALL, "hidden_text": "pass"}


def result(text: str = HIDING, id_: object = 1, **more: Any) -> Any:
    return {"jsonrpc": "2.0", "id": id_, "result": {"content": [{"type": "text", "text": text}], **more}}


def answering(recorder: Recorder, *answer: bytes) -> None:
    async def reply(request: Received, writer: asyncio.StreamWriter) -> None:
        for part in answer:
            writer.write(part)
            await writer.drain()

    recorder.reply = reply


def written(message: Any, *, plain: bool) -> bytes:
    return json.dumps(message, ensure_ascii=plain).encode()


async def ended(grant: Grant) -> Outcome:
    return (await grant.gateway.outcomes(grant.decisions()[-1]))[0]


@pytest.mark.parametrize("plain", [True, False], ids=["as escapes", "raw"])
async def test_they_are_taken_out_of_every_part_of_an_answer_and_counted(
    gateway: Gateway, recorder: Recorder, plain: bool
) -> None:
    more: Any = {"structuredContent": {f"k{TAG}": [HIDING]}, "_meta": {"x": HIDING}}
    answering(recorder, http(200, written(result(**more), plain=plain)))
    grant = gateway.grant(gateway.add_server(recorder.url), ALLOW_ALL)
    answer = await grant.call("run")
    cleaned = {"structuredContent": {"k": [PLAIN]}, "_meta": {"x": PLAIN}}
    assert answer.json == result(PLAIN, **cleaned)
    assert (await ended(grant)).removed == 13


async def test_everything_else_of_the_answer_stays_byte_for_byte(gateway: Gateway, recorder: Recorder) -> None:
    body = '{ "id":1,"jsonrpc":"2.0",\r\n"result":{"x":1.0,"a":"\\u00e9\\\\u202e%sé\\/","content":[] } }'
    answering(recorder, http(200, (body % "\\u202e").encode()))
    grant = gateway.grant(gateway.add_server(recorder.url), ALLOW_ALL)
    assert (await grant.call("run")).body == (body % "").encode()


async def test_a_clean_answer_says_nothing_of_it_in_the_record(gateway: Gateway, recorder: Recorder) -> None:
    answering(recorder, http(200, written(result("plain “text”"), plain=False)))
    grant = gateway.grant(gateway.add_server(recorder.url), ALLOW_ALL)
    await grant.call("run")
    outcome = await ended(grant)
    assert (outcome.removed, outcome.redacted, outcome.withheld) == (0, {}, "")


async def test_an_error_of_the_server_is_cleaned_too(gateway: Gateway, recorder: Recorder) -> None:
    error = {"jsonrpc": "2.0", "id": 1, "error": {"code": -32000, "message": HIDING, "data": [HIDING]}}
    answering(recorder, http(200, written(error, plain=True)))
    grant = gateway.grant(gateway.add_server(recorder.url), ALLOW_ALL)
    assert (await grant.call("run")).json["error"] == {"code": -32000, "message": PLAIN, "data": [PLAIN]}
    assert (await ended(grant)).removed == 8


@pytest.mark.parametrize("method", ["initialize", "prompts/get", "resources/read"])
async def test_answers_to_other_methods_are_cleaned(gateway: Gateway, recorder: Recorder, method: str) -> None:
    said = {"instructions": HIDING, "messages": [HIDING], "contents": [{"uri": "x", "text": HIDING}]}
    answering(recorder, http(200, written({"jsonrpc": "2.0", "id": 1, "result": said}, plain=True)))
    grant = gateway.grant(gateway.add_server(recorder.url), ALLOW_ALL)
    answer = await grant.post({"jsonrpc": "2.0", "id": 1, "method": method, "params": {"uri": "x"}})
    assert answer.json["result"] == {
        "instructions": PLAIN,
        "messages": [PLAIN],
        "contents": [{"uri": "x", "text": PLAIN}],
    }


async def test_the_stateless_revision_is_no_different(gateway: Gateway, recorder: Recorder) -> None:
    answering(recorder, http(200, written(result(resultType="complete"), plain=True)))
    grant = gateway.grant(gateway.add_server(recorder.url), ALLOW_ALL)
    message, headers = modern("tools/call", {"name": "run", "arguments": {}})
    assert (await grant.post(message, **headers)).text == PLAIN


async def test_every_event_of_a_stream_is_cleaned_notifications_and_questions_too(
    gateway: Gateway, recorder: Recorder
) -> None:
    told = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"data": HIDING}}
    asked = {"jsonrpc": "2.0", "id": "q", "method": "sampling/createMessage", "params": {"systemPrompt": HIDING}}
    answering(recorder, events(told, asked, result()))
    grant = gateway.grant(gateway.add_server(recorder.url), ALLOW_ALL)
    said = await data(grant)
    assert [one.get("method") for one in said] == ["notifications/message", "sampling/createMessage", None]
    assert [PLAIN in json.dumps(one) for one in said] == [True] * 3
    assert grant.decisions()[-1].method == "sampling/createMessage"
    assert (await gateway.outcomes(grant.decisions()[0]))[0].removed == 12


async def data(grant: Grant) -> list[Any]:
    body = (await grant.call("run")).body
    return [json.loads(line[6:]) for line in body.split(b"\n") if line.startswith(b"data: ")]


async def test_an_escape_that_is_split_over_two_lines_of_data_is_no_json(gateway: Gateway, recorder: Recorder) -> None:
    text = json.dumps(result("x")).replace('"x"', '"\\u20\ndata: 2e"')
    head = b"HTTP/1.1 200 X\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
    answering(recorder, head + b"data: " + text.encode() + b"\n\n")
    grant = gateway.grant(gateway.add_server(recorder.url), ALLOW_ALL)
    with pytest.raises(aiohttp.ClientError):
        await grant.call("run")
    assert (await ended(grant)).result == "error"


async def test_a_replayed_answer_on_the_get_stream_is_cleaned(gateway: Gateway, recorder: Recorder) -> None:
    answering(recorder, events(result(id_=7)))
    grant = gateway.grant(gateway.add_server(recorder.url), ALLOW_ALL)
    async with (
        aiohttp.ClientSession() as session,
        session.get(grant.url, headers=grant.headers(last_event_id="3")) as response,
    ):
        assert PLAIN.encode() in await response.read()


async def test_a_method_that_hides_behind_a_character_is_judged_as_what_the_client_reads(
    gateway: Gateway, recorder: Recorder
) -> None:
    asked = {"jsonrpc": "2.0", "id": "q", "method": f"sampling/create{TAG}Message", "params": {}}
    answering(recorder, events(asked, result()))
    policy = {**ALLOW_ALL, "methods": {"sampling/createMessage": {"action": "deny"}}}
    grant = gateway.grant(gateway.add_server(recorder.url), policy)
    assert [one.get("method") for one in await data(grant)] == [None]


# --- long answers


def long_answer(filler: str = "x") -> bytes:
    return written(result(filler * 700_000 + HIDING + filler * 700_000 + HIDING), plain=True)


async def streamed(recorder: Recorder, body: bytes, size: int) -> None:
    """Send the body in pieces of an odd size, so that every way to cut an escape comes up."""

    async def reply(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 X\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n")
        for at in range(0, len(body), size):
            piece = body[at : at + size]
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            await writer.drain()
        writer.write(b"0\r\n\r\n")

    recorder.reply = reply


@pytest.mark.parametrize("size", [4093, 65_521])
async def test_a_long_answer_is_cleaned_as_it_goes(gateway: Gateway, recorder: Recorder, size: int) -> None:
    await streamed(recorder, long_answer(), size)
    grant = gateway.grant(gateway.add_server(recorder.url), ALLOW_ALL)
    answer = await grant.call("run")
    assert answer.text == "x" * 700_000 + PLAIN + "x" * 700_000 + PLAIN
    assert (await ended(grant)).removed == 8


async def test_a_long_answer_that_is_no_utf_8_is_cut_off(gateway: Gateway, recorder: Recorder) -> None:
    await streamed(recorder, long_answer().replace(b"\\u202e", b"\xf3\xa0\\u202e\x81\x81"), 65_536)
    grant = gateway.grant(gateway.add_server(recorder.url), ALLOW_ALL)
    with pytest.raises(aiohttp.ClientError):
        await grant.call("run")
    assert (await ended(grant)).result == "error"


@pytest.mark.slow
async def test_a_long_answer_is_read_whole_where_it_may_have_to_be_withheld(
    gateway: Gateway, recorder: Recorder
) -> None:
    await streamed(recorder, long_answer(), 65_536)
    grant = gateway.grant(gateway.add_server(recorder.url), DENYING)
    assert "answer of `run` was withheld" in (await grant.call("run")).text


# --- deny and pass


async def test_deny_puts_an_error_in_the_place_of_the_answer_and_the_record_names_the_rule(
    gateway: Gateway, recorder: Recorder
) -> None:
    answering(recorder, http(200, written(result(), plain=True)))
    grant = gateway.grant(gateway.add_server(recorder.url), DENYING)
    answer = await grant.call("run")
    assert answer.denied
    assert "Rule: /hidden_text." in answer.text
    assert answer.json["result"]["_meta"]["io.toolgate/denial"]["withheld"] is True
    outcome = await ended(grant)
    assert (outcome.result, outcome.withheld, outcome.removed) == ("error", "/hidden_text", 4)


async def test_deny_answers_another_method_with_an_error(gateway: Gateway, recorder: Recorder) -> None:
    answering(recorder, http(200, written({"jsonrpc": "2.0", "id": 1, "result": {"text": HIDING}}, plain=True)))
    grant = gateway.grant(gateway.add_server(recorder.url), DENYING)
    answer = await grant.post({"jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": {"uri": "x"}})
    assert answer.json["error"]["data"]["rule"] == "/hidden_text"


async def test_deny_lets_no_notification_and_no_question_pass_that_hides_something(
    gateway: Gateway, recorder: Recorder
) -> None:
    told = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"data": HIDING}}
    asked = {"jsonrpc": "2.0", "id": "q", "method": "sampling/createMessage", "params": {"systemPrompt": HIDING}}
    answering(recorder, events(told, asked, {**told, "params": {}}, result("plain")))
    grant = gateway.grant(gateway.add_server(recorder.url), DENYING)
    assert [one.get("method") for one in await data(grant)] == ["notifications/message", None]
    refused = grant.decisions()[-1]
    assert (refused.method, refused.outcome, refused.rule) == ("sampling/createMessage", "deny", "/hidden_text")


async def test_pass_passes_everything(gateway: Gateway, recorder: Recorder) -> None:
    body = written(result(), plain=False)
    answering(recorder, http(200, body))
    grant = gateway.grant(gateway.add_server(recorder.url), PASSING)
    assert (await grant.call("run")).body == body
    assert (await ended(grant)).removed == 0


# --- lists of tools

SCHEMA = {"type": "object", "properties": {"path": {"type": "string", "description": HIDING}}}
TOOLS = [
    {"name": "plain", "description": HIDING, "inputSchema": SCHEMA},
    {"name": f"plain{TAG}", "inputSchema": {"type": "object"}},
    {"name": "nested", "inputSchema": {"type": "object", "properties": {"a": {"properties": {"b\u200b": {}}}}}},
    {"name": "clean", "inputSchema": {"type": "object"}},
]


async def listed(gateway: Gateway, recorder: Recorder, policy: Any, **more: Any) -> tuple[Grant, Answer]:
    answering(recorder, http(200, written({"jsonrpc": "2.0", "id": 1, "result": {"tools": TOOLS, **more}}, plain=True)))
    grant = gateway.grant(gateway.add_server(recorder.url), policy)
    return grant, await grant.post({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})


async def test_descriptions_are_cleaned_and_tools_that_hide_something_in_a_name_are_withheld(
    gateway: Gateway, recorder: Recorder
) -> None:
    grant, answer = await listed(gateway, recorder, ALLOW_ALL)
    tools = answer.json["result"]["tools"]
    assert [tool["name"] for tool in tools] == ["plain", "clean"]
    assert tools[0]["description"] == PLAIN
    assert tools[0]["inputSchema"]["properties"]["path"]["description"] == PLAIN
    assert (await ended(grant)).removed == 10


async def test_deny_withholds_each_tool_that_hides_anything(gateway: Gateway, recorder: Recorder) -> None:
    grant, answer = await listed(gateway, recorder, DENYING)
    assert [tool["name"] for tool in answer.json["result"]["tools"]] == ["clean"]
    assert (await ended(grant)).removed == 10


async def test_deny_withholds_a_list_that_hides_something_beside_its_tools(
    gateway: Gateway, recorder: Recorder
) -> None:
    _, answer = await listed(gateway, recorder, DENYING, _meta={"x": HIDING})
    assert answer.json["error"]["data"]["rule"] == "/hidden_text"


async def test_pass_lists_every_tool_as_it_is(gateway: Gateway, recorder: Recorder) -> None:
    _, answer = await listed(gateway, recorder, PASSING)
    assert answer.json["result"]["tools"] == TOOLS


# --- errors of HTTP


@pytest.mark.parametrize("kind", ["application/json", "text/html"])
async def test_the_body_of_an_http_error_is_cleaned_and_its_status_stays(
    gateway: Gateway, recorder: Recorder, kind: str
) -> None:
    answering(recorder, http(404, f"<p>gone {HIDING}</p>".encode(), kind=kind))
    grant = gateway.grant(gateway.add_server(recorder.url), ALLOW_ALL)
    answer = await grant.call("run")
    assert (answer.status, answer.body) == (404, f"<p>gone {PLAIN}</p>".encode())
    assert (await ended(grant)).removed == 4


async def test_a_json_rpc_error_with_an_error_status_is_cleaned(gateway: Gateway, recorder: Recorder) -> None:
    error = {"jsonrpc": "2.0", "id": None, "error": {"code": -32000, "message": HIDING}}
    answering(recorder, http(400, written(error, plain=True)))
    grant = gateway.grant(gateway.add_server(recorder.url), ALLOW_ALL)
    answer = await grant.call("run")
    assert (answer.status, answer.json["error"]["message"]) == (400, PLAIN)


async def test_what_the_gateway_repeats_of_a_server_is_cleaned(gateway: Gateway, recorder: Recorder) -> None:
    answering(recorder, http(200, b"{}", kind="text/\x9bplain"))
    grant = gateway.grant(gateway.add_server(recorder.url), ALLOW_ALL)
    message = (await grant.call("run")).json["error"]["message"]
    assert message.endswith("`text/Âplain`")
