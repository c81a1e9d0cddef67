"""A server that lies, babbles or breaks: what of it reaches the client."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.stdio.conftest import Start
from tests.stdio.wrapped import TOOLS, Wrapped, call, message, result, text

pytestmark = pytest.mark.slow

HIDING: dict[str, Any] = {"version": "1", "default": "allow", "hide": ["hidden"]}
SMUGGLED = json.dumps(TOOLS)

NOISE = {
    "a log line": b"INFO starting up",
    "invalid utf-8": b"\xff\xfe\x80 \xc3",
    "a batch": b'[{"jsonrpc":"2.0","id":1,"result":{}}]',
    "an object that is nothing": b'{"hello": "world"}',
    "an answer nobody asked for": b'{"jsonrpc":"2.0","id":99,"result":{}}',
    "an answer without an id": b'{"jsonrpc":"2.0","result":{}}',
    "an error without an id": b'{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"?"}}',
    "the id as text": b'{"jsonrpc":"2.0","id":"1","result":{}}',
    "another id": b'{"jsonrpc":"2.0","id":1.5,"result":{}}',
    "an id that is true": b'{"jsonrpc":"2.0","id":true,"result":{}}',
    "another case": b'{"jsonrpc":"2.0","ID":1,"Result":{}}',
    "a request with a fractional id": b'{"jsonrpc":"2.0","id":1.5,"method":"sampling/createMessage","params":{}}',
    "a request whose id is null": b'{"jsonrpc":"2.0","id":null,"method":"sampling/createMessage","params":{}}',
    "a request with its method twice": b'{"jsonrpc":"2.0","id":8,"method":"ping","method":"roots/list"}',
    "a request in two cases": b'{"jsonrpc":"2.0","id":8,"method":"ping","Method":"roots/list"}',
    "a list nobody asked for": b'{"jsonrpc":"2.0","id":77,"result":{"tools":' + SMUGGLED.encode() + b"}}",
}


async def asked(start: Start, policy: dict[str, Any] = HIDING) -> Wrapped:
    """A wrapper whose call with the id 1 is at the server."""
    run = await start(policy)
    await run.ready()
    run.client_says(call(1))
    assert (await run.server_hears())["id"] == 1
    return run


@pytest.mark.parametrize("noise", list(NOISE.values()), ids=list(NOISE))
async def test_noise_goes_to_standard_error_and_the_call_goes_on(start: Start, noise: bytes) -> None:
    run = await asked(start)
    run.server_says(noise)
    assert "a line of the server was dropped" in await run.complaint("dropped")
    run.server_says(text(1, "right"))
    assert await run.client_hears() == text(1, "right")


BROKEN = {
    "a question and an answer at once": b'{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}',
    "a result that is no object": b'{"jsonrpc":"2.0","id":1,"result":[1]}',
    "an error that is no object": b'{"jsonrpc":"2.0","id":1,"error":"no"}',
    "both": b'{"jsonrpc":"2.0","id":1,"result":{"tools":{}},"method":1}',
    "neither": b'{"jsonrpc":"2.0","id":1}',
}


@pytest.mark.parametrize("broken", list(BROKEN.values()), ids=list(BROKEN))
async def test_an_answer_that_is_none_fails_its_request_at_once(start: Start, broken: bytes) -> None:
    run = await asked(start)
    run.server_says(broken, text(1, "too late"))
    failed = await run.client_hears()
    assert failed["error"]["data"]["source"] == "toolgate"
    await run.complaint("answers what nobody asked")
    await run.close()
    (decision,) = run.decisions(tool="echo")
    assert run.outcomes(decision["decision_id"]) == ["error"]


LISTS = {
    "plain": b'{"jsonrpc":"2.0","id":1,"result":{"tools":%b}}',
    "two results": b'{"jsonrpc":"2.0","id":1,"result":{"tools":[]},"result":{"tools":%b}}',
    "two lists": b'{"jsonrpc":"2.0","id":1,"result":{"tools":[],"tools":%b}}',
    "escaped keys": b'{"jsonrpc":"2.0","id":1,"\\u0072esult":{"t\\u006fols":%b}}',
    "a float as id": b'{"jsonrpc":"2.0","id":1.0,"result":{"tools":%b}}',
}


@pytest.mark.parametrize("answer", list(LISTS.values()), ids=list(LISTS))
@pytest.mark.parametrize("method", ["tools/list", "tools/call", "ping"])
async def test_a_hidden_tool_is_in_no_list_whatever_it_answers(start: Start, answer: bytes, method: str) -> None:
    run = await start(HIDING)
    await run.ready()
    run.client_says(call(1) if method == "tools/call" else message(method, 1))
    await run.server_hears()
    run.server_says(answer % SMUGGLED.encode())
    line = await run.client_line()
    assert b"hidden" not in line
    assert [tool["name"] for tool in json.loads(line)["result"]["tools"]] == ["echo", "remove"]


@pytest.mark.parametrize(
    "answer",
    [
        b'{"jsonrpc":"2.0","id":1,"result":{"Tools":%b}}',
        b'{"jsonrpc":"2.0","id":1,"result":{"tools":{"0":%b}}}',
        b'{"jsonrpc":"2.0","id":1,"result":{"tools":[{"NAME":"hidden"},%b]}}',
    ],
)
async def test_a_list_that_cannot_be_filtered_is_an_error(start: Start, answer: bytes) -> None:
    run = await start(HIDING)
    await run.ready()
    run.client_says(message("tools/list", 1))
    await run.server_hears()
    run.server_says(answer % SMUGGLED.encode())
    line = await run.client_line()
    assert b'"hidden"' not in line
    assert json.loads(line)["error"]["data"]["source"] == "toolgate"


async def test_a_second_answer_does_not_reach_the_client(start: Start) -> None:
    run = await asked(start)
    run.server_says(text(1, "first"), text(1, "second"), message("notifications/message", level="info", data="end"))
    assert await run.client_hears() == text(1, "first")
    assert (await run.client_hears())["method"] == "notifications/message"


async def test_an_answer_that_comes_before_its_request_was_sent_is_dropped(start: Start) -> None:
    run = await start()
    await run.handshake()
    run.client_says(call(1))
    own = await run.server_hears()
    run.server_says(text(1, "forged"), result(own["id"], tools=TOOLS))
    await run.complaint("answers what nobody asked")
    assert (await run.server_hears())["id"] == 1
    run.server_says(text(1, "true"))
    assert await run.client_hears() == text(1, "true")


async def test_a_line_above_the_limit_ends_the_server_and_its_calls(start: Start) -> None:
    run = await asked(start)
    run.server_writes.write(b"x" * (17 * 1024 * 1024))
    assert "upstream failed" in (await run.client_hears())["error"]["message"]
    assert await run.ended() == 128 + 9
    assert "sends a line of more than" in await run.complaint("sends a line")


async def test_a_server_that_dies_in_a_line_leaves_no_half_answer(start: Start) -> None:
    run = await asked(start)
    run.server_writes.write(b'{"jsonrpc":"2.0","id":1,"resu')
    await run.server_writes.drain()
    run.family[-1].kill()
    failed = await run.client_hears()
    assert failed["id"] == 1
    assert "upstream failed" in failed["error"]["message"]
    assert await run.client_line() == b""
    assert await run.ended() == 128 + 9
    (decision,) = run.decisions(tool="echo")
    assert run.outcomes(decision["decision_id"]) == ["lost"]


async def test_requests_of_a_server_without_end_are_refused(start: Start) -> None:
    run = await start()
    await run.ready()
    for n in range(1_001):
        run.server_says(message("roots/list", n))
    for _ in range(1_000):
        await run.client_hears()
    refused = await run.server_hears()
    assert refused["id"] == 1_000
    assert "error" in refused
