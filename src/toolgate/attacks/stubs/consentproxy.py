"""A server that signs people in at somebody else's authorization server, with one client id for all of its clients.

It asks a person for consent once and keeps a cookie; the cookie does not say for which client.
"""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from toolgate.attacks.stubs.stub import Arguments, Definition, Stub, tool

_COOKIE = "consented"


class Server(Stub):
    """Notes `asked` each time that it shows the page for consent, and `handed` with where it sends a code."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._clients: dict[str, str] = {}

    def definitions(self) -> list[Definition]:
        """One that works for whoever signed in."""
        return [tool("read_mail", "Read the newest mail.", annotations={"readOnlyHint": True})]

    async def do_read_mail(self, _arguments: Arguments) -> str:
        """The mail."""
        return "nothing new"

    def application(self) -> ASGIApp:
        """The MCP endpoint with an authorization server beside it."""
        protocol = super().application()
        assert isinstance(protocol, Starlette)
        protocol.router.routes += [
            Route("/register", self._register, methods=["POST"]),
            Route("/authorize", self._authorize),
            Route("/consent", self._consent, methods=["POST"]),
        ]
        return protocol

    async def _register(self, request: Request) -> Response:
        """Anybody may be a client, and says themselves where codes go."""
        asked = await request.json()
        client = f"client-{len(self._clients) + 1}"
        self._clients[client] = asked["redirect_uris"][0]
        return JSONResponse({"client_id": client}, status_code=HTTPStatus.CREATED)

    async def _authorize(self, request: Request) -> Response:
        if _COOKIE not in request.cookies:
            self.note("asked", request.query_params["client_id"])
            return PlainTextResponse("May this client act for you?")
        to = self._clients[request.query_params["client_id"]]
        self.note("handed", to)
        return RedirectResponse(f"{to}?{urlencode({'code': 'canary-code-81ad'})}", HTTPStatus.FOUND)

    async def _consent(self, _request: Request) -> Response:
        answer = PlainTextResponse("Thank you.")
        answer.set_cookie(_COOKIE, "yes")
        return answer
