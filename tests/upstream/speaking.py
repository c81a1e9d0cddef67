"""Speaks streamable HTTP with a stdio upstream, as the gateway does."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil

from toolgate.protocol.sse import SseParser
from toolgate.upstream.interface import Answer
from toolgate.upstream.stdio import StdioUpstream
from toolgate.upstream.stdio_children import ChildLimits

PEER = Path(__file__).with_name("peer.py")
LIMITS = ChildLimits(grace=0.2, backoff=30.0)
VERSION = "io.modelcontextprotocol/protocolVersion"


def upstream(*ways: str, limits: ChildLimits = LIMITS, environment: dict[str, str] | None = None) -> StdioUpstream:
    return StdioUpstream("peer", [sys.executable, "-S", "-E", str(PEER), *ways], environment or {}, limits)


@asynccontextmanager
async def speaking(*ways: str, limits: ChildLimits = LIMITS) -> AsyncIterator[Speaking]:
    """An upstream that is closed at the end, with nothing left of it."""
    speaker = Speaking(upstream(*ways, limits=limits))
    try:
        async with asyncio.timeout(60):
            yield speaker
    finally:
        await speaker.upstream.close()
        assert len(speaker.upstream.children) == 0
        assert not [pid for pid in speaker.pids if alive(pid)]


class Speaking:
    """One client of a stdio upstream."""

    def __init__(self, upstream: StdioUpstream) -> None:
        self.upstream = upstream
        self.pids: set[int] = set()

    async def send(self, verb: str, session: str = "", body: bytes = b"", timeout: float = 30) -> Answer:
        headers = [(b"mcp-session-id", session.encode())] if session else []
        return await self.upstream.send(verb, headers, body, timeout)

    async def post(self, session: str, message: dict[str, Any], timeout: float = 30) -> Answer:
        return await self.send("POST", session, json.dumps({"jsonrpc": "2.0", **message}).encode(), timeout)

    async def ask(self, session: str, method: str, id_: Any = 1, **params: Any) -> Any:
        """The whole answer to a request."""
        answer = await self.post(session, {"id": id_, "method": method, "params": params})
        return (await messages(answer))[-1]

    async def modern(self, method: str, id_: Any = 1, **params: Any) -> Any:
        """The whole answer to a request of revision 2026-07-28."""
        meta = {VERSION: "2026-07-28", **params.pop("meta", {})}
        return await self.ask("", method, id_, **params, _meta=meta)

    async def session(self) -> str:
        """A new session."""
        answer = await self.post("", {"id": 0, "method": "initialize", "params": {"protocolVersion": "2025-11-25"}})
        assert answer.status == 200
        session = (answer.headers.get(b"mcp-session-id") or b"").decode()
        self.pids.add((await self.ask(session, "pid"))["result"]["pid"])
        return session

    async def seen(self, session: str) -> list[Any]:
        """What the session's server has been sent."""
        seen = (await self.ask(session, "seen", "seen"))["result"]["seen"]
        assert isinstance(seen, list)
        return seen

    async def hung_up(self, session: str, id_: Any, method: str = "hold") -> None:
        """Ask, and go away once the server has the request."""
        asking = asyncio.ensure_future(self.ask(session, method, id_))
        await until_async(lambda: self._has(session, id_))
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)

    async def _has(self, session: str, id_: Any) -> bool:
        return any(message.get("id") == id_ for message in await self.seen(session))


async def messages(answer: Answer) -> list[Any]:
    """Every message of an answer, read to its end."""
    body = await answer.read(64 * 1024 * 1024)
    if (answer.headers.get(b"content-type") or b"").startswith(b"text/event-stream"):
        return [json.loads(event.data) for event in SseParser(64 * 1024 * 1024).feed(body)]
    return [json.loads(body)]


async def event(answer: Answer) -> Any:
    """The next message of a stream, which comes alone."""
    (first,) = SseParser(1024 * 1024).feed(await answer.chunk())
    return json.loads(first.data)


def alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.005)


async def until_async(condition: Callable[[], Any]) -> None:
    while not await condition():
        await asyncio.sleep(0.005)
