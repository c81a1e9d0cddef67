"""One HTTP request exactly as it is given, because a client would tidy up what an attacker sends."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

import httptools

SECONDS: Final = 10.0


@dataclass(slots=True)
class Said:
    """The answer to a request. Also what httptools tells of it while it reads."""

    status: int = 0
    body: bytes = b""
    whole: bool = field(default=False, repr=False)

    def on_body(self, data: bytes) -> None:
        """One part of the body."""
        self.body += data

    def on_message_complete(self) -> None:
        """The end of it."""
        self.whole = True


def request(url: str, verb: str, fields: list[str], body: bytes, tail: str = "") -> bytes:
    """The bytes of a request. Each of `fields` (`Name: value`) takes the place of the usual one with its name."""
    place = urlsplit(url)
    given = {line.partition(":")[0].lower() for line in fields}
    usual = {
        "host": place.netloc,
        "content-type": "application/json",
        "accept": "application/json, text/event-stream",
        "content-length": str(len(body)),
    }
    lines = [f"{name}: {value}" for name, value in usual.items() if name not in given]
    head = "\r\n".join([f"{verb} {place.path}{tail} HTTP/1.1", *lines, *fields])
    return head.encode("latin-1") + b"\r\n\r\n" + body


async def say(url: str, sent: bytes) -> Said:
    """Send these bytes to the host of a URL, and read one answer; status 0 where none came."""
    place = urlsplit(url)
    said = Said()
    parser = httptools.HttpResponseParser(said)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    try:
        async with asyncio.timeout(SECONDS):
            writer.write(sent)
            while not said.whole and (data := await reader.read(65536)):
                parser.feed_data(data)
        said.status = parser.get_status_code()
    except (ConnectionError, httptools.HttpParserError):  # cut off in the middle: whatever was read is the answer
        said.status = said.status or 0
    finally:
        writer.transport.abort()
    return said
