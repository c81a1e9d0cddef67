"""A server that says whatever a test has it say, as a protected resource and as an authorization server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl

from toolgate.wire.server import Exchange, serve

RESOURCE = "/.well-known/oauth-protected-resource/mcp"
OAUTH = "/.well-known/oauth-authorization-server"
CHALLENGE = "www-authenticate"


class Stranger:
    """`says` holds what stands at a path: an object, bytes, or a status; `asked` the paths that were asked for."""

    def __init__(self) -> None:
        self.origin = ""
        self.says: dict[str, Any] = {}
        self.headers: dict[str, dict[str, str]] = {}
        self.asked: list[str] = []
        self.bodies: list[tuple[str, dict[str, str]]] = []
        self.gate: asyncio.Event | None = None
        self.slow: set[str] = set()
        """Paths whose answers begin and never end."""

    @classmethod
    @asynccontextmanager
    async def running(cls) -> AsyncIterator[Stranger]:
        stranger = cls()
        listener = await serve(stranger._answer, "127.0.0.1", 0)
        stranger.origin = f"http://127.0.0.1:{listener.port}"
        stranger.honest()
        try:
            yield stranger
        finally:
            await listener.close(0)

    @property
    def url(self) -> str:
        """Its MCP endpoint."""
        return f"{self.origin}/mcp"

    def honest(self) -> None:
        """What a well-behaved server and its authorization server would say."""
        self.says = {
            "/mcp": 401,
            RESOURCE: {"resource": self.url, "authorization_servers": [self.origin], "scopes_supported": ["a", "b"]},
            OAUTH: self.metadata(),
            "/register": {"client_id": "registered-here"},
            "/token": {"access_token": "opaque", "token_type": "Bearer", "expires_in": 100, "refresh_token": "again"},
        }

    def metadata(self, **changes: Any) -> dict[str, Any]:
        """The metadata of its authorization server, with changes; None takes away."""
        said = {
            "issuer": self.origin,
            "authorization_endpoint": f"{self.origin}/authorize",
            "token_endpoint": f"{self.origin}/token",
            "registration_endpoint": f"{self.origin}/register",
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none"],
            **changes,
        }
        return {key: value for key, value in said.items() if value is not None}

    async def _answer(self, exchange: Exchange) -> None:
        path = exchange.path
        self.asked.append(path)
        body = await exchange.body(1 << 20)
        self.bodies.append((path, dict(parse_qsl(body.decode("latin-1")))))
        if path in self.slow:
            exchange.start(200)
            while True:
                await exchange.write(b" ")
                await asyncio.sleep(0.02)
        if self.gate is not None and path == "/token":
            await self.gate.wait()
        said = self.says.get(path, 404)
        headers = tuple((key.encode(), value.encode("latin-1")) for key, value in self.headers.get(path, {}).items())
        if isinstance(said, int):
            exchange.respond(said, headers)
        elif isinstance(said, bytes):
            exchange.respond(200, headers, said)
        elif isinstance(said, tuple):
            exchange.respond(said[0], headers, json.dumps(said[1]).encode())
        else:
            status = 201 if path == "/register" else 200
            exchange.respond(status, (*headers, (b"content-type", b"application/json")), json.dumps(said).encode())
