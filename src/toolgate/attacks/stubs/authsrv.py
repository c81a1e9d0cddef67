"""An MCP server that wants a token, with a toy authorization server on a port of its own that gives one to everybody.

It verifies neither client, nor code, nor redirect URI: what goes wrong here must be caught by whoever asks it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from toolgate.attacks.internet import Answer, Asked, Site
from toolgate.attacks.stubs.stub import Arguments, Definition, Stub, tool


class Server(Stub):
    """Notes `asked` (paths at the authorization server), `issued` (tokens) and `presented` (credentials of calls).

    `authorization_endpoint` is what its metadata say instead of the truth. With `closed` the MCP endpoint answers 401
    to requests without a credential and names its authorization server; otherwise it answers everybody.
    """

    def __init__(self, folder: Path, authorization_endpoint: str = "", *, closed: bool = False) -> None:
        super().__init__(folder)
        self.issuer = ""
        """URL of the authorization server; known from `open` on."""
        self._endpoint = authorization_endpoint
        self._closed = closed
        self._site = Site(self._answer)

    def definitions(self) -> list[Definition]:
        """One that tells who is asking."""
        return [tool("whoami", "Tell whose token this is.", annotations={"readOnlyHint": True})]

    async def do_whoami(self, _arguments: Arguments) -> str:
        """The credential that came last, as a careless server would show it."""
        return self.noted["presented"][-1]

    async def open(self) -> None:
        """Start the authorization server."""
        await self._site.__aenter__()
        self.issuer = f"http://127.0.0.1:{self._site.port}"

    async def close(self) -> None:
        """End it."""
        await self._site.__aexit__()

    def application(self) -> ASGIApp:
        """The MCP endpoint behind a look at the credential."""
        protocol = super().application()
        assert isinstance(protocol, Starlette)
        protocol.add_middleware(_Look, stub=self)
        return protocol

    def challenge(self, headers: Headers) -> str:
        """What a request is answered that shows no credential; "" where it may go on."""
        credential = headers.get("authorization", "")
        self.note("presented", credential)
        if credential or not self._closed:
            return ""
        return f'Bearer resource_metadata="{self.issuer}/resource?of=http://{headers.get("host")}"'

    def _answer(self, asked: Asked) -> Answer:
        """One request to the authorization server."""
        place = urlsplit(asked.target)
        query = dict(parse_qsl(place.query))
        if place.path == "/resource":
            return _json({"resource": query["of"], "authorization_servers": [self.issuer]})
        self.note("asked", place.path)
        if place.path == "/.well-known/oauth-authorization-server":
            return _json(self._metadata())
        if place.path == "/register":
            return _json({"client_id": "client", "token_endpoint_auth_method": "none"}, HTTPStatus.CREATED)
        if place.path == "/authorize":
            return self._authorize(query)
        if place.path == "/token":
            return self._token()
        return Answer("", status=HTTPStatus.NOT_FOUND)

    def _metadata(self) -> dict[str, object]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": self._endpoint or f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "registration_endpoint": f"{self.issuer}/register",
            "code_challenge_methods_supported": ["S256"],
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code"],
        }

    def _authorize(self, query: Mapping[str, str]) -> Answer:
        """Nobody is asked for consent: straight back, with a code and the state as it came."""
        back = urlencode({"code": "code", "state": query.get("state", "")})
        return Answer("", f"{query['redirect_uri']}?{back}")

    def _token(self) -> Answer:
        token = f"canary-access-{len(self.noted.get('issued', [])) + 1}"
        self.note("issued", token)
        return _json({"access_token": token, "token_type": "Bearer"})


def _json(value: object, status: HTTPStatus = HTTPStatus.OK) -> Answer:
    return Answer(json.dumps(value), status=status, kind="application/json")


class _Look:
    """Stands before the MCP endpoint."""

    def __init__(self, app: ASGIApp, stub: Server) -> None:
        self._app = app
        self._stub = stub

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        challenge = self._stub.challenge(Headers(scope=scope)) if scope["type"] == "http" else ""
        refused = Response(status_code=HTTPStatus.UNAUTHORIZED, headers={"www-authenticate": challenge})
        await (refused if challenge else self._app)(scope, receive, send)
