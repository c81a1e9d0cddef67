"""A server that answers in odd ways: each request for its tools gets the next of several forms of the same list."""

from __future__ import annotations

import json
from pathlib import Path

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from toolgate.attacks.stubs.stub import Definition, Stub, tool

JSON = "application/json"
STREAM = "text/event-stream"


class Server(Stub):
    """Has a tool to show, `read`, and one to hide, `pay`. `said` are the forms in which it tells of them."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        listed = {"jsonrpc": "2.0", "id": 1, "result": {"tools": self.definitions()}}
        lines = json.dumps(listed, indent=1).split("\n")
        self.said = [
            (STREAM, f"data: {json.dumps(listed)}\n\n"),
            (STREAM, f"data: {json.dumps(listed)}\r\r"),
            (STREAM, "".join(f"data: {line}\nid: 1\n: between\n" for line in lines) + "\n"),
            (STREAM, f"event: other\ndata: {json.dumps(listed)}\n\n"),
            (STREAM, f"data: {json.dumps({**listed, 'id': 99})}\n\n"),
            (JSON, json.dumps({**listed, "id": 99})),
            (JSON, json.dumps([listed])),
            (JSON, json.dumps({**listed, "method": "notifications/tools/list_changed"})),
            (JSON, json.dumps({**listed, "error": {"code": 1, "message": "x"}})),
        ]

    def definitions(self) -> list[Definition]:
        """One to show and one to hide."""
        return [tool("read", "Read an entry."), tool("pay", "Pay an amount.")]

    def plain(self) -> tuple[str, str]:
        """The list as every server tells it."""
        return JSON, json.dumps({"jsonrpc": "2.0", "id": 1, "result": {"tools": self.definitions()}})

    def application(self) -> ASGIApp:
        """Raw ASGI: what is said must not be tidied up."""
        return self._serve

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind, body = self.saying
        await Response(body, media_type=kind)(scope, receive, send)

    saying: tuple[str, str] = (JSON, "{}")
    """What the next request is answered with."""
