"""A client of the handshake era reduced to its requests, so that it can name any session at any door."""

from __future__ import annotations

from typing import Any, Final

import httpx2

from toolgate.attacks.agent import loopback
from toolgate.attacks.door import Door
from toolgate.attacks.speech import message, tool_call

_REVISION: Final = "2025-11-25"
_ACCEPT: Final = "application/json, text/event-stream"
SESSION: Final = "mcp-session-id"


class Caller:
    """Somebody at one door: its URL, and the headers that prove who they are."""

    def __init__(self, door: Door) -> None:
        self._door = door

    async def begin(self) -> str:
        """Open a session; returns its id, "" where none was given."""
        client = {"name": "caller", "version": "0"}
        params = {"protocolVersion": _REVISION, "capabilities": {}, "clientInfo": client}
        answer = await self.send("POST", body=message("initialize", params))
        return str(answer.headers.get(SESSION, ""))

    async def call(self, session: str, tool: str, arguments: dict[str, Any]) -> int:
        """Call a tool in a session, whoever's it is; returns the status of the answer."""
        return (await self.send("POST", session, tool_call(tool, arguments))).status_code

    async def ask(self, verb: str, session: str) -> int:
        """GET reads the session's stream, DELETE ends it; returns the status."""
        return (await self.send(verb, session)).status_code

    async def send(self, verb: str, session: str = "", body: bytes = b"") -> httpx2.Response:
        """One request and its whole answer."""
        headers = {"accept": _ACCEPT, **self._door.headers}
        headers |= {SESSION: session, "mcp-protocol-version": _REVISION} if session else {}
        headers |= {"content-type": "application/json"} if body else {}
        async with loopback() as http:
            return await http.request(verb, self._door.url, headers=headers, content=body)
