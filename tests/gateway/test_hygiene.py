"""What is refused before anybody asks what a request means."""

from __future__ import annotations

import asyncio
import http.client
import json
from typing import Any

import pytest

from toolgate.audit.records import Refused

from .running import ALLOW_ALL, Gateway, Grant, Recorder, call, plain


def send(grant: Grant, verb: str = "POST", path: str | None = None, body: bytes | None = None, **headers: str) -> Any:
    """One request over a plain connection: (status, headers, body). A header given as "" is left out."""
    connection = http.client.HTTPConnection("127.0.0.1", grant.gateway.port, timeout=20)
    fields = {**grant.headers(), **{name.replace("_", "-"): value for name, value in headers.items()}}
    content = json.dumps(call("run")).encode() if body is None and verb == "POST" else body
    try:
        connection.request(
            verb,
            path if path is not None else f"/mcp/{grant.server}/",
            content,
            {name: value for name, value in fields.items() if value},
        )
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read()
    finally:
        connection.close()


@pytest.fixture
def grant(gateway: Gateway, recorder: Recorder) -> Grant:
    return gateway.grant(gateway.add_server(recorder.url), ALLOW_ALL)


@pytest.mark.parametrize("verb", ["PUT", "PATCH", "HEAD", "TRACE", "PROPFIND"])
async def test_other_verbs_are_not_allowed(grant: Grant, verb: str) -> None:
    status, headers, _ = await in_thread(grant, verb, x_http_method_override="POST")
    assert status == 405
    assert headers["allow"] == "POST, GET, DELETE, OPTIONS"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "attacker.test"}, 403),
        ({"origin": "https://attacker.test"}, 403),
        ({"origin": "null"}, 403),
        ({"content_type": "text/plain"}, 415),
        ({"content_type": "application/json; charset=utf-16"}, 415),
        ({"content_type": "application/json; charset=utf-7"}, 415),
        ({"content_encoding": "gzip"}, 415),
        ({"authorization": ""}, 401),
        ({"authorization": "Bearer tg_wrong"}, 401),
        ({"authorization": "Basic dGc6dGc="}, 401),
    ],
)
async def test_a_request_of_the_wrong_form_never_reaches_the_server(
    grant: Grant, recorder: Recorder, headers: dict[str, str], status: int
) -> None:
    answered, fields, _ = await in_thread(grant, **headers)
    assert answered == status
    if status == 401:
        assert fields["www-authenticate"] == "Bearer"
    assert recorder.received == []


async def test_json_with_its_charset_is_accepted(grant: Grant) -> None:
    status, _, _ = await in_thread(grant, content_type="Application/JSON; charset=UTF-8")
    assert status == 200


async def test_the_path_works_with_and_without_the_slash(grant: Grant) -> None:
    assert (await in_thread(grant, path=f"/mcp/{grant.server}"))[0] == 200
    assert (await in_thread(grant, path=f"/mcp/{grant.server}/"))[0] == 200


@pytest.mark.parametrize("path", ["/", "/mcp", "/mcp/", "/mcp/x/", "/mcp//", "/.well-known/oauth-protected-resource"])
async def test_there_is_nothing_at_other_paths(grant: Grant, path: str) -> None:
    assert (await in_thread(grant, path=path))[0] == 404


async def test_a_token_in_the_url_is_refused(grant: Grant) -> None:
    status, _, body = await in_thread(grant, path=f"/mcp/{grant.server}/?access_token={grant.token}")
    assert status == 400
    assert b"Authorization" in body


async def test_a_grant_of_another_server_and_an_unknown_server_look_alike(gateway: Gateway, grant: Grant) -> None:
    other = gateway.add_server("http://127.0.0.1:9/mcp")
    unknown = "00000000-0000-4000-8000-00000000dead"
    answers = [await in_thread(grant, path=f"/mcp/{server}/") for server in (other, unknown)]
    assert {status for status, _, _ in answers} == {404}
    assert answers[0][2] == answers[1][2]


async def test_a_body_beyond_the_limit_is_too_large(grant: Grant, recorder: Recorder) -> None:
    status, _, _ = await in_thread(grant, body=b'{"a":"' + b"x" * 1024 * 1024 + b'"}')
    assert status == 413
    assert recorder.received == []


async def test_a_preflight_of_an_allowed_origin_is_answered(grant: Grant, gateway: Gateway) -> None:
    origin = f"http://localhost:{gateway.port}"
    status, headers, _ = await in_thread(grant, "OPTIONS", origin=origin, authorization="")
    assert status == 204
    assert headers["access-control-allow-origin"] == origin
    assert (await in_thread(grant, "OPTIONS", origin="https://attacker.test"))[0] == 403


async def test_many_failures_of_one_network_are_slowed_and_a_valid_token_is_not(tmp_path: Any) -> None:
    upstream = await Recorder(plain).start()
    gateway = Gateway(tmp_path / "data").start()
    try:
        grant = gateway.grant(gateway.add_server(upstream.url), ALLOW_ALL)
        statuses = [(await in_thread(grant, authorization="Bearer tg_x"))[0] for _ in range(25)]
        assert statuses[0] == 401
        assert statuses[-1] == 429
        assert (await in_thread(grant))[0] == 200
    finally:
        gateway.close()
        await upstream.stop()
    refused = [entry for entry in gateway.journal() if isinstance(entry, Refused)]
    assert sum(entry.count for entry in refused) == 25
    assert len(refused) == 1


async def in_thread(grant: Grant, verb: str = "POST", **options: Any) -> Any:
    """The upstream lives in this loop, so the blocking client must not hold it."""
    return await asyncio.to_thread(send, grant, verb, **options)
