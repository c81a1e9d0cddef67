"""Published ways around policy proxies that begin in the reader of messages, each under the name of its source.

Where an attack needs a lenient reader behind the gateway, the test first shows that such a reader falls for it.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import msgspec
import orjson
import pytest

from toolgate.protocol.malformed import INVALID_PARAMS, INVALID_REQUEST, PARSE_ERROR, Malformed
from toolgate.protocol.messages import Message, classify
from toolgate.protocol.sse import SseParser
from toolgate.protocol.strict_json import read, read_slowly

Reader = Callable[[bytes], object]


def judged(body: bytes) -> Message:
    return classify(read(body))


def refused(body: bytes, code: int = PARSE_ERROR) -> None:
    """Refused with the code, whichever way it is read."""
    with pytest.raises(Malformed) as caught:
        judged(body)
    assert caught.value.code == code
    with pytest.raises(Malformed):
        classify(slowly(body))


def slowly(body: bytes) -> object:
    reading = read_slowly(body)
    while True:
        try:
            next(reading)
        except StopIteration as end:
            return end.value


def call(params: str) -> bytes:
    return f'{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}'.encode()


@pytest.mark.parametrize("reader", [json.loads, orjson.loads, msgspec.json.decode])
@pytest.mark.parametrize("second", ["name", r"na\u006de", r"\u006e\u0061\u006d\u0065"])
def test_owasp_aisvs_182_and_envoy_pr_45202_a_duplicate_key(reader: Reader, second: str) -> None:
    body = call(f'{{"name":"read","{second}":"delete","arguments":{{}}}}')
    lenient = reader(body)
    assert isinstance(lenient, dict)
    assert lenient["params"]["name"] == "delete"
    refused(body)


@pytest.mark.parametrize(
    "params",
    [
        '{"name":"pay","arguments":{"amount":1},"arguments":{"amount":9}}',
        '{"name":"pay","arguments":{"amount":1,"amount":9}}',
        '{"name":"pay","arguments":{"rows":[{"to":{"iban":1,"iban":2}}]}}',
        '{"name":"pay","arguments":{"amount":1,"Amount":9}}',
    ],
)
def test_owasp_aisvs_182_a_duplicate_key_at_any_depth(params: str) -> None:
    refused(call(params))


@pytest.mark.parametrize(
    "body",
    [
        '{"jsonrpc":"2.0","id":1,"method":"tools/list","Method":"tools/call","params":{}}',
        '{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{},"PARAMS":{"name":"delete"}}',
        '{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{},"paramſ":{"name":"delete"}}',
        '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read","Name":"delete"}}',
        '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read","ｎame":"delete"}}',
    ],
)
def test_cve_2026_27896_and_docker_gateway_pr_414_keys_in_two_cases(body: str) -> None:
    """CVE-2026-27896 (GHSA-wvj2-96wp-fq3f): the Go SDK decodes keys without regard to case, also beyond ASCII."""
    refused(body.encode())


@pytest.mark.parametrize(
    "body",
    [
        '{"jsonrpc":"2.0","id":1,"Method":"tools/call","params":{"name":"delete"}}',
        '{"jsonrpc":"2.0","id":1,"method":"tools/list","Params":{"name":"delete"}}',
        '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read","Arguments":{"path":"/"}}}',
        '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read","argumentſ":{"path":"/"}}}',
    ],
)
def test_cve_2026_27896_and_docker_gateway_pr_414_a_key_in_another_case_alone(body: str) -> None:
    refused(body.encode(), INVALID_REQUEST)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "-1e400", "1" + "0" * 400])
def test_jacobian_1102_a_number_that_no_comparison_holds_for(number: str) -> None:
    body = call(f'{{"name":"pay","arguments":{{"amount":{number}}}}}')
    assert json.loads(body)
    refused(body)


def test_python_int_limit_an_integer_of_5000_digits() -> None:
    body = call(f'{{"name":"pay","arguments":{{"amount":{"9" * 5000}}}}}')
    with pytest.raises(ValueError, match="4300 digits"):
        json.loads(body)
    refused(body)


def test_float_precision_a_fraction_keeps_its_text() -> None:
    message = judged(call('{"name":"pay","arguments":{"amount":100.00000000000000001}}'))
    assert json.loads(json.dumps(100.00000000000000001)) == 100.0
    assert str(message.arguments["amount"]) == "100.00000000000000001"


@pytest.mark.parametrize("depth", [65, 150, 1_000, 50_000])
def test_cmcp_34_deep_nesting(depth: int) -> None:
    refused(call(f'{{"name":"run","arguments":{{"a":{"[" * depth}{"]" * depth}}}}}'))


def test_cmcp_34_more_values_than_anybody_needs() -> None:
    refused(call('{"name":"run","arguments":{"a":[' + ",".join(["0"] * 100_000) + "]}}"))


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [("utf-8", b"\xef\xbb\xbf"), ("utf-16", b""), ("utf-16-le", b""), ("utf-16-be", b""), ("utf-32", b"")],
)
def test_charset_guessing_a_body_that_json_loads_takes_for_another_encoding(encoding: str, mark: bytes) -> None:
    body = mark + call('{"name":"delete"}').decode().encode(encoding)
    assert json.loads(body)
    refused(body)


@pytest.mark.parametrize("text", [b"\\ud800", b"\\udfff\\ud800", b"\xed\xa0\x80", b"\xc0\xaf", b"\xff", b"\xe2\x82"])
def test_charset_guessing_text_that_readers_repair_differently(text: bytes) -> None:
    refused(call('{"name":"read","arguments":{"path":"TEXT"}}').replace(b"TEXT", text))


@pytest.mark.parametrize("count", [0, 1, 2])
def test_deploy_gate_59_and_toolhive_5745_and_openshell_pr_1865_a_batch(count: int) -> None:
    refused(b"[" + b",".join([call('{"name":"delete"}')] * count) + b"]", INVALID_REQUEST)


@pytest.mark.parametrize("id_", ["", '"id":null,'])
def test_notification_call_a_tool_call_that_wants_no_answer(id_: str) -> None:
    refused(f'{{"jsonrpc":"2.0",{id_}"method":"tools/call","params":{{"name":"delete"}}}}'.encode(), INVALID_REQUEST)


@pytest.mark.parametrize("extra", ['"result":{}', '"error":{"code":1,"message":""}', '"result":null', '"error":null'])
def test_openshell_pr_1865_a_request_in_the_shape_of_an_answer(extra: str) -> None:
    refused(call(f'{{"name":"delete"}},{extra}'), INVALID_REQUEST)


@pytest.mark.parametrize("id_", ["1.0", "1.5", "true", "{}", "[1]", "9007199254740993", f'"{"a" * 300}"'])
def test_id_tricks_an_id_that_two_ends_correlate_differently(id_: str) -> None:
    refused(call('{"name":"run"}').replace(b'"id":1', f'"id":{id_}'.encode()), INVALID_REQUEST)


@pytest.mark.parametrize("params", ["null", "[]", '["delete"]', '"delete"', "1", "true"])
def test_intercept_a_params_that_fails_to_decode(params: str) -> None:
    refused(call(params), INVALID_PARAMS)


@pytest.mark.parametrize("arguments", ["null", "[]", '[{"path":"/"}]', '"{\\"path\\":\\"/\\"}"', "1", "false"])
def test_intercept_arguments_that_no_condition_can_read(arguments: str) -> None:
    refused(call(f'{{"name":"delete","arguments":{arguments}}}'), INVALID_PARAMS)


@pytest.mark.parametrize("body", [b"", b"{", b"delete", call("{}")[:-1], call("{}") + b"x", b'{"jsonrpc":"2.0",}'])
def test_intercept_a_body_that_is_not_json(body: bytes) -> None:
    refused(body)


def test_prototype_pollution_such_keys_are_plain_keys() -> None:
    message = judged(call('{"name":"run","arguments":{"__proto__":{"admin":true},"a.b":1,"a":{"b":2}}}'))
    assert message.arguments == {"__proto__": {"admin": True}, "a.b": 1, "a": {"b": 2}}


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
@pytest.mark.parametrize("cut", range(1, 12))
def test_iron_proxy_pr_107_a_result_spread_over_lines_and_packets(end: bytes, cut: int) -> None:
    lines = [b"\xef\xbb\xbf: hello", b"event: other", b'data:{"jsonrpc":"2.0","id":1,', b"id: 9", b'data: "result":{}}']
    stream = end.join([*lines, b"", b""])
    parser = SseParser(10_000)
    events = [event for at in range(0, len(stream), cut) for event in parser.feed(stream[at : at + cut])]
    (event,) = [event for event in events if event.data]
    assert judged(event.data).kind == "response"
    assert b"".join(event.raw for event in events) == stream


@pytest.mark.parametrize("key", ["\u200bname", "nam\u0435", "name ", "name\\u0000", "n\u00e0me"])
def test_look_alike_keys_are_other_keys_to_every_reader(key: str) -> None:
    """No reader folds these: they stay unknown, and the call stays the call of `read`."""
    message = judged(call(f'{{"name":"read","{key}":"delete"}}'))
    assert message.name == "read"


def test_openshell_pr_1865_and_others_hold_in_the_middle_of_a_long_body() -> None:
    padding = ",".join(f'"k{n}":"{"x" * 100}"' for n in range(1000))
    fine = call(f'{{"name":"read","arguments":{{{padding}}}}}')
    assert classify(slowly(fine)) == judged(fine)
    refused(call(f'{{"name":"read","arguments":{{"a":1,{padding},"A":2}}}}'))
    refused(call(f'{{"name":"read","arguments":{{{padding}}},"name":"delete"}}'))
    refused(call(f'{{"name":"read","arguments":{{{padding}}},"Name":"delete"}}'))
