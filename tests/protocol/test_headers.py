"""The era of a request, and its headers against its body."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp.shared import inbound as sdk

from toolgate.protocol.headers import Era, check_headers, decoded
from toolgate.protocol.malformed import (
    HEADER_MISMATCH,
    INVALID_PARAMS,
    INVALID_REQUEST,
    UNSUPPORTED_VERSION,
    Malformed,
)
from toolgate.protocol.messages import classify
from toolgate.protocol.param_headers import declared
from toolgate.protocol.revisions import VERSION_KEY
from toolgate.protocol.strict_json import read
from toolgate.wire.headers import Headers

NEW = "2026-07-28"
SCHEMA = {
    "type": "object",
    "properties": {
        "region": {"type": "string", "x-mcp-header": "Region"},
        "count": {"type": "integer", "x-mcp-header": "Count"},
        "dry": {"type": "boolean", "x-mcp-header": "Dry"},
        "at": {"type": "object", "properties": {"zone": {"type": "string", "x-mcp-header": "Zone"}}},
    },
}


def fields(*pairs: tuple[str, str | bytes]) -> Headers:
    """Header fields as the server connection gives them."""
    first: dict[bytes, bytes] = {}
    repeated = []
    for name, value in pairs:
        key, content = name.lower().encode(), value if isinstance(value, bytes) else value.encode("latin-1")
        if key in first:
            repeated.append((key, content))
        else:
            first[key] = content
    return Headers(first, repeated or None)


def body(method: str = "tools/call", version: object = NEW, **params: object) -> dict[str, object]:
    meta = {} if version is None else {"_meta": {VERSION_KEY: version}}
    named = {"name": "run"} if method in ("tools/call", "prompts/get") else {}
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**named, **params, **meta}}


def era(message: dict[str, object], *pairs: tuple[str, str | bytes], schema: object = None) -> Era:
    return check_headers(fields(*pairs), classify(read(json.dumps(message).encode())), schema)


def refusal(message: dict[str, object], *pairs: tuple[str, str | bytes], schema: object = None) -> Malformed:
    with pytest.raises(Malformed) as caught:
        era(message, *pairs, schema=schema)
    assert caught.value.id == message.get("id")
    return caught.value


def routed(
    name: str | None = "run", *more: tuple[str, str | bytes], method: str = "tools/call"
) -> list[tuple[str, str | bytes]]:
    named = [] if name is None else [("Mcp-Name", name)]
    return [("MCP-Protocol-Version", NEW), ("Mcp-Method", method), *named, *more]


def test_a_stateless_request_with_true_headers() -> None:
    assert era(body(), *routed()) == Era(NEW, modern=True)


@pytest.mark.parametrize("revision", ["2025-03-26", "2025-06-18", "2025-11-25"])
def test_a_handshake_revision_in_the_header(revision: str) -> None:
    assert era(body(version=None), ("MCP-Protocol-Version", revision)) == Era(revision, modern=False)


def test_neither_header_nor_body_says_the_revision() -> None:
    assert era(body(version=None)) == Era("", modern=False)


def test_older_revisions_ignore_the_routing_headers() -> None:
    lies = [("Mcp-Method", "tools/list"), ("Mcp-Name", "other"), ("Mcp-Name", "run"), ("Mcp-Param-Region", "x")]
    assert not era(body(version=None), ("MCP-Protocol-Version", "2025-11-25"), *lies, schema=SCHEMA).modern
    assert not era(body(version=None), *lies, schema=SCHEMA).modern


@pytest.mark.parametrize("said", ["2025-11-25", "2025-03-26", "", "2026-07-28 ", "2026-07-29"])
def test_era_confusion_body_and_header_of_two_revisions_are_refused(said: str) -> None:
    assert refusal(body(), ("MCP-Protocol-Version", said)).code == HEADER_MISMATCH


def test_era_confusion_a_stateless_body_without_the_header_is_refused() -> None:
    assert refusal(body()).code == HEADER_MISMATCH
    assert refusal(body(), ("Mcp-Method", "tools/call"), ("Mcp-Name", "run")).code == HEADER_MISMATCH


@pytest.mark.parametrize("inside", [1, True, [NEW], {"v": NEW}, ""])
def test_era_confusion_a_revision_that_is_no_string_is_refused(inside: object) -> None:
    assert refusal(body(version=inside), *routed()).code == HEADER_MISMATCH


@pytest.mark.parametrize("inside", [None])
def test_a_stateless_request_whose_body_does_not_say_so_is_refused(inside: object) -> None:
    assert refusal(body(version=inside), *routed()).code == INVALID_PARAMS


def test_a_null_revision_is_absent() -> None:
    message = body(version=None)
    message["params"] = {"name": "run", "_meta": {VERSION_KEY: None}}
    assert refusal(message, *routed()).code == INVALID_PARAMS
    assert era(message) == Era("", modern=False)


@pytest.mark.parametrize("revision", ["2027-01-01", "2024-11-05", "1.0", "x" * 500])
def test_a_revision_that_is_not_served_is_refused_with_those_that_are(revision: str) -> None:
    for inside in (revision, None):
        error = refusal(body(version=inside), ("MCP-Protocol-Version", revision))
        assert error.code == UNSUPPORTED_VERSION
        assert error.data == {"supported": [NEW], "requested": revision[:40]}


@pytest.mark.parametrize("header", ["MCP-Protocol-Version", "Mcp-Method", "Mcp-Name"])
def test_a_repeated_header_is_refused_even_when_equal(header: str) -> None:
    copies = [pair for pair in routed() if pair[0] == header]
    error = refusal(body(), *routed(), *copies)
    assert (error.code, error.cause) == (HEADER_MISMATCH, "appears more than once")


@pytest.mark.parametrize("method", ["tools/list", "Tools/Call", "tools/call ", "", "=?base64?dG9vbHMvY2FsbA==?="])
def test_another_method_in_the_header_is_refused(method: str) -> None:
    assert refusal(body(), *routed(method=method)).code == HEADER_MISMATCH


def test_missing_headers_are_refused() -> None:
    assert refusal(body(), ("MCP-Protocol-Version", NEW), ("Mcp-Name", "run")).place == "header Mcp-Method"
    assert refusal(body(), *routed(None)).place == "header Mcp-Name"


@pytest.mark.parametrize(
    "name", ["delete", "Run", "run ", "", "=?base64?cnVu", "=?base64?cnVu?= ", "=?BASE64?cnVu?=", b"run\xe9"]
)
def test_another_name_in_the_header_is_refused(name: str) -> None:
    assert refusal(body(), *routed(name)).code == HEADER_MISMATCH


def test_a_name_may_be_encoded() -> None:
    assert era(body(name="größe"), *routed("=?base64?Z3LDtsOfZQ==?=")).modern
    assert era(body(), *routed("=?base64?cnVu?=")).modern


@pytest.mark.parametrize(
    "value", ["=?base64?cnV?=", "=?base64?cnVv=?=", "=?base64?c nVu?=", "=?base64?/w==?=", "=?base64?cnW=?="]
)
def test_a_broken_encoding_stands_for_nothing(value: str) -> None:
    assert decoded(value) is None
    assert refusal(body(), *routed(value)).code == HEADER_MISMATCH


@given(st.text(max_size=30))
def test_decoding_is_the_inverse_of_the_sdk_s_encoding(text: str) -> None:
    assert decoded(sdk.encode_header_value(text)) == text


@given(st.binary(max_size=12).map(lambda raw: base64.b64encode(raw).decode()), st.sampled_from(["", "=", "A", " "]))
def test_decoding_agrees_with_the_sdk(payload: str, extra: str) -> None:
    value = f"=?base64?{payload}{extra}?="
    assert decoded(value) == sdk.decode_header_value(value)


@pytest.mark.parametrize(
    ("method", "key"), [("resources/read", "uri"), ("prompts/get", "name"), ("tasks/get", "taskId")]
)
def test_the_name_of_other_methods(method: str, key: str) -> None:
    message = body(method, **{key: "docs://a"})
    assert era(message, *routed("docs://a", method=method)).modern
    assert refusal(message, *routed("docs://b", method=method)).code == HEADER_MISMATCH


def test_a_task_s_name_is_only_checked_where_it_is_sent() -> None:
    assert era(body("tasks/get", taskId="t"), *routed(None, method="tasks/get")).modern


def test_methods_without_a_name_need_none() -> None:
    assert era(body("tools/list"), *routed(None, method="tools/list")).modern
    assert era(body("resources/read"), *routed(None, method="resources/read")).modern


@pytest.mark.parametrize("answer", [{"result": {}}, {"error": {"code": 1, "message": "x"}}])
def test_openshell_pr_1865_the_stateless_era_takes_no_answers(answer: dict[str, object]) -> None:
    message = {"jsonrpc": "2.0", "id": 1, **answer}
    assert refusal(message, ("MCP-Protocol-Version", NEW)).code == INVALID_REQUEST
    assert not era(message, ("MCP-Protocol-Version", "2025-11-25")).modern


def test_a_notification_of_the_stateless_era() -> None:
    message: dict[str, object] = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}
    assert era(message, ("MCP-Protocol-Version", NEW)).modern
    assert refusal(message, ("MCP-Protocol-Version", NEW), ("Mcp-Method", "tools/list")).code == HEADER_MISMATCH


ARGUMENTS = [
    ({"region": "eu"}, [("Region", "eu")]),
    ({"region": "größe"}, [("Region", "=?base64?Z3LDtsOfZQ==?=")]),
    ({"region": ""}, [("Region", "")]),
    ({"count": 42}, [("Count", "42")]),
    ({"count": 42}, [("Count", "42.0")]),
    ({"count": 42.0}, [("Count", "42")]),
    ({"count": 1e21}, [("Count", "1e+21")]),
    ({"count": 2**60 + 1}, [("Count", str(2**60 + 1))]),
    ({"dry": True}, [("Dry", "true")]),
    ({"at": {"zone": "b"}}, [("Zone", "b")]),
    ({"at": "text", "region": None}, []),
    ({"region": ["eu"]}, []),
    ({}, []),
    ({}, [("Unknown", "x")]),
]
MISMATCHES = [
    ({"region": "eu"}, []),
    ({"region": "eu"}, [("Region", "us")]),
    ({"region": "eu"}, [("Region", "EU")]),
    ({"region": "eu"}, [("Region", "=?base64?ZXU?=")]),
    ({"region": "eu"}, [("Region", "eu"), ("region", "eu")]),
    ({}, [("Region", "eu")]),
    ({"region": None}, [("Region", "eu")]),
    ({"region": None}, [("Region", "null")]),
    ({"region": ["eu"]}, [("Region", "eu")]),
    ({"count": 42}, [("Count", "43")]),
    ({"count": 42}, [("Count", "4.2e1")]),
    ({"count": 2**60 + 1}, [("Count", str(2**60))]),
    ({"count": 42}, [("Count", "")]),
    ({"dry": True}, [("Dry", "True")]),
    ({"dry": True}, [("Dry", "1")]),
    ({"at": {"zone": "b"}}, [("Zone", "c")]),
]


@pytest.mark.parametrize(("arguments", "sent"), ARGUMENTS)
def test_true_argument_headers(arguments: dict[str, object], sent: list[tuple[str, str]]) -> None:
    more = [(f"Mcp-Param-{name}", value) for name, value in sent]
    assert era(body(arguments=arguments), *routed("run", *more), schema=SCHEMA).modern


@pytest.mark.parametrize(("arguments", "sent"), MISMATCHES)
def test_false_argument_headers_are_refused(arguments: dict[str, object], sent: list[tuple[str, str]]) -> None:
    more = [(f"Mcp-Param-{name}", value) for name, value in sent]
    assert refusal(body(arguments=arguments), *routed("run", *more), schema=SCHEMA).code == HEADER_MISMATCH


@pytest.mark.parametrize("exponent", ["1e-99999999999999999999", "1e-9999", "0." + "1" * 5000])
def test_a_number_that_no_header_can_hold_is_a_mismatch(exponent: str) -> None:
    text = json.dumps(body(arguments={"count": "COUNT"})).replace('"COUNT"', exponent)
    message = classify(read(text.encode()))
    with pytest.raises(Malformed, match="Mcp-Param-Count"):
        check_headers(fields(*routed("run", ("Mcp-Param-Count", "0"))), message, SCHEMA)


ANNOTATIONS = st.fixed_dictionaries(
    {},
    optional={
        "x-mcp-header": st.sampled_from(["A", "a", "B", "", "a b", "é", 1, None]),
        "type": st.sampled_from(["string", "integer", "boolean", "number", "object", ["string"]]),
        "default": st.just({"x-mcp-header": "no"}),
    },
)
SCHEMAS = st.recursive(
    ANNOTATIONS,
    lambda inner: st.builds(
        lambda node, key, below: {**node, key: below},
        ANNOTATIONS,
        st.sampled_from(["properties", "properties", "items", "$defs", "not", "patternProperties"]),
        st.dictionaries(st.sampled_from(["p", "q"]), inner, max_size=2),
    ),
    max_leaves=6,
)


@given(SCHEMAS)
def test_declarations_are_those_that_the_sdk_finds(schema: dict[str, object]) -> None:
    expected = {} if sdk.find_invalid_x_mcp_header(schema) else sdk.x_mcp_header_map(schema)
    assert {found.path: found.header for found in declared(schema)} == {
        path: f"Mcp-Param-{token}" for path, token in expected.items()
    }


@pytest.mark.parametrize("schema", [None, True, [], "x"])
def test_what_is_no_schema_declares_nothing(schema: object) -> None:
    assert declared(schema) == ()
