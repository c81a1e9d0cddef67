"""A short conversation with an MCP server, as a client of either era would have it."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import msgspec

from toolgate.errors import ToolgateError
from toolgate.protocol.revisions import CLIENT_CAPABILITIES_KEY, CLIENT_INFO_KEY, VERSION_KEY
from toolgate.protocol.sse import SseParser
from toolgate.upstream.interface import Answer, Header, Upstream

MODERN: Final = "2026-07-28"
HANDSHAKE: Final = "2025-11-25"
_ANSWER_LIMIT: Final = 16 * 1024 * 1024
_CLIENT: Final = {"name": "toolgate", "version": "0"}
_META: Final = {
    VERSION_KEY: MODERN,
    CLIENT_INFO_KEY: _CLIENT,
    CLIENT_CAPABILITIES_KEY: {},
}


class ConversationFailed(ToolgateError):
    """The server did not say what it was asked; `cause` holds what it said instead."""


class Conversation:
    """Requests to one server, one after the other; `place` names it in errors, `agent` is our name in its log.

    Each answer may take `timeout` seconds. Methods raise ConversationFailed, and `wire.client.UpstreamError`.
    """

    def __init__(self, upstream: Upstream, place: str, agent: bytes, timeout: float) -> None:
        self.refused: Answer | None = None
        """The head of the last answer that was no 200."""
        self.greeting: dict[str, Any] | None = None
        """The result of `initialize`, once hands were shaken."""
        self._upstream = upstream
        self._place = place
        self._agent = agent
        self._timeout = timeout
        self._headers: list[Header] = []
        self._meta: dict[str, Any] = {}
        self._id = 0

    def stateless(self) -> None:
        """Go on in revision 2026-07-28, where every request stands for itself."""
        self._headers = [(b"mcp-protocol-version", MODERN.encode())]
        self._meta = {"_meta": _META}

    async def shake_hands(self) -> str:
        """Begin a session of the handshake era; returns the revision that the server chose."""
        self._headers, self._meta = [], {}
        params = {"protocolVersion": HANDSHAKE, "capabilities": {}, "clientInfo": _CLIENT}
        hello = await self.result("initialize", params)
        if hello is None:
            mend = "is it an MCP server?"
            raise ConversationFailed(self._place, "answers neither `tools/list` nor `initialize`", mend)
        self.greeting = hello
        revision = str(hello.get("protocolVersion", HANDSHAKE))
        self._headers.append((b"mcp-protocol-version", revision.encode("ascii", "replace")))
        (await self._post({"jsonrpc": "2.0", "method": "notifications/initialized"})).close()
        return revision

    async def end_session(self) -> None:
        """End the session that a handshake began, where the server gave it a name."""
        if any(name == b"mcp-session-id" for name, _ in self._headers):
            headers = [(b"user-agent", self._agent), *self._headers]
            (await self._upstream.send("DELETE", headers, b"", self._timeout)).close()

    async def result(self, method: str, params: dict[str, Any]) -> dict[str, Any] | None:
        """The result; None when the server refused the request in whatever way."""
        answer = await self.answer(method, params)
        result = None if answer is None else answer.get("result")
        return result if isinstance(result, dict) else None

    async def answer(self, method: str, params: dict[str, Any], name: str = "") -> dict[str, Any] | None:
        """The whole message that answers the request, a JSON-RPC error too; None for a status other than 200.

        `name` is the tool of a call, which the stateless era has in a header.
        """
        self._id += 1
        message = {"jsonrpc": "2.0", "id": self._id, "method": method, "params": {**params, **self._meta}}
        response = await self._post(message, self._routing(method, name))
        try:
            if response.status != 200:
                self.refused = response
                return None
            if method == "initialize" and (session := response.headers.get(b"mcp-session-id")):
                self._headers.append((b"mcp-session-id", session))
            async with asyncio.timeout(self._timeout):
                return await self._answer(response)
        except TimeoutError:
            raise ConversationFailed(self._place, f"does not answer `{method}` within {self._timeout:g} s") from None
        finally:
            response.close()

    def _routing(self, method: str, name: str) -> list[Header]:
        """What a request of the stateless era says in its head, too."""
        if not self._meta:
            return []
        return [(b"mcp-method", method.encode()), *([(b"mcp-name", name.encode())] if name else [])]

    async def _post(self, message: dict[str, Any], routing: list[Header] | None = None) -> Answer:
        headers = [
            (b"content-type", b"application/json"),
            (b"accept", b"application/json, text/event-stream"),
            (b"user-agent", self._agent),
            *self._headers,
            *(routing or []),
        ]
        return await self._upstream.send("POST", headers, msgspec.json.encode(message), self._timeout)

    async def _answer(self, response: Answer) -> dict[str, Any]:
        """The message that answers the request just sent."""
        if (response.headers.get(b"content-type") or b"").startswith(b"text/event-stream"):
            return await self._answer_in_stream(response)
        return self._decode(await response.read(_ANSWER_LIMIT))

    async def _answer_in_stream(self, response: Answer) -> dict[str, Any]:
        parser = SseParser(_ANSWER_LIMIT)
        while chunk := await response.chunk():
            for event in parser.feed(chunk):
                if event.data:
                    message = self._decode(event.data)
                    if message.get("id") == self._id and "method" not in message:
                        return message
        raise ConversationFailed(self._place, "ended its stream without an answer")

    def _decode(self, raw: bytes) -> dict[str, Any]:
        try:
            return msgspec.json.decode(raw, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ConversationFailed(self._place, f"answers what is no JSON-RPC message: {error}") from None
