"""Published ways around gateways that begin in HTTP: framing, media types, headers, verbs, paths, event streams."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from .running import ALLOW_ALL, Gateway, Received, Recorder, call, events, http, modern
from .speaking import connected, request_of
from .target import Target, attacked

pytestmark = pytest.mark.asyncio(loop_scope="module")

RUN = {"name": "run", "inputSchema": {"type": "object", "properties": {"region": {"type": "string"}}}}
REMOVE = {"name": "remove", "inputSchema": {"type": "object"}}
BODY = json.dumps(call("run")).encode()
RUN_ONLY = {"version": "1", "default": "deny", "tools": {"run": {}}}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def target(gateway: Gateway) -> AsyncIterator[Target]:
    async with attacked(gateway) as aimed:
        yield aimed


CHUNKED = "transfer-encoding: chunked"
REFUSED: dict[str, tuple[int, tuple[str, ...]]] = {
    "smuggling RFC-9112-6 length and chunks": (400, (CHUNKED, f"Content-Length: {len(BODY)}")),
    "smuggling RFC-9112-6 two lengths": (400, (f"content-length: {len(BODY)}", "Content-Length: 0")),
    "smuggling RFC-9112-6 a folded line": (400, ("x-a: b\r\n c",)),
    "smuggling RFC-9112-6 a coding that nobody knows": (400, ("transfer-encoding: xchunked",)),
    "content-type text": (415, ("content-type: text/plain",)),
    "content-type a form": (415, ("content-type: application/x-www-form-urlencoded",)),
    "content-type UTF-7": (415, ("content-type: application/json; charset=utf-7",)),
    "content-type UTF-16": (415, ("content-type: application/json;charset=utf-16le",)),
    "content-type two": (415, ("content-type: application/json", "Content-Type: text/plain")),
    "content-type a relative": (415, ("content-type: application/json-patch+json",)),
    "pipelock-PR-436 gzip": (415, ("content-encoding: gzip",)),
    "pipelock-PR-436 br": (415, ("content-encoding: br",)),
    "pipelock-PR-436 deflate twice": (415, ("content-encoding: deflate, deflate",)),
    "CVE-2025-64443 a rebound name": (403, ("host: attacker.test",)),
    "CVE-2025-64443 a page elsewhere": (403, ("origin: https://attacker.test",)),
    "CVE-2025-66414 a page without origin": (403, ("origin: null",)),
    "CVE-2026-34742 a name like ours": (403, ("host: 127.0.0.1.attacker.test",)),
    "CVE-2026-61568 two hosts": (400, ("host: 127.0.0.1", "Host: attacker.test")),
    "CVE-2026-12773 no token": (401, ("authorization: ",)),
    "CVE-2026-12773 a wrong token": (401, ("authorization: Bearer tg_0000",)),
    "CVE-2026-12773 another scheme": (401, ("authorization: Basic YWRtaW46YWRtaW4=",)),
    "CVE-2026-78573 the usual passwords": (401, ("authorization: Bearer admin",)),
    "CVE-2026-52869 a session of one's own choice": (404, ("mcp-session-id: chosen-by-me",)),
    "CVE-2026-52869 a session that only looks like ours": (404, ("mcp-session-id: tg1.AAAAAAAA",)),
}


@pytest.mark.parametrize(("status", "fields"), REFUSED.values(), ids=REFUSED.keys())
async def test_a_request_of_this_form_goes_nowhere(target: Target, status: int, fields: tuple[str, ...]) -> None:
    target.aim(ALLOW_ALL, [RUN])
    assert (await target.post(BODY, *fields)).status == status
    assert target.received == []


async def test_two_authorizations_are_none_cve_2026_12773(target: Target) -> None:
    grant = target.aim(ALLOW_ALL, [RUN])
    both = (f"Authorization: Bearer {grant.token}", "Authorization: Bearer tg_other")
    for fields in (both, both[::-1], (both[0], both[0])):
        assert (await target.post(BODY, *fields)).status == 401
    assert target.received == []


PATHS = {
    "MemWal-491 the token in the URL": ("/?access_token={token}", 400),
    "byterover-330 the session in the URL": ("/?sessionId=1", 400),
    "path-prefix a longer id": ("x/", 404),
    "path-prefix below": ("/tools/call", 404),
    "path-prefix up and down": ("/../{server}/", 404),
    "path-prefix an encoded slash": ("%2f", 404),
    "path-prefix two slashes": ("//", 404),
    "CVE-2026-14537 the endpoint of old": ("/sse", 404),
    "CVE-2026-14537 messages": ("/messages", 404),
}


@pytest.mark.parametrize(("tail", "status"), PATHS.values(), ids=PATHS.keys())
async def test_nothing_but_the_endpoint_itself_answers(target: Target, tail: str, status: int) -> None:
    grant = target.aim(ALLOW_ALL, [RUN])
    end = tail.format(token=grant.token, server=grant.server).encode()
    request = request_of(grant, BODY).replace(f"{grant.server}/".encode(), grant.server.encode() + end, 1)
    async with connected(grant.gateway.port) as speaker:
        assert (await speaker.say(request)).status == status
    assert target.received == []


OTHER_PATHS = (
    "/sse",
    "/messages",
    "/message",
    "/api/tools/call",
    "/MCP/{server}/",
    "//mcp/{server}/",
    "/mcp/.{server}/",
)


@pytest.mark.parametrize("path", OTHER_PATHS)
async def test_no_other_route_leads_to_a_tool_cve_2026_14537(target: Target, path: str) -> None:
    grant = target.aim(ALLOW_ALL, [RUN])
    request = request_of(grant, BODY).replace(
        f"/mcp/{grant.server}/".encode(), path.format(server=grant.server).encode(), 1
    )
    async with connected(grant.gateway.port) as speaker:
        assert (await speaker.say(request)).status == 404
    assert target.received == []


IGNORED = {
    "method-override": "X-HTTP-Method-Override: DELETE",
    "CVE-2026-110279 the server's credential": "X-Upstream-Authorization: Bearer mine",
    "CVE-2026-110279 a key": "X-Api-Key: mine",
    "CVE-2026-110279 a cookie": "Cookie: session=mine",
    "CVE-2026-110279 a proxy's credential": "Proxy-Authorization: Basic mine",
    "GHSA-g53w-w6mj-hrpp a router key": "X-Mcp-Router-Key: secret",
    "GHSA-g53w-w6mj-hrpp another authority": "X-Forwarded-Host: attacker.test",
    "GHSA-g53w-w6mj-hrpp another path": "X-Original-URL: /mcp/other/",
    "GHSA-g53w-w6mj-hrpp an identity": "X-Forwarded-User: admin",
    "pipelock-PR-436 an encoding for the answer": "Accept-Encoding: gzip",
    "Intercept-h any header": "X-Anything: 1",
    "header-mismatch a name in an older revision": "Mcp-Name: remove",
    "header-mismatch a method in an older revision": "Mcp-Method: tools/list",
    "header-mismatch an argument in an older revision": "Mcp-Param-Region: eu",
}


@pytest.mark.parametrize("field", IGNORED.values(), ids=IGNORED.keys())
async def test_a_header_that_means_nothing_here_stays_here(target: Target, field: str) -> None:
    target.aim(RUN_ONLY, [RUN])
    assert (await target.post(BODY, field)).status == 200
    (received,) = target.received
    assert received.body == BODY
    name, _, value = field.partition(": ")
    assert received.header(name.lower()) != value
    assert [(decision.outcome, decision.tool) for decision in target.decisions] == [("allow", "run")]


REGION = {
    **RUN,
    "inputSchema": {"type": "object", "properties": {"region": {"type": "string", "x-mcp-header": "Region"}}},
}
VERSION = "mcp-protocol-version: 2026-07-28"
METHOD, NAME, PARAM = "mcp-method: tools/call", "mcp-name: run", "mcp-param-region: eu"
MISMATCHED = {
    "another name": (VERSION, METHOD, "mcp-name: remove", PARAM),
    "another name in base64": (VERSION, METHOD, "mcp-name: =?base64?cmVtb3Zl?=", PARAM),
    "no name": (VERSION, METHOD, PARAM),
    "two names": (VERSION, METHOD, NAME, "Mcp-Name: remove", PARAM),
    "the name twice": (VERSION, METHOD, NAME, "Mcp-Name: run", PARAM),
    "another case": (VERSION, METHOD, "mcp-name: Run", PARAM),
    "another method": (VERSION, "mcp-method: tools/list", NAME, PARAM),
    "no method": (VERSION, NAME, PARAM),
    "another argument": (VERSION, METHOD, NAME, "mcp-param-region: us"),
    "no argument": (VERSION, METHOD, NAME),
    "an older version": ("mcp-protocol-version: 2025-11-25", METHOD, NAME, PARAM),
    "no version": (METHOD, NAME, PARAM),
    "two versions": (VERSION, "MCP-Protocol-Version: 2025-11-25", METHOD, NAME, PARAM),
}


@pytest.mark.parametrize("fields", MISMATCHED.values(), ids=MISMATCHED.keys())
async def test_headers_and_body_must_say_the_same_server_validation(target: Target, fields: tuple[str, ...]) -> None:
    target.aim(ALLOW_ALL, [REGION, REMOVE])
    message, _ = modern("tools/call", {"name": "run", "arguments": {"region": "eu"}})
    answer = await target.post(json.dumps(message).encode(), *fields)
    assert (answer.status, answer.json["error"]["code"]) == (400, -32020)
    assert target.rules == ["(malformed)"]
    assert target.received == []


async def test_headers_that_say_what_the_body_says_pass(target: Target) -> None:
    target.aim(ALLOW_ALL, [REGION, REMOVE])
    message, _ = modern("tools/call", {"name": "run", "arguments": {"region": "eu"}})
    body = json.dumps(message).encode()
    assert (await target.post(body, VERSION, METHOD, "mcp-name: =?base64?cnVu?=", PARAM)).status == 200
    assert [one.body for one in target.received] == [body]


@pytest.mark.parametrize("verb", ["GET", "DELETE"])
async def test_no_verb_goes_without_a_token(target: Target, verb: str) -> None:
    grant = target.aim(ALLOW_ALL, [RUN])
    request = request_of(grant, b"", "authorization: Bearer x").replace(b"POST", verb.encode(), 1)
    async with connected(grant.gateway.port) as speaker:
        assert (await speaker.say(request)).status == 401
    assert target.received == []


async def test_a_call_without_a_session_gets_nobodys_byterover_330(target: Target) -> None:
    """No fallback to the only session there is."""
    target.aim(ALLOW_ALL, [RUN])
    await target.post(BODY)
    assert target.received[0].header("mcp-session-id") is None


LISTED = {"jsonrpc": "2.0", "id": 1, "result": {"tools": [RUN, REMOVE]}}
DATA = json.dumps(LISTED, indent=1)
LINES = DATA.split("\n")
STREAMS = {
    "LF": f"data: {json.dumps(LISTED)}\n\n",
    "CR": f"data: {json.dumps(LISTED)}\r\r",
    "CRLF": f"data: {json.dumps(LISTED)}\r\n\r\n",
    "a byte order mark": f"\ufeffdata: {json.dumps(LISTED)}\n\n",
    "no space": f"data:{json.dumps(LISTED)}\n\n",
    "a line each": "".join(f"data: {line}\n" for line in LINES) + "\n",
    "a line each, CR": "".join(f"data: {line}\r" for line in LINES) + "\r",
    "other fields between": "".join(f"data: {line}\n: x\nid: 1\nfoo: bar\n" for line in LINES) + "\n",
    "another event type": f"event: other\ndata: {json.dumps(LISTED)}\n\n",
    "a comment before": f": hello\n\n: data: x\ndata: {json.dumps(LISTED)}\n\n",
    "retry and id": f"retry: 1\nid: 5\ndata: {json.dumps(LISTED)}\n\n",
    "another id": f"data: {json.dumps({**LISTED, 'id': 99})}\n\n",
    "no id at all": f"data: {json.dumps({key: LISTED[key] for key in ('jsonrpc', 'result')})}\n\n",
}


@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS.keys())
async def test_a_list_is_filtered_however_its_stream_is_written_iron_proxy_pr_107(
    gateway: Gateway, stream: str
) -> None:
    data = stream.encode()

    async def reply(request: Received, writer: asyncio.StreamWriter) -> None:
        head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        writer.write(head + b"".join(b"1\r\n%c\r\n" % byte for byte in data) + b"0\r\n\r\n")

    answer = await _answered(gateway, reply)
    assert b"remove" not in answer
    assert b"run" in answer


ODD_LISTS: dict[str, Any] = {
    "a batch": [LISTED],
    "a batch in front of the answer": [{"jsonrpc": "2.0", "method": "notifications/x"}, LISTED],
    "beside an error": {**LISTED, "error": {"code": 1, "message": "x"}},
    "an object of tools": {**LISTED, "result": {"tools": {"0": REMOVE}}},
    "a tool without a name": {**LISTED, "result": {"tools": [{"title": "remove"}]}},
    "a request at once": {**LISTED, "method": "notifications/tools/list_changed"},
}


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("said", ODD_LISTS.values(), ids=ODD_LISTS.keys())
async def test_a_list_in_an_unexpected_place_shows_nothing_intercept_d(
    gateway: Gateway, said: Any, streamed: bool
) -> None:
    async def reply(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(events(said) if streamed else http(200, json.dumps(said).encode()))

    assert b"remove" not in await _answered(gateway, reply)


async def _answered(gateway: Gateway, reply: Any) -> bytes:
    """What a client with one allowed tool reads of this upstream's list; a cut connection says nothing more."""
    upstream = await Recorder(reply).start()
    try:
        grant = gateway.grant(gateway.add_server(upstream.url, [RUN, REMOVE]), RUN_ONLY)
        async with connected(gateway.port) as speaker:
            listing = b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}'
            return (await speaker.post(grant, listing)).body
    except asyncio.IncompleteReadError as error:
        return bytes(error.partial)
    finally:
        await upstream.stop()
