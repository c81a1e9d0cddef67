"""Published ways around policy proxies: bodies and names that readers understand differently, through a real gateway.

Each is refused, recorded, and seen by nobody behind the gateway; or it passes as the very bytes that were judged.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from .running import ALLOW_ALL, Gateway
from .running import call as message
from .target import Target, attacked

pytestmark = pytest.mark.asyncio(loop_scope="module")

RUN = {"name": "run", "inputSchema": {"type": "object"}}
REMOVE = {"name": "remove", "inputSchema": {"type": "object"}}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def target(gateway: Gateway) -> AsyncIterator[Target]:
    async with attacked(gateway) as aimed:
        yield aimed


def call(params: str, envelope: str = '"jsonrpc":"2.0","id":1') -> bytes:
    return f'{{{envelope},"method":"tools/call","params":{params}}}'.encode()


def run(arguments: str) -> bytes:
    return call(f'{{"name":"run","arguments":{arguments}}}')


_RUN = run("{}")
MALFORMED: dict[str, bytes] = {
    "OWASP-AISVS-182 the name twice": call('{"name":"run","name":"remove","arguments":{}}'),
    "OWASP-AISVS-182 the name twice, once escaped": call(r'{"name":"run","na\u006de":"remove","arguments":{}}'),
    "Envoy-PR-45202 the arguments twice": call('{"name":"run","arguments":{"n":1},"arguments":{"n":2}}'),
    "Envoy-PR-45202 a nested key twice": run('{"a":[{"to":{"x":1,"x":2}}]}'),
    "Envoy-PR-45202 the params twice": b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{},"params":{"name":"x"}}',
    "Docker-PR-414 Name beside name": call('{"name":"run","Name":"remove","arguments":{}}'),
    "Docker-PR-414 Name alone": call('{"Name":"remove","arguments":{}}'),
    "Docker-PR-414 Arguments alone": call('{"name":"run","Arguments":{"path":"/"}}'),
    "CVE-2026-27896 Method beside method": b'{"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/call"}',
    "CVE-2026-27896 PARAMS beside params": b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{},"PARAMS":{}}',
    "CVE-2026-27896 PARAMS alone": b'{"jsonrpc":"2.0","id":1,"method":"ping","PARAMS":{"name":"remove"}}',
    "CVE-2026-27896 params with a long s": '{"jsonrpc":"2.0","id":1,"method":"ping","paramſ":{}}'.encode(),
    "CVE-2026-27896 task with a Kelvin sign": call('{"name":"run","tas\u212a":{}}'),
    "CVE-2026-27896 a full-width name": call('{"name":"run","ｎame":"remove"}'),
    "CVE-2026-27896 arguments in two cases": run('{"amount":1,"Amount":2}'),
    "jacobian-1102 NaN": run('{"n":NaN}'),
    "jacobian-1102 Infinity": run('{"n":Infinity}'),
    "jacobian-1102 minus Infinity": run('{"n":-Infinity}'),
    "jacobian-1102 1e400": run('{"n":1e400}'),
    "huge-numbers 5000 digits": run('{"n":%s}' % ("9" * 5000)),
    "cmcp-34 65 levels": run(f'{{"a":{"[" * 62}{"]" * 62}}}'),
    "cmcp-34 100000 brackets": b"[" * 100_000,
    "cmcp-34 100000 values": run(f'{{"a":[{",".join("0" * 100_000)}]}}'),
    "charset-guessing a byte order mark": b"\xef\xbb\xbf" + _RUN,
    "charset-guessing UTF-16": _RUN.decode().encode("utf-16"),
    "charset-guessing UTF-16 without a mark": _RUN.decode().encode("utf-16-le"),
    "charset-guessing UTF-32": _RUN.decode().encode("utf-32-be"),
    "charset-guessing Latin-1": run('{"a":"é"}').decode().encode("latin-1"),
    "charset-guessing an overlong slash": run('{"a":"X"}').replace(b"X", b"\xc0\xaf"),
    "charset-guessing a lone surrogate": run(r'{"a":"\ud800"}'),
    "charset-guessing surrogates in the wrong order": run(r'{"a":"\udc00\ud800"}'),
    "charset-guessing a surrogate as bytes": run('{"a":"X"}').replace(b"X", b"\xed\xa0\x80"),
    "deploy-gate-59 a batch of one": b"[%b]" % _RUN,
    "ToolHive-5745 a batch with a harmless first": b'[{"jsonrpc":"2.0","id":0,"method":"ping"},%b]' % _RUN,
    "OpenShell-PR-1865 an empty batch": b"[]",
    "notification-call no id": call('{"name":"run"}', '"jsonrpc":"2.0"'),
    "notification-call null as id": call('{"name":"run"}', '"jsonrpc":"2.0","id":null'),
    "OpenShell-PR-1865 a call with a result": _RUN[:-1] + b',"result":{}}',
    "OpenShell-PR-1865 a call with an error": _RUN[:-1] + b',"error":{"code":1,"message":"x"}}',
    "OpenShell-PR-1865 a result with an error": b'{"jsonrpc":"2.0","id":1,"result":{},"error":{}}',
    "OpenShell-PR-1865 neither": b'{"jsonrpc":"2.0","id":1}',
    "id-tricks a fraction": call('{"name":"run"}', '"jsonrpc":"2.0","id":1.5'),
    "id-tricks a whole fraction": call('{"name":"run"}', '"jsonrpc":"2.0","id":1.0'),
    "id-tricks true": call('{"name":"run"}', '"jsonrpc":"2.0","id":true'),
    "id-tricks an object": call('{"name":"run"}', '"jsonrpc":"2.0","id":{"a":1}'),
    "id-tricks beyond doubles": call('{"name":"run"}', '"jsonrpc":"2.0","id":9007199254740993'),
    "id-tricks a long string": call('{"name":"run"}', '"jsonrpc":"2.0","id":"%s"' % ("x" * 10_000)),
    "Intercept-a params that are an array": call('["run",{}]'),
    "Intercept-a params that are a string": call('"run"'),
    "Intercept-a a name that is a number": call('{"name":1}'),
    "Intercept-a a name that is a list": call('{"name":["run"]}'),
    "Intercept-a no name": call('{"arguments":{}}'),
    "Intercept-a null for arguments": run("null"),
    "Intercept-a an array for arguments": run('["x"]'),
    "Intercept-a a string for arguments": run('"{}"'),
    "Intercept-b no JSON": b"tools/call run",
    "Intercept-b a cut message": _RUN[:-1],
    "Intercept-b two values": _RUN + _RUN,
    "Intercept-b a trailing comma": run('{"a":1,}'),
    "Intercept-b a comment": b"/* */" + _RUN,
    "Intercept-b single quotes": _RUN.replace(b'"', b"'"),
    "Intercept-b nothing": b"",
    "Intercept-b null": b"null",
    "JSON-RPC another version": _RUN.replace(b'"2.0"', b'"1.0"'),
    "JSON-RPC the version as a number": _RUN.replace(b'"2.0"', b"2.0"),
}

NEUTRAL: dict[str, bytes] = {
    "huge-numbers beyond 2**53": run('{"n":12345678901234567890123}'),
    "huge-numbers more digits than a double": run('{"n":100.00000000000000001}'),
    "huge-numbers minus zero and exponents": run('{"a":-0,"b":-0.0,"c":1E+2,"d":1e-400,"e":1.0}'),
    "cmcp-34 a string of 512 KiB": run('{"a":"%s"}' % ("x" * 524_288)),
    "cmcp-34 64 levels": run(f'{{"a":{"[" * 61}{"]" * 61}}}'),
    "Intercept-c escapes and white space": b' { "jsonrpc" : "2.0" , "id" : "\\u0031",\r\n\t"method":"tools\\/call" ,'
    + b'"params":{"arguments":{"a":"\\u00e9\\/"},"name":"r\\u0075n"}}\n',
    "Intercept-c fields that nobody knows": call(
        '{"name":"run","arguments":{},"x":[1.0],"_meta":{"a":1e2}}', '"extra":1,"jsonrpc":"2.0","id":1'
    ),
    "prototype-pollution": run('{"__proto__":{"admin":true},"constructor":{"prototype":{}}}'),
    "method-override in the body": call('{"name":"run","_method":"DELETE"}'),
    "no arguments at all": call('{"name":"run"}'),
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED.keys())
async def test_a_body_that_readers_understand_differently_is_refused(target: Target, body: bytes) -> None:
    target.aim(ALLOW_ALL)
    answer = await target.post(body)
    assert answer.status == 400
    assert "error" in answer.json
    assert [(decision.outcome, decision.rule) for decision in target.decisions] == [("deny", "(malformed)")]
    assert target.received == []


@pytest.mark.parametrize("body", NEUTRAL.values(), ids=NEUTRAL.keys())
async def test_a_body_with_one_meaning_passes_as_the_bytes_that_were_judged(target: Target, body: bytes) -> None:
    target.aim(ALLOW_ALL)
    assert (await target.post(body)).status == 200
    assert [one.body for one in target.received] == [body]
    assert [(decision.outcome, decision.tool) for decision in target.decisions] == [("allow", "run")]


NAMES = {
    "CVE-2026-125271 another case": "Remove",
    "CVE-2026-125271 capitals": "REMOVE",
    "CVE-2026-125271 a space behind": "remove ",
    "CVE-2026-125271 a space before": " remove",
    "CVE-2026-125271 a NUL": "remove\0",
    "CVE-2026-125271 a newline": "remove\n",
    "CVE-2026-125271 percent": "%72emove",
    "CVE-2026-125271 a slash": "remove/",
    "CVE-2026-125271 another path": "run/../remove",
    "CVE-2026-125271 another server's prefix": "server-1__remove",
    "python-sdk-PR-3141 full width": "ｒemove",
    "python-sdk-PR-3141 a Cyrillic letter": "rem\u043eve",
    "python-sdk-PR-3141 a zero-width space": "rem\u200bove",
    "python-sdk-PR-3141 a soft hyphen": "rem\u00adove",
    "python-sdk-PR-3141 right to left": "\u202eevomer",
    "python-sdk-PR-3141 combining": "remov\u0065\u0301",
    "pattern characters": "*",
    "SAFE-T1602 a tool that nobody has": "nothing",
}
POLICIES = {
    "(default deny)": {"version": "1", "default": "deny", "tools": {"run": {}}},
    "(unknown)": {"version": "1", "default": "allow", "tools": {"remove": {"action": "deny"}}},
}


@pytest.mark.parametrize("rule", POLICIES)
@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
async def test_a_name_that_is_almost_a_tools_name_is_no_tools_name(target: Target, name: str, rule: str) -> None:
    target.aim(POLICIES[rule], [RUN, REMOVE])
    answer = await target.post(json.dumps(message(name)).encode())
    assert answer.text == f"Unknown tool: {name}"
    assert target.rules == [rule]
    assert target.received == []


SIDE_DOORS = {
    "ToolHive-3168": ("sampling/createMessage", {"messages": []}),
    "ToolHive-3168 elicitation": ("elicitation/create", {"message": "password?"}),
    "ToolHive-3168 roots": ("roots/list", {}),
    "ToolHive-3168 a method of tomorrow": ("tools/execute", {"name": "remove", "arguments": {}}),
    "ToolHive-PR-3406 another case": ("Tools/Call", {"name": "remove"}),
    "ToolHive-PR-3406 a space": ("tools/call ", {"name": "remove"}),
    "ToolHive-PR-3406 a NUL": ("tools/call\0", {"name": "remove"}),
    "side-door resources": ("resources/read", {"uri": "file:///etc/passwd"}),
    "side-door templates": ("resources/templates/list", {}),
    "side-door prompts": ("prompts/get", {"name": "x"}),
    "side-door completion": ("completion/complete", {"ref": {}, "argument": {}}),
    "side-door subscriptions": ("subscriptions/listen", {"notifications": {"resourceSubscriptions": ["file:///"]}}),
    "side-door a resource": ("resources/subscribe", {"uri": "file:///etc/passwd"}),
    "side-door a task of somebody": ("tasks/get", {"taskId": "1"}),
    "side-door a result of somebody": ("tasks/result", {"taskId": "1"}),
    "side-door an update": ("tasks/update", {"taskId": "1", "inputResponses": {}}),
}


@pytest.mark.parametrize(("method", "params"), SIDE_DOORS.values(), ids=SIDE_DOORS.keys())
async def test_a_method_that_nobody_allowed_goes_nowhere(target: Target, method: str, params: object) -> None:
    target.aim(POLICIES["(default deny)"], [RUN, REMOVE])
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    answer = await target.post(json.dumps(body).encode())
    assert answer.json["error"]["data"]["source"] == "toolgate"
    rule = "(task)" if method.startswith("tasks/") else "(method)"
    assert [(decision.rule, decision.method) for decision in target.decisions] == [(rule, method)]
    assert target.received == []
