"""A client that lies or babbles: refused, answered where there is an id, recorded, and nothing forwarded."""

from __future__ import annotations

import pytest
from tests.stdio.conftest import Start
from tests.stdio.wrapped import call, message

pytestmark = pytest.mark.slow

DENYING = {"version": "1", "default": "allow", "tools": {"remove": {"action": "deny"}}}

BAD = {
    "noise": (b"hello", -32700, None),
    "invalid utf-8": (b'{"jsonrpc":"2.0","id":1,"method":"\xff"}', -32700, None),
    "a mark": b"\xef\xbb\xbf" + b'{"jsonrpc":"2.0","id":1,"method":"ping"}',
    "half": (b'{"jsonrpc":"2.0","id":1,"method":', -32700, None),
    "two values": (b'{"jsonrpc":"2.0","id":1,"method":"ping"} {}', -32700, None),
    "a batch": (b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]', -32600, None),
    "a key twice": (
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","name":"remove"}}', -32700, None),
    "a key twice by escape": (
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","n\\u0061me":"remove"}}', -32700, None),
    "another case": (b'{"jsonrpc":"2.0","id":1,"Method":"tools/call","method":"ping"}', -32700, None),
    "another case alone": (b'{"jsonrpc":"2.0","id":1,"method":"ping","Params":{}}', -32600, 1),
    "a call without id": (b'{"jsonrpc":"2.0","method":"tools/call","params":{"name":"remove"}}', -32600, None),
    "null as id": (b'{"jsonrpc":"2.0","id":null,"method":"ping"}', -32600, None),
    "a fraction as id": (b'{"jsonrpc":"2.0","id":1.0,"method":"ping"}', -32600, None),
    "infinity": (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"n":1e999}}', -32700, None),
    "an unknown revision": (
        b'{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":'
        b'{"io.modelcontextprotocol/protocolVersion":"1999-01-01"}}}', -32022, 1),
    "a strange cancellation": (
        b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":true}}', -32602, None),
}  # fmt: skip


@pytest.mark.parametrize("case", list(BAD.values()), ids=list(BAD))
async def test_a_bad_line_is_refused_recorded_and_not_forwarded(
    start: Start, case: bytes | tuple[bytes, int, int | None]
) -> None:
    line, code, id_ = case if isinstance(case, tuple) else (case, -32700, None)
    run = await start(DENYING)
    await run.handshake()
    run.client_says(line, message("ping", 2))
    refused = await run.client_hears()
    assert (refused["error"]["code"], refused["id"]) == (code, id_)
    assert refused["error"]["data"]["source"] == "toolgate"
    assert (await run.server_hears())["id"] == 2
    await run.close()
    (decision,) = run.decisions(rule="(malformed)")
    assert decision["decision_id"] == refused["error"]["data"]["decision"]


async def test_an_id_that_waits_for_its_answer_cannot_be_used_again(start: Start) -> None:
    run = await start(DENYING)
    await run.ready()
    run.client_says(call(1), call(1), call("1"))
    refused = await run.client_hears()
    assert refused["id"] is None  # an error with this id would end the first call
    assert [(await run.server_hears())["id"] for _ in range(2)] == [1, "1"]


async def test_blank_lines_mean_nothing(start: Start) -> None:
    run = await start(DENYING)
    run.client_says(b"", b"  \r", message("ping", 1))
    assert (await run.server_hears())["id"] == 1


async def test_a_line_without_end_ends_the_wrapper(start: Start) -> None:
    run = await start(DENYING)
    run.client_says(b"x" * (17 * 1024 * 1024))
    assert "sends a line of more than" in await run.complaint("the client")
    await run.close()


async def test_a_notification_that_the_policy_refuses_is_dropped_without_an_answer(start: Start) -> None:
    run = await start({"version": "1", "default": "deny"})
    run.client_says(message("notifications/strange"), message("ping", 1))
    assert (await run.server_hears())["id"] == 1
    await run.close()
    (decision,) = run.decisions(method="notifications/strange")
    assert decision["outcome"] == "deny"


async def test_a_refused_method_is_a_json_rpc_error(start: Start) -> None:
    run = await start({"version": "1", "default": "deny"})
    run.client_says(message("resources/read", 1, uri="file:///etc/passwd"))
    refused = await run.client_hears()
    assert refused["error"]["code"] == 1001
    assert refused["id"] == 1
