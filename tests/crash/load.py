"""Callers that never tire, and the upstream that notes what reached it."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any, Self, cast

from tests.gateway.running import Grant, call
from tests.gateway.speaking import connected

CALLERS = 32
GONE = (ConnectionError, asyncio.IncompleteReadError, OSError)


@dataclass
class Upstream:
    """Runs each call once, after a moment, but refuses every seventh as a server does that does not know the tool."""

    random: Random
    ran: list[int] = field(default_factory=list)
    refused: set[int] = field(default_factory=set)
    amounts: dict[int, int] = field(default_factory=dict)
    url: str = ""
    _server: asyncio.Server | None = None

    async def start(self) -> Self:
        self._server = await asyncio.get_running_loop().create_server(lambda: _Connection(self), "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/mcp"
        return self

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    def take(self, body: bytes) -> bytes:
        """Note the message; its answer."""
        message = json.loads(body)
        if message["method"] != "tools/call":
            return _answer(message["id"], {"error": {"code": -32601, "message": "no such method"}})
        if message["id"] % 7 == 0:
            self.refused.add(message["id"])
            return _answer(message["id"], {"error": {"code": -32602, "message": "unknown tool"}})
        self.ran.append(message["id"])
        self.amounts[message["id"]] = message["params"]["arguments"]["amount"]
        return _answer(message["id"], {"result": {"content": [], "isError": False}})


class _Connection(asyncio.Protocol):
    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._held = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._held += data
        head, complete, body = self._held.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
        if complete and len(body) >= length:
            self._held = b""
            answer = self._upstream.take(body)
            asyncio.get_running_loop().call_later(self._upstream.random.random() * 0.02, self._answer, answer)

    def _answer(self, answer: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(answer)


def _answer(id_: int, said: Any) -> bytes:
    body = json.dumps({"jsonrpc": "2.0", "id": id_, **said}).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


@dataclass
class Tally:
    """What callers were told."""

    ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    answered: int = 0
    denied: int = 0
    full: list[dict[str, str]] = field(default_factory=list)
    """The limit that refused a call, as the client was told."""


async def caller(grant: Grant, tally: Tally, until: asyncio.Event, *, amounts: tuple[int, ...]) -> None:
    """Call one after the other until `until`, or until the gateway is gone."""
    with suppress(*GONE):
        async with connected(grant.gateway.port) as speaker:
            while not until.is_set():
                number = next(tally.ids)
                body = json.dumps(call("run", {"amount": amounts[number % len(amounts)]}, number)).encode()
                answer = await speaker.post(grant, body)
                assert answer.status == 200, answer
                tally.answered += 1
                if answer.json.get("result", {}).get("isError"):
                    tally.denied += 1
                    tally.full.append(answer.json["result"]["_meta"]["io.toolgate/denial"]["limit"])


async def drain(grants: list[Grant], tally: Tally) -> None:
    """Spend what is left: many callers until one is refused, then one alone, when nobody else may yet give back."""
    await _until_refused([grant for grant in grants for _ in range(CALLERS // len(grants))], tally)
    await _until_refused(grants[:1], tally)


async def _until_refused(grants: list[Grant], tally: Tally) -> None:
    refused, stop = tally.denied, asyncio.Event()
    calling = [asyncio.ensure_future(caller(grant, tally, stop, amounts=(1,))) for grant in grants]
    async with asyncio.timeout(60):
        while tally.denied == refused:
            await asyncio.wait(calling, timeout=0.001)
    stop.set()
    await asyncio.gather(*calling)
