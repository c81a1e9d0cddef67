"""What the tests of the wire say and hear byte by byte."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from toolgate.wire.server import Exchange

PATIENCE = 10.0  # only reached by a test that fails
QUICK = 0.02  # a tick short enough for tests of timeouts


async def echo(exchange: Exchange) -> None:
    """Answer with the method, the target and the body."""
    body = await exchange.body(1 << 24)
    line = f"{exchange.method} {exchange.path} {exchange.query}|".encode()
    exchange.respond(200, [(b"content-type", b"text/plain")], line + body)


async def until(condition: Callable[[], object]) -> None:
    """Let the loop turn until something holds that no event tells."""
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0)


async def said(port: int, *pieces: bytes, half_close: bool = False) -> bytes:
    """Send bytes, each piece in a segment of its own, and give everything that comes until the server hangs up."""
    async with asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)
            if half_close:
                writer.write_eof()
            return await _until_the_end(reader)
        finally:
            writer.transport.abort()


async def _until_the_end(reader: asyncio.StreamReader) -> bytes:
    data = bytearray()
    try:
        while part := await reader.read(65536):
            data += part
    except ConnectionResetError:
        data += b"<reset>"
    return bytes(data)


async def request_of(reader: asyncio.StreamReader) -> bytes:
    """Read one request with a declared length, or none: what a scripted server does first."""
    head = await reader.readuntil(b"\r\n\r\n")
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return head + await reader.readexactly(int(value))
    return head


def post(body: bytes = b"", *fields: bytes) -> bytes:
    """Give the bytes of a plain request."""
    lines = [b"POST /x HTTP/1.1", b"Host: a", b"Content-Length: %d" % len(body), *fields]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


LAST = b"GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
