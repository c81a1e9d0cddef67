"""Asking a server which tools it has, as a client of either era would."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from toolgate.errors import ToolgateError
from toolgate.protocol.revisions import CLIENT_CAPABILITIES_KEY, CLIENT_INFO_KEY, VERSION_KEY
from toolgate.protocol.sse import SseParser
from toolgate.upstream.interface import Answer, Header, Upstream
from toolgate.wire.client import UpstreamError

MODERN: Final = "2026-07-28"
HANDSHAKE: Final = "2025-11-25"
USER_AGENT: Final = b"toolgate-discovery"
"""How a server's log tells these requests from those of clients."""
_MAX_PAGES: Final = 100
_ANSWER_LIMIT: Final = 16 * 1024 * 1024
TIMEOUT: Final = 15.0
"""Seconds for each answer, also where it is a stream that goes on."""
_CLIENT: Final = {"name": "toolgate", "version": "0"}
_META: Final = {
    VERSION_KEY: MODERN,
    CLIENT_INFO_KEY: _CLIENT,
    CLIENT_CAPABILITIES_KEY: {},
}


class DiscoveryFailed(ToolgateError):
    """The server did not say which tools it has; `cause` holds what it said instead."""


@dataclass(slots=True)
class Discovery:
    """What a server says of itself."""

    protocol_revision: str
    tools: list[dict[str, Any]] = field(default_factory=list)


async def ask(upstream: Upstream, place: str, timeout: float = TIMEOUT) -> Discovery:
    """The tools of a server: revision 2026-07-28 first, then the handshake; `place` names it in errors.

    The session that the handshake opens is ended again. Every page is read, at most 100, each within `timeout` seconds.
    Raises ToolgateError.
    """
    asking = _Asking(upstream, place, timeout)
    try:
        return await asking.stateless() or await asking.with_handshake()
    except UpstreamError as error:
        raise DiscoveryFailed(place, str(error), "check that the server runs, and how it is registered") from None


class _Asking:
    """One conversation with one server."""

    def __init__(self, upstream: Upstream, place: str, timeout: float) -> None:
        self._upstream = upstream
        self._place = place
        self._timeout = timeout
        self._headers: list[Header] = []
        self._id = 0

    async def stateless(self) -> Discovery | None:
        """The tools of a server of revision 2026-07-28; None when it speaks another era."""
        self._headers = [(b"mcp-protocol-version", MODERN.encode()), (b"mcp-method", b"tools/list")]
        first = await self._request("tools/list", {"_meta": _META})
        if first is None:
            return None
        found = Discovery(MODERN)
        async with aclosing(self._pages(first, {"_meta": _META})) as pages:
            async for tools in pages:
                found.tools += tools
        return found

    async def with_handshake(self) -> Discovery:
        """The tools of a server of the handshake era."""
        self._headers = []
        params = {"protocolVersion": HANDSHAKE, "capabilities": {}, "clientInfo": _CLIENT}
        hello = await self._request("initialize", params)
        if hello is None:
            raise DiscoveryFailed(self._place, "answers neither `tools/list` nor `initialize`", "is it an MCP server?")
        found = Discovery(str(hello.get("protocolVersion", HANDSHAKE)))
        self._headers.append((b"mcp-protocol-version", found.protocol_revision.encode("ascii", "replace")))
        await self._notify("notifications/initialized")
        first = await self._request("tools/list", {})
        if first is None:
            raise DiscoveryFailed(self._place, "does not answer `tools/list`")
        async with aclosing(self._pages(first, {})) as pages:
            async for tools in pages:
                found.tools += tools
        await self._end_session()
        return found

    async def _pages(self, page: dict[str, Any], params: dict[str, Any]) -> AsyncGenerator[list[dict[str, Any]]]:
        for _ in range(_MAX_PAGES):
            yield [tool for tool in page.get("tools", ()) if isinstance(tool, dict)]
            cursor = page.get("nextCursor")
            if not isinstance(cursor, str):
                return
            following = await self._request("tools/list", {**params, "cursor": cursor})
            if following is None:
                raise DiscoveryFailed(self._place, "refused a page of `tools/list` that it had announced")
            page = following
        raise DiscoveryFailed(self._place, f"lists more than {_MAX_PAGES} pages of tools")

    async def _request(self, method: str, params: dict[str, Any]) -> dict[str, Any] | None:
        """The result; None when the server refused the request in whatever way."""
        self._id += 1
        message = {"jsonrpc": "2.0", "id": self._id, "method": method, "params": params}
        response = await self._post(message)
        try:
            if response.status != 200:
                return None
            if session := response.headers.get(b"mcp-session-id"):
                self._headers.append((b"mcp-session-id", session))
            async with asyncio.timeout(self._timeout):
                answer = await self._answer(response)
        except TimeoutError:
            raise DiscoveryFailed(self._place, f"does not answer `{method}` within {self._timeout:g} s") from None
        finally:
            response.close()
        result = answer.get("result")
        return result if isinstance(result, dict) else None

    async def _notify(self, method: str) -> None:
        (await self._post({"jsonrpc": "2.0", "method": method})).close()

    async def _end_session(self) -> None:
        if any(name == b"mcp-session-id" for name, _ in self._headers):
            headers = [(b"user-agent", USER_AGENT), *self._headers]
            (await self._upstream.send("DELETE", headers, b"", self._timeout)).close()

    async def _post(self, message: dict[str, Any]) -> Answer:
        headers = [
            (b"content-type", b"application/json"),
            (b"accept", b"application/json, text/event-stream"),
            (b"user-agent", USER_AGENT),
            *self._headers,
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
        raise DiscoveryFailed(self._place, "ended its stream without an answer")

    def _decode(self, raw: bytes) -> dict[str, Any]:
        try:
            return msgspec.json.decode(raw, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise DiscoveryFailed(self._place, f"answers what is no JSON-RPC message: {error}") from None
