"""Real clients that sign in at a real authorization server for a server behind the gateway, and know its URL alone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from mcp import ClientSession, MCPError
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken
from pydantic import AnyUrl
from tests.control.oidc.running import NODE, PATIENCE, Provider
from tests.gateway.running import ALLOW_ALL, Gateway, Grant, Received, Recorder, http, plain

from toolgate.store import grants

pytestmark = pytest.mark.slow

SCOPE = "tools:use"
CALLBACK = "http://127.0.0.1:9/callback"


@dataclass
class Memory:
    """What the client keeps."""

    tokens: OAuthToken | None = None
    client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


@dataclass
class Person:
    """Somebody with a browser, and the client that sends them to sign in."""

    provider: Provider
    login: str
    memory: Memory = field(default_factory=Memory)
    signed_in: int = 0
    _back: str = ""

    async def sent(self, url: str) -> None:
        self.signed_in += 1
        self._back = await self.provider.sign_in(url, self.login, stop_at=CALLBACK)

    async def came_back(self) -> AuthorizationCodeResult:
        said = parse_qs(urlsplit(self._back).query)
        return AuthorizationCodeResult(
            code=said["code"][0], state=said.get("state", [None])[0], iss=said.get("iss", [None])[0]
        )

    @asynccontextmanager
    async def connected(self, url: str) -> AsyncIterator[ClientSession]:
        """The official client; all it is told is the URL."""
        metadata = OAuthClientMetadata(
            client_name="notes reader",
            redirect_uris=[AnyUrl(CALLBACK)],
            application_type="native",
            grant_types=["authorization_code", "refresh_token"],
            token_endpoint_auth_method="none",
        )
        auth = OAuthClientProvider(url, metadata, self.memory, self.sent, self.came_back)
        async with (
            httpx2.AsyncClient(auth=auth, timeout=30) as web,
            streamable_http_client(url, http_client=web) as (read, write),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            yield session


async def notes(request: Received, writer: asyncio.StreamWriter) -> None:
    """The server behind the gateway: one tool, no sessions."""
    message = request.json if request.body else {}
    if message.get("method") != "initialize":
        await plain(request, writer)
        return
    said = {
        "protocolVersion": "2025-11-25",
        "capabilities": {"tools": {}},
        "serverInfo": {"name": "notes", "version": "1"},
    }
    writer.write(http(200, json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": said}).encode()))


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    async with Provider.running(scopes=SCOPE) as running:
        yield running


@pytest.fixture
def gateway(tmp_path: Path, provider: Provider) -> Iterator[Gateway]:
    running = Gateway(tmp_path / "data", "--oauth-issuer", provider.issuer, "--oauth-scope", SCOPE).start()
    yield running
    running.close()


@pytest.fixture
def grant(gateway: Gateway, recorder: Recorder, provider: Provider) -> Grant:
    recorder.reply = notes
    claims = {"iss": provider.issuer, "sub": "ada", "scope": SCOPE}
    return gateway.grant(gateway.add_server(recorder.url), ALLOW_ALL, claims=claims)


async def test_the_official_client_signs_in_and_calls(grant: Grant, provider: Provider, recorder: Recorder) -> None:
    ada = Person(provider, "ada")
    async with ada.connected(grant.url) as session:
        result = await session.call_tool("run", {"name": "x"})
    assert result.is_error is False
    assert ada.signed_in == 1
    assert [decision.tool for decision in grant.decisions() if decision.tool] == ["run"]
    assert {request.header("authorization") for request in recorder.received} == {None}
    async with ada.connected(grant.url) as session:
        await session.call_tool("run", {"name": "y"})
    assert ada.signed_in == 1, "the token holds on"


async def test_somebody_without_a_grant_signs_in_and_gets_nothing(
    grant: Grant, provider: Provider, recorder: Recorder
) -> None:
    bob = Person(provider, "bob")
    with pytest.raises(BaseExceptionGroup) as caught:
        async with bob.connected(grant.url) as session:
            await session.call_tool("run", {"name": "x"})
    assert bob.signed_in == 1, "and is not sent to sign in again and again"
    assert caught.group_contains((MCPError, httpx2.HTTPStatusError))
    assert recorder.calls == []


async def test_a_revoked_grant_ends_the_client_s_access(grant: Grant, provider: Provider, recorder: Recorder) -> None:
    ada = Person(provider, "ada")
    async with ada.connected(grant.url) as session:
        await session.call_tool("run", {"name": "x"})
    grants.revoke(grant.gateway.engine, "test", grant.id)
    grant.gateway.settle()
    with pytest.raises(BaseExceptionGroup):
        async with ada.connected(grant.url) as session:
            await session.call_tool("run", {"name": "y"})
    assert len(recorder.calls) == 1


async def test_a_token_for_one_server_is_not_taken_for_another(
    gateway: Gateway, grant: Grant, provider: Provider, recorder: Recorder
) -> None:
    claims = {"iss": provider.issuer, "sub": "ada", "scope": SCOPE}
    other = gateway.grant(gateway.add_server(recorder.url), ALLOW_ALL, claims=claims)
    ada = Person(provider, "ada")
    async with ada.connected(grant.url) as session:
        await session.call_tool("run", {"name": "x"})
    assert ada.memory.tokens is not None
    stolen = Grant(gateway, other.id, ada.memory.tokens.access_token, other.server, other.policy)
    assert (await stolen.call("run")).status == 401


async def test_the_typescript_client_signs_in_and_calls(grant: Grant, provider: Provider, recorder: Recorder) -> None:
    process = await asyncio.create_subprocess_exec(
        *(str(NODE), str(Path(__file__).with_name("client.mjs")), grant.url),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=NODE.parents[1] / "ts2",
    )
    assert process.stdin is not None
    assert process.stdout is not None
    asked = json.loads(await asyncio.wait_for(process.stdout.readline(), PATIENCE))
    back = await provider.sign_in(asked["sign_in"], "ada", stop_at=CALLBACK)
    process.stdin.write(back.encode() + b"\n")
    said = json.loads(await asyncio.wait_for(process.stdout.readline(), PATIENCE))
    assert said.get("result", said)["content"] == [{"type": "text", "text": "done"}]
    assert await process.wait() == 0
    assert len(recorder.calls) == 1
