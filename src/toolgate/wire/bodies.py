"""The body of a message, cut out of the bytes that arrive. Pure."""

from __future__ import annotations

import httptools

from toolgate.wire.failures import Refused
from toolgate.wire.heads import CHUNKED, UNTIL_CLOSE
from toolgate.wire.limits import KIB

# Chunk extensions and trailers are read and dropped; a peer may not send more of them than this (CVE-2024-22019).
_OVERHEAD = 4 * KIB
_OVERHEAD_OF_A_CHUNK = 32
_BEFORE_CHUNKS = b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n"


class Counted:
    """A body whose length was declared."""

    __slots__ = ("_left", "behind", "done")

    def __init__(self, length: int) -> None:
        self._left = length
        self.behind = b""  # what came behind the message
        self.done = length == 0

    def feed(self, data: bytes) -> bytes:
        """Take bytes off the connection, give those of the body."""
        if len(data) > self._left:
            data, self.behind = data[: self._left], data[self._left :]
        self._left -= len(data)
        self.done = self._left == 0
        return data


class Chunked:
    """A body in chunks. What comes behind it in the same read is not told from it: `behind` is not empty then."""

    __slots__ = ("_chunks", "_overhead", "_parser", "_parts", "behind", "done", "on_body")

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.on_body = self._parts.append
        self._chunks = 0
        self._overhead = 0
        self.behind = b""
        self.done = False
        self._parser: httptools.HttpRequestParser | None = httptools.HttpRequestParser(self)
        self._parser.feed_data(_BEFORE_CHUNKS)

    def on_message_begin(self) -> None:
        """Stop the parser where it would begin with a second message."""
        if self.done:
            self.behind = b"?"
            raise Refused(400, "something came behind a chunked message")

    def on_chunk_header(self) -> None:
        """Count a chunk."""
        self._chunks += 1

    def on_message_complete(self) -> None:
        """Note the end."""
        self.done = True

    def feed(self, data: bytes) -> bytes:
        """Take bytes off the connection, give those of the body. Raises Refused."""
        assert self._parser is not None
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            if not self.behind:
                raise Refused(400, str(error).lower()) from None
        parts = self._parts
        body = parts[0] if len(parts) == 1 else b"".join(parts)
        parts.clear()
        self._overhead += len(data) - len(body)
        if self._overhead > _OVERHEAD + _OVERHEAD_OF_A_CHUNK * self._chunks:
            raise Refused(400, "chunk extensions or trailers are too long")
        if self.done:
            self._parser = None  # it holds this object, and this object it
        return body


class UntilClose:
    """A body that ends with the connection."""

    __slots__ = ()
    behind = b""
    done = False

    def feed(self, data: bytes) -> bytes:
        """Give the bytes back: all are of the body."""
        return data


Body = Counted | Chunked | UntilClose


def body_of(length: int) -> Body:
    """Give the body that a head announced."""
    if length == CHUNKED:
        return Chunked()
    return UntilClose() if length == UNTIL_CLOSE else Counted(length)
