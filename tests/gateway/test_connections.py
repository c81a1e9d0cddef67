"""OAuth connections in the gateway: which token a call goes out with, and what happens when a server refuses it."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import aiohttp
import pytest

from toolgate.keys import MasterKey
from toolgate.store import headers, oauth, servers
from toolgate.store.access_tokens import PURPOSE, Tokens
from toolgate.store.changes import announce
from toolgate.store.database import latest_change, writing
from toolgate.store.headers import HeaderInput
from toolgate.store.oauth import Client, Granted

from .running import ALLOW_ALL, Gateway, Grant, Received, Recorder, call, http, plain
from .test_streams import Stream

METADATA = json.dumps({"issuer": "https://auth.example", "token_endpoint": "https://auth.example/token"})
CLIENT = Client("https://auth.example", "https://mcp.example", "us", "manual", "a", METADATA)


def connect(gateway: Gateway, recorder: Recorder, server: str, access: str, grant_id: str = "", url: str = "") -> None:
    """Store a connection as the flow does, and wait until the gateway acts on it."""
    tokens = Tokens(access, "refresh", CLIENT.issuer, CLIENT.client_id)
    granted = Granted(tokens, url or recorder.url, "a", time.time() + 3600, time.time() + 3000)
    sealer = MasterKey.load(gateway.data).sealer(PURPOSE)
    with writing(gateway.engine, "test") as change:
        oauth.connect(change, server, grant_id, CLIENT, granted, sealer)
    gateway.settle()


def disconnect(gateway: Gateway, server: str, grant_id: str = "") -> None:
    with writing(gateway.engine, "test") as change:
        oauth.disconnect(change, server, grant_id)
    gateway.settle()


async def authorization(recorder: Recorder, grant: Grant) -> str | None:
    """What the next call goes out with."""
    before = len(recorder.calls)
    await grant.call("run")
    (received,) = recorder.calls[before:]
    values = [value for name, value in received.headers if name.lower() == "authorization"]
    assert len(values) <= 1
    return values[0] if values else None


async def test_calls_go_out_with_the_servers_token_and_a_renewed_one_from_the_next_on(
    gateway: Gateway, recorder: Recorder
) -> None:
    server = gateway.add_server(recorder.url)
    grant = gateway.grant(server, ALLOW_ALL)
    assert await authorization(recorder, grant) is None
    connect(gateway, recorder, server, "first")
    assert await authorization(recorder, grant) == "Bearer first"
    connect(gateway, recorder, server, "second")
    assert await authorization(recorder, grant) == "Bearer second"
    disconnect(gateway, server)
    assert await authorization(recorder, grant) is None


async def test_a_grant_with_a_connection_of_its_own_never_uses_the_servers(
    gateway: Gateway, recorder: Recorder
) -> None:
    server = gateway.add_server(recorder.url)
    own, other = gateway.grant(server, ALLOW_ALL), gateway.grant(server, ALLOW_ALL)
    connect(gateway, recorder, server, "servers")
    connect(gateway, recorder, server, "own", own.id)
    assert [await authorization(recorder, grant) for grant in (own, other)] == ["Bearer own", "Bearer servers"]
    connect(gateway, recorder, server, "sealed-for-elsewhere", own.id, url="https://elsewhere.example/mcp")
    answer = await own.call("run")
    assert "connect the server again" in answer.json["error"]["message"]
    assert await authorization(recorder, other) == "Bearer servers"


async def test_a_token_takes_the_place_of_a_static_authorization_and_of_no_other_header(
    gateway: Gateway, recorder: Recorder
) -> None:
    given = [HeaderInput("authorization", "Bearer static"), HeaderInput("x-team", "blue")]
    sealer = MasterKey.load(gateway.data).sealer(headers.PURPOSE)
    name = gateway.name("server")
    server = servers.add(gateway.engine, "test", name, recorder.url, credentials=given, sealer=sealer).id
    grant = gateway.grant(server, ALLOW_ALL)
    assert await authorization(recorder, grant) == "Bearer static"
    connect(gateway, recorder, server, "token")
    assert await authorization(recorder, grant) == "Bearer token"
    assert recorder.calls[-1].header("x-team") == "blue"


async def test_a_renewed_token_ends_no_stream_and_no_connection(gateway: Gateway, recorder: Recorder) -> None:
    stream = Stream()
    recorder.reply = stream
    server = gateway.add_server(recorder.url)
    grant = gateway.grant(server, ALLOW_ALL)
    connect(gateway, recorder, server, "first")
    message = json.dumps(call("run"))
    async with (
        aiohttp.ClientSession() as client,
        client.post(grant.url, data=message, headers=grant.headers()) as response,
    ):
        await stream.opened.wait()
        connect(gateway, recorder, server, "second")
        recorder.reply = plain
        assert await authorization(recorder, grant) == "Bearer second"
        stream.send(b'data: {"jsonrpc":"2.0","method":"notifications/message","params":{}}\n\n')
        assert b"notifications/message" in await response.content.readline()
    assert recorder.calls[0].header("authorization") == "Bearer first"


@pytest.mark.parametrize(
    ("status", "challenge", "said"),
    [
        (401, 'Bearer error="invalid_token"', "refused the token of its connection"),
        (401, "", "refused the token of its connection"),
        (403, 'Bearer error="insufficient_scope", scope="files:write"', "the scope `files:write`"),
        (403, 'Bearer error="insufficient_scope", scope="\\""', "more than its connection may"),
        (403, "", "refused the request (HTTP status 403)"),
    ],
)
async def test_a_refused_token_is_an_error_of_the_call_and_stands_nowhere(
    gateway: Gateway, recorder: Recorder, status: int, challenge: str, said: str
) -> None:
    async def refuse(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(http(status, b"no", ("www-authenticate", challenge)))

    server = gateway.add_server(recorder.url)
    limited = (
        {**ALLOW_ALL, "all_tools": {"limits": [{"counter": "few", "window": "month", "max": 1}]}}
        if status == 401
        else ALLOW_ALL
    )
    grant = gateway.grant(server, limited)
    connect(gateway, recorder, server, "secret-token")
    recorder.reply = refuse
    answer = await grant.call("run")
    assert answer.status == 200
    assert answer.json["error"]["data"] == {"source": "toolgate", "status": status}
    assert said in answer.json["error"]["message"]
    assert "www-authenticate" not in answer.headers
    (outcome,) = await gateway.outcomes(*grant.decisions())
    assert (outcome.result, outcome.status) == ("error", status)
    recorder.reply = plain
    assert not (await grant.call("run")).denied  # what surely did not run is not counted
    written = b"".join(path.read_bytes() for path in gateway.data.rglob("*") if path.is_file())
    assert b"secret-token" not in written


async def test_a_scope_that_is_missing_is_kept_for_the_administrator(gateway: Gateway, recorder: Recorder) -> None:
    async def refuse(request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(http(403, b"", ("www-authenticate", 'Bearer error="insufficient_scope", scope="files:write"')))

    server = gateway.add_server(recorder.url)
    grant = gateway.grant(server, ALLOW_ALL)
    connect(gateway, recorder, server, "token", grant.id)
    recorder.reply = refuse
    for _ in range(3):
        await grant.call("run")
    async with asyncio.timeout(20):
        while not (found := oauth.connections(gateway.engine, server))[0].wanted_scope:
            await asyncio.sleep(0.05)
    assert (found[0].grant_id, found[0].wanted_scope, found[0].status) == (grant.id, "files:write", "connected")


async def test_a_moved_server_gets_no_token(gateway: Gateway, recorder: Recorder) -> None:
    server = gateway.add_server(recorder.url)
    grant = gateway.grant(server, ALLOW_ALL)
    connect(gateway, recorder, server, "token")
    registration: Any = servers.Registration(url=f"{recorder.url}/moved")
    with writing(gateway.engine, "test") as change:
        servers.amend(change, server, registration, None)
    assert announce(gateway.data, latest_change(gateway.engine), timeout=10.0).complete
    before = len(recorder.received)
    assert "another address" in (await grant.call("run")).json["error"]["message"]
    assert len(recorder.received) == before
