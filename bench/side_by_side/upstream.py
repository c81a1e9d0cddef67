"""The MCP server behind every gateway: as raw as Python can make it, so that it is never what is measured.

    python -m bench.side_by_side.upstream PORT    over streamable HTTP
    python -m bench.side_by_side.upstream stdio   over stdio

Over HTTP it opens a session for each `initialize`, as servers made with the official SDKs do, and answers in JSON.
"""

from __future__ import annotations

import asyncio
import os
import sys
import uuid
from typing import cast

import httptools
import uvloop
from bench.side_by_side.place import OTHER_CORE
from bench.side_by_side.work import answer, read

OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n%bcontent-length: %d\r\n\r\n%b"
ACCEPTED = b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n"
ENDED = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
NO_STREAM = b"HTTP/1.1 405 Method Not Allowed\r\nallow: POST, DELETE\r\ncontent-length: 0\r\n\r\n"


class Served(asyncio.Protocol):
    """One connection of a client."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.parser = httptools.HttpRequestParser(self)
        self.body = b""

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_begin(self) -> None:
        self.body = b""

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        verb = self.parser.get_method()
        if verb == b"POST":
            self.transport.write(self._posted())
        else:
            self.transport.write(ENDED if verb == b"DELETE" else NO_STREAM)

    def _posted(self) -> bytes:
        message = read(self.body)
        said = answer(message)
        if not said:
            return ACCEPTED
        opens = b"mcp-session-id: %b\r\n" % uuid.uuid4().hex.encode() if message.method == "initialize" else b""
        return OK % (opens, len(said), said)


async def over_http(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Served, "localhost", port, backlog=1024)
    await server.serve_forever()


def over_stdio() -> None:
    os.sched_setaffinity(0, {OTHER_CORE})  # away from the gateway that started it
    for line in sys.stdin.buffer:
        if said := answer(read(line)):
            sys.stdout.buffer.write(said + b"\n")
            sys.stdout.buffer.flush()


if __name__ == "__main__":
    if sys.argv[1] == "stdio":
        over_stdio()
    else:
        uvloop.run(over_http(int(sys.argv[1])))
