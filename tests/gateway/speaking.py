"""One keep-alive connection to a gateway, for many requests in little time, or for bytes that no client would send."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from .running import Answer, Grant


class Speaker:
    """Says raw bytes and reads one whole answer at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def say(self, request: bytes) -> Answer:
        """Send the bytes of one request; its answer."""
        self._writer.write(request)
        async with asyncio.timeout(60):
            return await self._answer()

    async def post(self, grant: Grant, body: bytes, *fields: str) -> Answer:
        """A request with the grant's token; `fields` are further lines of the head."""
        return await self.say(request_of(grant, body, *fields))

    async def _answer(self) -> Answer:
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        lines = [line.partition(":") for line in head.split("\r\n")[1:] if line]
        headers = {name.lower(): value.strip() for name, _, value in lines}
        return Answer(int(head[9:12]), headers, await self._body(headers))

    async def _body(self, headers: dict[str, str]) -> bytes:
        if "transfer-encoding" not in headers:
            return await self._reader.readexactly(int(headers.get("content-length", "0")))
        parts = []
        while size := int(await self._reader.readuntil(b"\r\n"), 16):
            parts.append((await self._reader.readexactly(size + 2))[:-2])
        await self._reader.readexactly(2)
        return b"".join(parts)


def request_of(grant: Grant, body: bytes, *fields: str) -> bytes:
    """The bytes of a POST; a field in `fields` takes the place of the usual one with its name."""
    given = {re.split(":", field, maxsplit=1)[0].lower() for field in fields}
    usual = {"host": f"127.0.0.1:{grant.gateway.port}", **grant.headers(), "content-length": str(len(body))}
    lines = [f"{name}: {value}" for name, value in usual.items() if name not in given]
    head = [f"POST /mcp/{grant.server}/ HTTP/1.1", *lines, *fields]
    return "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + body


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Speaker]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=32 * 1024 * 1024)
    try:
        yield Speaker(reader, writer)
    finally:
        writer.transport.abort()
