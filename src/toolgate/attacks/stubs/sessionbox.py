"""A server that counts its sessions, and believes whoever names one: no library, because libraries draw lots."""

from __future__ import annotations

import json
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from toolgate.attacks.stubs.stub import Arguments, Definition, Stub, tool

_SESSION: Final = "mcp-session-id"


class Server(Stub):
    """Notes `opened`, `kept`, `recalled`, `streamed` and `ended` with the text of the session they happened in.

    Session ids count up from `first`. `beside` are servers behind the same careless gateway: a request goes to the
    one whose session it names, whatever path it came by.
    """

    def __init__(self, folder: Path, first: int = 1) -> None:
        super().__init__(folder)
        self._next = first
        self.sessions: dict[str, str] = {}
        """Ids and the text that is kept in each."""
        self.beside: list[Server] = []

    def definitions(self) -> list[Definition]:
        """A note of one's own for each session."""
        return [
            tool("keep_note", "Keep a text in this session.", {"text": "The text."}),
            tool("recall_note", "The text of this session.", annotations={"readOnlyHint": True}),
        ]

    def application(self) -> ASGIApp:
        """Raw ASGI."""
        return self._serve

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        await (await self._response(request))(scope, receive, send)

    async def _response(self, request: Request) -> Response:
        session = request.headers.get(_SESSION, "")
        message = json.loads(await request.body() or b"{}")
        if message.get("method") == "initialize":
            return self._begun(message)
        owner = next((one for one in (self, *self.beside) if session in one.sessions), None)
        if owner is None:
            return Response(status_code=HTTPStatus.NOT_FOUND)
        return await owner.within(session, request.method, message)

    def _begun(self, message: dict[str, Any]) -> Response:
        session = str(self._next)
        self._next += 1
        self.sessions[session] = ""
        self.note("opened", session)
        server = {"name": "sessionbox", "version": "0"}
        revision = message["params"]["protocolVersion"]
        result = {"protocolVersion": revision, "capabilities": {"tools": {}}, "serverInfo": server}
        return _answer(message, result, {_SESSION: session})

    async def within(self, session: str, verb: str, message: dict[str, Any]) -> Response:
        """One request in a session, from whoever names it."""
        if verb == "GET":
            return self._streamed(session)
        if verb == "DELETE":
            self.note("ended", self.sessions.pop(session))
            return Response(status_code=HTTPStatus.NO_CONTENT)
        if "id" not in message:
            return Response(status_code=HTTPStatus.ACCEPTED)
        if message["method"] == "tools/list":
            return _answer(message, {"tools": self.definitions()})
        asked = message["params"]
        text = await self.answer(asked["name"], {**asked.get("arguments", {}), "session": session})
        return _answer(message, {"content": [{"type": "text", "text": text}], "isError": False})

    async def do_keep_note(self, arguments: Arguments) -> str:
        """Kept for the session."""
        self.sessions[arguments["session"]] = arguments["text"]
        self.note("kept", arguments["text"])
        return "kept"

    async def do_recall_note(self, arguments: Arguments) -> str:
        """What the session keeps."""
        text = self.sessions[arguments["session"]]
        self.note("recalled", text)
        return text

    def _streamed(self, session: str) -> Response:
        """The stream of a session: what its owner would hear next, and its end."""
        self.note("streamed", self.sessions[session])
        said = {"level": "info", "data": self.sessions[session]}
        event = json.dumps({"jsonrpc": "2.0", "method": "notifications/message", "params": said})
        return Response(f"data: {event}\n\n", media_type="text/event-stream")


def _answer(message: dict[str, Any], result: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"jsonrpc": "2.0", "id": message["id"], "result": result}, headers=headers)
