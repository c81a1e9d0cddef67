"""What is seen of a message, and what is none."""

from __future__ import annotations

import json

import pytest

from toolgate.upstream.stdio_messages import Glance, Noise, glance

VERSION = "io.modelcontextprotocol/protocolVersion"
LEVEL = "io.modelcontextprotocol/logLevel"
SUBSCRIPTION = "io.modelcontextprotocol/subscriptionId"

SEEN = [
    ({"id": 1, "method": "tools/call"}, Glance("request", 1, "tools/call")),
    ({"id": "1", "method": "ping", "params": {}}, Glance("request", "1", "ping")),
    ({"id": 1.0, "method": "ping", "params": None}, Glance("request", 1, "ping")),
    ({"id": 1, "method": "x", "params": {"_meta": {"progressToken": "p"}}}, Glance("request", 1, "x", token="p")),
    ({"id": 1, "method": "x", "params": {"_meta": {VERSION: "2026-07-28"}}}, Glance("request", 1, "x", stateless=True)),
    ({"id": 1, "method": "x", "params": {"_meta": {VERSION: "2025-11-25"}}}, Glance("request", 1, "x")),
    ({"id": 1, "method": "x", "params": {"_meta": {LEVEL: "info"}}}, Glance("request", 1, "x", logs=True)),
    (
        {"method": "notifications/progress", "params": {"progressToken": 7, "progress": 1}},
        Glance("notification", method="notifications/progress", token=7),
    ),
    (
        {"method": "notifications/cancelled", "params": {"requestId": "r"}},
        Glance("notification", method="notifications/cancelled", cancels="r"),
    ),
    ({"method": "other", "params": {"progressToken": 7, "requestId": 7}}, Glance("notification", method="other")),
    (
        {"method": "n", "params": {"_meta": {SUBSCRIPTION: 4}}},
        Glance("notification", method="n", subscription=4),
    ),
    ({"id": 1, "result": {"id": 2, "method": "x"}}, Glance("answer", 1)),
    ({"id": 1, "error": {"code": -32601, "message": "m"}}, Glance("answer", 1, code=-32601)),
    ({"id": None, "error": {"code": -32700, "message": "m"}}, Glance("answer", None, code=-32700)),
    ({"id": 1, "method": "x", "params": {"_meta": {"progressToken": [1]}}}, Glance("request", 1, "x")),
    ({"id": 1, "method": "x", "params": {"_meta": {"progressToken": True}}}, Glance("request", 1, "x")),
]


@pytest.mark.parametrize(("message", "seen"), SEEN)
def test_the_members_that_decide_where_a_message_goes_are_seen(message: object, seen: Glance) -> None:
    assert glance(json.dumps(message).encode()) == seen


@pytest.mark.parametrize(
    "line",
    [
        b"Listening on stdin",
        b"{",
        b"[]",
        b"1",
        b"{}",
        b'{"id":{},"method":"x"}',
        b'{"id":true,"method":"x"}',
        b'{"method":1}',
        b'{"method":"x","params":[]}',
        b'{"method":"x","params":{"_meta":1}}',
        b'{"id":1,"method":"x","result":{}}',
        b'[{"id":1,"result":{}}]',
        b'{"method":"\xff"}',
    ],
)
def test_a_line_that_is_no_message_is_noise(line: bytes) -> None:
    with pytest.raises(Noise) as caught:
        glance(line)
    assert caught.value.answers is None or caught.value.answers == 1


def test_an_answer_that_is_not_utf_8_still_tells_whom_it_answers() -> None:
    with pytest.raises(Noise) as caught:
        glance(b'{"jsonrpc":"2.0","id":"r1","result":{"text":"\xff\xfe"}}')
    assert caught.value.answers == "r1"
    assert caught.value.cause == "is not UTF-8"


@pytest.mark.parametrize("place", ['"result": {"a": %s}', '"method": "m", "params": {"_meta": {"progressToken": %s}}'])
def test_a_message_nested_without_end_is_noise(place: str) -> None:
    line = '{"jsonrpc": "2.0", "id": 1, ' + place % ("[" * 100_000 + "]" * 100_000) + "}"
    with pytest.raises(Noise, match="nested too deeply"):
        glance(line.encode())
