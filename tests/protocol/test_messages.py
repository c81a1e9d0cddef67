"""The four shapes of a message, and everything that is none of them."""

from __future__ import annotations

import json

import pytest

from toolgate.protocol.malformed import INVALID_PARAMS, INVALID_REQUEST, Malformed
from toolgate.protocol.messages import MAX_ID, classify
from toolgate.protocol.revisions import PARAMS
from toolgate.protocol.strict_json import read


def call(**changes: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "run", "arguments": {}}, **changes}


def without(key: str, **changes: object) -> dict[str, object]:
    message = call(**changes)
    del message[key]
    return message


def refusal(value: object) -> Malformed:
    with pytest.raises(Malformed) as caught:
        classify(value)
    return caught.value


def test_a_request() -> None:
    raw = call(params={"name": "run", "arguments": {"a": 1}, "_meta": {"progressToken": 7}, "task": {}})
    message = classify(raw)
    assert (message.kind, message.id, message.method) == ("request", 1, "tools/call")
    assert (message.name, message.arguments, message.meta) == ("run", {"a": 1}, {"progressToken": 7})
    assert message.raw is raw


def test_a_notification() -> None:
    message = classify({"jsonrpc": "2.0", "method": "notifications/initialized"})
    assert (message.kind, message.id, message.params, message.meta) == ("notification", None, {}, {})


def test_a_response() -> None:
    message = classify({"jsonrpc": "2.0", "id": "a", "result": {}})
    assert (message.kind, message.id, message.method, message.params) == ("response", "a", "", {})


@pytest.mark.parametrize("id_", [{"id": 3}, {"id": None}, {}])
def test_an_error_may_have_no_id(id_: dict[str, object]) -> None:
    message = classify({"jsonrpc": "2.0", **id_, "error": {"code": -1, "message": "no"}})
    assert (message.kind, message.id) == ("error", id_.get("id"))


def test_absent_params_and_arguments_are_empty() -> None:
    assert classify(without("params", method="tools/list")).params == {}
    assert classify(call(params={"name": "run"})).arguments == {}


def test_unknown_fields_of_the_envelope_arrive() -> None:
    assert classify(call(traceparent="00-1", params={"name": "run", "vendor": 1})).raw["traceparent"] == "00-1"


@pytest.mark.parametrize("id_", ["", "a" * MAX_ID, 0, -1, 2**53 - 1])
def test_ids_that_arrive(id_: str | int) -> None:
    assert classify(call(id=id_)).id == id_


@pytest.mark.parametrize("text", ["null", "true", "1.0", "1e0", "1.5", "[1]", '{"a":1}', str(2**53), f'"{"a" * 257}"'])
def test_ids_that_are_refused(text: str) -> None:
    for method in ("tools/call", "tools/list"):
        body = f'{{"jsonrpc":"2.0","id":{text},"method":"{method}","params":{{"name":"run"}}}}'
        error = refusal(read(body.encode()))
        assert (error.code, error.id, error.place) == (INVALID_REQUEST, None, "message/id")
    assert refusal({**json.loads(f'{{"id":{text}}}'), "jsonrpc": "2.0", "result": {}}).code == INVALID_REQUEST


@pytest.mark.parametrize("value", [[], [call()], [call(), call(id=2)], [[]]])
def test_deploy_gate_59_and_toolhive_5745_a_batch_is_refused(value: object) -> None:
    error = refusal(value)
    assert (error.code, error.id, error.cause) == (INVALID_REQUEST, None, "is a batch")


@pytest.mark.parametrize("value", [None, True, 1, "tools/call"])
def test_a_scalar_is_no_message(value: object) -> None:
    assert refusal(value).code == INVALID_REQUEST


def test_a_tool_call_without_an_id_is_refused() -> None:
    assert refusal(without("id")).place == "message/id"


