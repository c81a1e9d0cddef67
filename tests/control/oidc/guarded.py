"""A real MCP server (official SDK, both eras) that takes only tokens of one authorization server, issued for itself."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import uvicorn
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from mcp.server import MCPServer
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from pydantic import AnyHttpUrl
from starlette.types import ASGIApp, Receive, Scope, Send

READ, WRITE = "tools:read", "tools:write"


class Guarded:
    """The running server. `tokens` are the claims of each token that was taken, in order, with the token itself."""

    def __init__(self, issuer: str, url: str) -> None:
        self.issuer = issuer
        self.url = url
        self.tokens: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.refused: set[str] = set()
        """Tokens (their `jti`) that are not taken any more."""
        self._keys: KeySet | None = None

    @classmethod
    @asynccontextmanager
    async def running(cls, issuer: str, path: str = "/mcp") -> AsyncIterator[Guarded]:
        listening = socket.create_server(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listening.getsockname()[1]}{path}"
        guarded = cls(issuer, url)
        app = Writing(guarded._server().streamable_http_app(streamable_http_path=path, json_response=True), guarded)
        config = uvicorn.Config(app, log_config=None, ws="none", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            yield guarded
        finally:
            server.should_exit = True
            await task
            listening.close()

    def last(self, login: str) -> dict[str, Any]:
        """The claims of the newest token of somebody."""
        return next(claims for claims in reversed(self.tokens) if claims["sub"] == login)

    def _server(self) -> MCPServer[None]:
        auth = AuthSettings(
            issuer_url=AnyHttpUrl(self.issuer),
            resource_server_url=AnyHttpUrl(self.url),
            required_scopes=[READ],
            validate_token_resource=True,
        )
        server: MCPServer[None] = MCPServer(
            "guarded", version="1.0.0", log_level="WARNING", auth=auth, token_verifier=self
        )

        @server.tool()
        def read() -> str:
            """Look at something."""
            return "what there is"

        @server.tool()
        def write() -> str:
            """Change something."""
            return "changed"

        return server

    async def verify_token(self, token: str) -> AccessToken | None:
        """What the SDK asks for each request."""
        if self._keys is None:
            async with aiohttp.ClientSession() as http, http.get(f"{self.issuer}/jwks") as answer:
                self._keys = KeySet.import_key_set(await answer.json())
        try:
            claims = jwt.decode(token, self._keys, algorithms=["RS256"]).claims
        except (JoseError, ValueError):
            return None
        if claims["iss"] != self.issuer or claims["exp"] < time.time() or claims["jti"] in self.refused:
            return None
        self.tokens.append({**claims, "token": token})
        return AccessToken(
            token=token,
            client_id=claims["client_id"],
            scopes=claims["scope"].split(),
            expires_at=claims["exp"],
            resource=claims["aud"],
            subject=claims["sub"],
        )


class Writing:
    """Refuses the tool `write` to a token without its scope, as the specification says: 403 with what it needs."""

    def __init__(self, app: ASGIApp, guarded: Guarded) -> None:
        self._app = app
        self._guarded = guarded

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self._guarded.headers.append(headers)
        message = await receive()
        body = json.loads(message["body"] or b"{}")
        claims = jwt_claims(headers.get("authorization", ""))
        if body.get("params", {}).get("name") == "write" and WRITE not in claims.get("scope", "").split():
            challenge = f'Bearer error="insufficient_scope", scope="{WRITE}", error_description="<b>more</b>"'
            fields = [(b"www-authenticate", challenge.encode()), (b"content-length", b"0")]
            await send({"type": "http.response.start", "status": 403, "headers": fields})
            await send({"type": "http.response.body", "body": b""})
            return
        messages = iter([message])

        async def again() -> Any:
            return next(messages, None) or await receive()

        await self._app(scope, again, send)


def jwt_claims(authorization: str) -> dict[str, Any]:
    """The claims of a bearer token, unverified."""
    parts = authorization.removeprefix("Bearer ").split(".")
    if len(parts) != 3:
        return {}
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(parts[1] + "=="))
    return claims
