"""Stands before the gateway for a client that cannot send a token: adds it to each request, and nothing else.

Every other byte passes in both directions as it comes, so that what the client sees is the gateway's own.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from typing import Self

GONE = (ConnectionError, asyncio.IncompleteReadError)
_CHUNK = 65_536


class Forwarder:
    """Listens on a free loopback port. `tokens` says which token a request to a path gets."""

    def __init__(self) -> None:
        self.tokens: dict[str, str] = {}
        self.port = 0
        self._to = 0
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()
        self._ends: set[asyncio.StreamWriter] = set()

    async def start(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def lead_to(self, port: int) -> None:
        """Where requests go from now on."""
        self._to = port

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for end in self._ends:
            end.transport.abort()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, *(end.wait_closed() for end in self._ends), return_exceptions=True)
        await self._server.wait_closed()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._ends.add(writer)
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Until one side ends its connection; then the other side's ends too."""
        ends = [writer]
        ways: list[asyncio.Task[None]] = []
        try:
            from_gateway, to_gateway = await asyncio.open_connection("127.0.0.1", self._to)
            ends.append(to_gateway)
            self._ends.add(to_gateway)
            for way in (self._requests(reader, to_gateway), _pass_on(from_gateway, writer)):
                ways.append(asyncio.get_running_loop().create_task(way))
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for running in ways:
                running.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            for end in ends:
                await _closed(end)
                self._ends.discard(end)

    async def _requests(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request after the other, each with its token."""
        with suppress(*GONE):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                line, rest = head.split(b"\r\n", 1)
                token = self.tokens[line.split(b" ")[1].decode()]
                writer.write(b"%b\r\nAuthorization: Bearer %b\r\n%b" % (line, token.encode(), rest))
                length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
                assert b"transfer-encoding" not in head.lower(), "the suite sends whole bodies"
                writer.write(await reader.readexactly(int(length.group(1)) if length else 0))
                await writer.drain()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(*GONE):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()


async def _closed(writer: asyncio.StreamWriter) -> None:
    """Closed, with everything written that was given."""
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()