@pytest.mark.parametrize(
    "value",
    [
        call(result={}),
        call(error={}),
        without("method", result={}, error={}),
        without("method"),
        without("params", method=None, result={}),
        {"jsonrpc": "2.0", "id": 1, "result": {}, "params": {}},
        {"jsonrpc": "2.0", "id": 1, "error": "text"},
        {"jsonrpc": "2.0", "id": 1},
        {"jsonrpc": "2.0", "result": {}},
        {},
    ],
)
def test_openshell_pr_1865_a_message_of_two_shapes_or_none_is_refused(value: object) -> None:
    assert refusal(value).code == INVALID_REQUEST


@pytest.mark.parametrize("version", ["1.0", "2", 2, 2.0, None, ["2.0"]])
def test_another_version_of_json_rpc_is_refused_and_answered(version: object) -> None:
    error = refusal(call(jsonrpc=version))
    assert (error.code, error.id, error.place) == (INVALID_REQUEST, 1, "message/jsonrpc")
    assert refusal(without("jsonrpc")).id == 1


@pytest.mark.parametrize("method", [None, 1, [], {}, ""])
def test_a_method_that_is_no_name_is_refused(method: object) -> None:
    assert refusal(call(method=method)).place == "message/method"


@pytest.mark.parametrize("key", ["Method", "METHOD", "Id", "JSONRPC", "Params", "paramſ", "ｍethod", "Result", "ERROR"])
def test_cve_2026_27896_an_envelope_key_that_folds_to_a_known_one_is_refused(key: str) -> None:
    error = refusal(call(**{key: "x"}))
    assert (error.code, error.id) == (INVALID_REQUEST, 1)
    assert refusal({"jsonrpc": "2.0", "id": 1, "result": {}, key: "x"}).code == INVALID_REQUEST


@pytest.mark.parametrize("key", ["Name", "NAME", "Arguments", "argument\u017f", "_Meta", "ｎame", "requeststate"])
def test_docker_gateway_pr_414_a_params_key_that_folds_to_a_known_one_is_refused(key: str) -> None:
    error = refusal(call(params={"name": "run", key: "delete"}))
    assert (error.code, error.id, error.place) == (INVALID_REQUEST, 1, "message/params")


@pytest.mark.parametrize("method", sorted(PARAMS))
def test_every_known_params_key_of_every_method_is_guarded(method: str) -> None:
    for key in ("_meta", *PARAMS[method]):
        error = refusal({"jsonrpc": "2.0", "id": 1, "method": method, "params": {key.swapcase(): 1}})
        assert f"reads like `{key}`" in error.cause


def test_unknown_methods_keep_their_own_params() -> None:
    assert classify(call(method="vendor/do", params={"Name": 1, "URL": 2})).params == {"Name": 1, "URL": 2}
    assert refusal(call(method="vendor/do", params={"_META": {}})).code == INVALID_REQUEST


@pytest.mark.parametrize("params", [None, [], ["run"], "run", 1, True])
def test_params_that_are_no_object_are_refused(params: object) -> None:
    for method in ("tools/call", "tools/list", "vendor/do"):
        error = refusal(call(method=method, params=params))
        assert (error.code, error.id, error.place) == (INVALID_PARAMS, 1, "message/params")


@pytest.mark.parametrize("arguments", [None, [], [1], "{}", 1, False])
def test_intercept_arguments_that_are_no_object_are_refused(arguments: object) -> None:
    error = refusal(call(params={"name": "run", "arguments": arguments}))
    assert (error.code, error.id, error.place) == (INVALID_PARAMS, 1, "message/params/arguments")


@pytest.mark.parametrize("params", [{}, {"name": ""}, {"name": None}, {"name": 1}, {"name": ["run"]}, {"tool": "run"}])
def test_a_call_of_no_tool_is_refused(params: object) -> None:
    error = refusal(call(params=params))
    assert (error.code, error.place) == (INVALID_PARAMS, "message/params/name")


@pytest.mark.parametrize("meta", [None, [], "x", 1])
def test_a_meta_that_is_no_object_is_refused(meta: object) -> None:
    assert refusal(call(params={"name": "run", "_meta": meta})).place == "message/params/_meta"
