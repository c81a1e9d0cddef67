"""A debugging proxy for MCP servers as developers run it: it starts any command that is sent to it, for anyone."""

from __future__ import annotations

import json

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from toolgate.attacks.stubs import shellbox


class Server(shellbox.Server):
    """Notes what a shell does, and runs `command` of a request to `/run` beside the MCP endpoint."""

    def application(self) -> ASGIApp:
        """The MCP endpoint with the debugging one."""
        protocol = super().application()
        assert isinstance(protocol, Starlette)
        protocol.router.routes.append(Route("/run", self._debug, methods=["POST"]))
        return protocol

    async def _debug(self, request: Request) -> Response:
        """Any content type will do, so that a page of a stranger can send it without asking the browser first."""
        command = json.loads(await request.body())["command"]
        return PlainTextResponse(await self.do_run_command({"command": command}))
