"""A server that keeps exactly what reaches it, byte for byte, and reads it as carelessly as some do.

No library stands between the wire and what is noted, so nothing can tidy up a request on the way.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from toolgate.attacks.stubs.stub import Arguments, Definition, Stub, tool

_REVISION = "2025-11-25"


class Server(Stub):
    """Notes `request` (verb and path), `header` (`name: value`), `body`, and `executed` with each call it carries out.

    `crashed` is noted where its reader ran out of stack. The last of repeated keys counts.
    """

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
        body = await Request(scope, receive).body()
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
        answer = await self._reply(message)
        return Response(status_code=HTTPStatus.ACCEPTED) if answer is None else JSONResponse(answer)

    async def _reply(self, message: dict[str, Any]) -> dict[str, Any] | None:
        """The answer to one message; None for a notification, whose call is carried out all the same."""
        result = await self._result(str(message.get("method", "")), message.get("params") or {})
        return {"jsonrpc": "2.0", "id": message["id"], "result": result} if message.get("id") is not None else None

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
