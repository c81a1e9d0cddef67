"""A server that keeps exactly what reaches it, byte for byte, and reads it as carelessly as some do.

No library stands between the wire and what is noted, so nothing can tidy up a request on the way.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from pathlib import Path
from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from toolgate.attacks.stubs.stub import Arguments, Definition, Stub, tool

_REVISION = "2025-11-25"


class Server(Stub):
    """Notes `request` (verb and path), `header` (`name: value`), `body`, and `executed` with each call it carries out.

    `crashed` is noted where its reader ran out of stack. The last of repeated keys counts; with `folded`, keys are read
    without regard to case. `sessions`: it gives out the session ids 1, 2, 3 and asks nobody whose they are.
    """

    def __init__(self, folder: Path, *, folded: bool = False, sessions: bool = False) -> None:
        super().__init__(folder)
        self._folded = folded
        self._sessions = sessions
        self._given = 0

    def definitions(self) -> list[Definition]:
        """One that reads and one that pays."""
        number = {"type": "number", "description": "Amount."}
        return [
            tool("read", "Read an entry.", {"name": "Name of the entry."}, annotations={"readOnlyHint": True}),
            tool("pay", "Pay an amount.", {"amount": number}, optional={"to": "Payee."}),
        ]

    async def do_read(self, arguments: Arguments) -> str:
        """An answer, whatever was asked for."""
        return f"entry {arguments.get('name')}"

    async def do_pay(self, arguments: Arguments) -> str:
        """An answer; the effect is what was noted."""
        return f"paid {arguments.get('amount')}"

    def application(self) -> ASGIApp:
        """Raw ASGI."""
        return self._serve

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _whole(receive)
        self.note("request", f"{scope['method']} {scope['path']}")
        for name, value in scope["headers"]:
            self.note("header", f"{name.decode('latin-1')}: {value.decode('latin-1')}")
        self.note("body", body.decode("utf-8", "replace"))
        await (await self._response(body))(scope, receive, send)

    async def _response(self, body: bytes) -> Response:
        try:
            message = json.loads(body)
        except ValueError:
            return Response(status_code=HTTPStatus.BAD_REQUEST)
        except RecursionError:
            self.note("crashed", f"{len(body)} bytes")
            return Response(status_code=HTTPStatus.INTERNAL_SERVER_ERROR)
        if isinstance(message, list):
            return JSONResponse([answer for one in message if (answer := await self._reply(one)) is not None])
        answer = await self._reply(message)
        if answer is None:
            return Response(status_code=HTTPStatus.ACCEPTED)
        return JSONResponse(answer, headers=self._new_session(answer))

    def _new_session(self, answer: dict[str, Any]) -> dict[str, str]:
        if not self._sessions or "protocolVersion" not in answer.get("result", {}):
            return {}
        self._given += 1
        return {"mcp-session-id": str(self._given)}

    async def _reply(self, message: Any) -> dict[str, Any] | None:
        """The answer to one message; None for a notification, whose call is carried out all the same."""
        read = _folded(message) if self._folded else message
        result = await self._result(str(read.get("method", "")), read.get("params") or {})
        return {"jsonrpc": "2.0", "id": read["id"], "result": result} if read.get("id") is not None else None

    async def _result(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        if method == "initialize":
            server = {"name": "recorder", "version": "0"}
            return {"protocolVersion": _REVISION, "capabilities": {"tools": {}}, "serverInfo": server}
        if method == "tools/list":
            return {"tools": self.definitions()}
        if method != "tools/call":
            return {}
        arguments = params.get("arguments") or {}
        self.note("executed", f"{params.get('name')} {json.dumps(arguments)}")
        text = await self.answer(str(params.get("name")), arguments)
        return {"content": [{"type": "text", "text": text}], "isError": False}


async def _whole(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        event = await receive()
        body += event.get("body", b"")
        more = event.get("more_body", False)
    return body


def _folded(value: Any) -> Any:
    """The same with every key in lower case, as decoders that ignore case see it; the last of equal ones counts."""
    if isinstance(value, dict):
        return {key.lower(): _folded(inner) for key, inner in value.items()}
    return [_folded(inner) for inner in value] if isinstance(value, list) else value
