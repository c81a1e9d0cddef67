"""The server behind the gateway in an hour of mixed traffic: both eras, streams, questions, and restarts."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections import Counter
from typing import Any, Self

from aiohttp import web

Json = Any
TOOLS = ("echo", "stream", "endless", "ask", "toggled", "limited", "charge", "held", "forbidden", "secret")
EVENTS = 5
_STREAM = {"content-type": "text/event-stream"}


class Upstream:
    """Answers on one port for as long as the test likes. `restart` cuts off whoever is being served."""

    def __init__(self) -> None:
        self.ran: Counter[int] = Counter()
        self.spent: dict[int, int] = {}
        self.down = False
        self.restarts = 0
        self.serving = 0
        self._sessions: set[str] = set()
        self._port = 0
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/mcp"

    async def start(self) -> Self:
        app = web.Application(client_max_size=4 * 1024 * 1024)
        app.router.add_route("*", "/mcp", self._serve)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True).start()
        self._port = self._runner.addresses[0][1]
        return self

    async def stop(self) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def restart(self) -> None:
        self.restarts += 1
        await self.stop()
        await self.start()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        self.serving += 1
        try:
            return await self._answer(request)
        finally:
            self.serving -= 1

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        session = request.headers.get("mcp-session-id")
        if session is not None and session not in self._sessions:
            return web.Response(status=404)
        if request.method == "GET":
            return await self._listen(request)
        if request.method == "DELETE":
            self._sessions.discard(session or "")
            return web.Response(status=200)
        message = await request.json()
        if "id" not in message or "method" not in message:
            return web.Response(status=202)
        if message["method"] == "initialize":
            return self._welcome(message)
        if message["method"] == "tools/call" and message["params"]["name"] in {"stream", "endless"}:
            return await self._stream(request, message)
        return web.json_response({"jsonrpc": "2.0", "id": message["id"], "result": self._result(message)})

    def _welcome(self, message: Json) -> web.Response:
        session = uuid.uuid4().hex
        self._sessions.add(session)
        result = {
            "protocolVersion": "2025-11-25",
            "capabilities": {"tools": {"listChanged": True}},
            "serverInfo": {"name": "mixed", "version": "1"},
        }
        body = {"jsonrpc": "2.0", "id": message["id"], "result": result}
        return web.json_response(body, headers={"mcp-session-id": session})

    def _result(self, message: Json) -> Json:
        if message["method"] == "tools/list":
            schema = {"type": "object"}
            return {"tools": [{"name": name, "inputSchema": schema} for name in TOOLS], "resultType": "complete"}
        tool, arguments = message["params"]["name"], message["params"].get("arguments", {})
        if tool == "ask" and "inputResponses" not in message["params"]:
            form = {"message": "Sure?", "requestedSchema": {"type": "object", "properties": {}}}
            asked = {"sure": {"method": "elicitation/create", "params": form}}
            return {"resultType": "input_required", "inputRequests": asked, "requestState": f"of {message['id']}"}
        self.ran[message["id"]] += 1
        if tool == "charge":
            self.spent[message["id"]] = arguments["amount"]
        text = message["params"].get("requestState", arguments.get("text", "done"))
        return {"content": [{"type": "text", "text": text}], "isError": False, "resultType": "complete"}

    async def _stream(self, request: web.Request, message: Json) -> web.StreamResponse:
        self.ran[message["id"]] += 1
        response = await _opened(request)
        for number in range(EVENTS):
            await _send(
                response, {"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progress": number}}
            )
        if message["params"]["name"] == "endless":
            await asyncio.Event().wait()
        result = {"content": [{"type": "text", "text": "streamed"}], "resultType": "complete"}
        await _send(response, {"jsonrpc": "2.0", "id": message["id"], "result": result})
        return response

    async def _listen(self, request: web.Request) -> web.StreamResponse:
        response = await _opened(request)
        await _send(response, {"jsonrpc": "2.0", "method": "notifications/message", "params": {"data": "hello"}})
        await asyncio.Event().wait()
        return response


async def _opened(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers=_STREAM)
    await response.prepare(request)
    return response


async def _send(response: web.StreamResponse, message: Json) -> None:
    await response.write(b"data: " + json.dumps(message).encode() + b"\n\n")
