"""Cuts the bytes of one direction into messages; pure, one message at a time.

llhttp (through httptools, never in a lenient mode) parses; what it lets pass but two parsers could frame differently is
refused here. It sees a head only when the head is whole, so that it splits no field, and never a byte behind a message
whose length is declared.
"""

from __future__ import annotations

import re

import httptools

from toolgate.wire.failures import Refused
from toolgate.wire.headers import Headers
from toolgate.wire.limits import KIB

CHUNKED = -1
UNTIL_CLOSE = -2

_CHUNK_OVERHEAD = 4 * KIB
_OVERHEAD_PER_CHUNK = 32
_DIGITS = re.compile(rb"[0-9]{1,15}")


class Reader:
    """What requests and answers have in common: fields, the body's framing and its bytes."""

    __slots__ = ("_chunks", "_fields", "_overhead", "_parser", "_parts", "_repeated", "done", "excess", "on_body")

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.on_body = self._parts.append
        self._parser = self._new_parser()
        self._begin()

    def _new_parser(self) -> httptools.HttpRequestParser | httptools.HttpResponseParser:
        raise NotImplementedError

    def _begin(self) -> None:
        self._fields: dict[bytes, bytes] = {}
        self._repeated: list[tuple[bytes, bytes]] | None = None
        self._chunks = 0
        self._overhead = 0
        self.done = False  # the current message is whole
        self.excess = False  # something came behind a chunked message

    def release(self) -> None:
        """Break the cycle with the parser, so that a lost connection is freed at once."""
        del self._parser

    def on_message_begin(self) -> None:
        """Stop the parser where a second message begins in bytes given to the first (only behind chunked ones)."""
        if self.done:
            self.excess = True
            raise Refused(400, "something came behind a chunked message")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a field of the head; those behind a chunked body (trailers) are kept by nobody."""
        name = name.lower()
        if name not in self._fields:
            self._fields[name] = value.rstrip()
        elif self._repeated is None:
            self._repeated = [(name, value.rstrip())]
        else:
            self._repeated.append((name, value.rstrip()))

    def on_chunk_header(self) -> None:
        self._chunks += 1

    def on_message_complete(self) -> None:
        self.done = True

    def _headers(self, most: int) -> Headers:
        headers = Headers(self._fields, self._repeated)
        if len(headers) > most:
            raise Refused(431, f"more than {most} header fields")
        # Trailers must not reach the fields that were already judged.
        self._fields, self._repeated = {}, None
        return headers

    def feed(self, data: bytes) -> None:
        """Take bytes of the current message, none behind it where its length is known. Raises Refused."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            if not self.excess:
                raise Refused(400, str(error).lower() or "not HTTP/1.1") from None

    def feed_chunks(self, data: bytes) -> None:
        """Take bytes of a chunked body, whose part before is taken; extensions and trailers are dropped and together bounded."""
        self.feed(data)
        self._overhead += len(data) - sum(map(len, self._parts))
        if self._overhead > _CHUNK_OVERHEAD + _OVERHEAD_PER_CHUNK * self._chunks:
            raise Refused(400, "chunk extensions or trailers are too long")

    def take(self) -> bytes:
        """Hand over the body's bytes that have come since the last call."""
        parts = self._parts
        if len(parts) == 1:
            return parts.pop()
        data = b"".join(parts)
        parts.clear()
        return data


def body_length(headers: Headers, *, chunks_allowed: bool) -> int | None:
    """Give the declared length of a body, CHUNKED, or None where nothing is declared. Raises Refused on any doubt.

    RFC 9112 section 6.3; stricter where it lets a recipient repair (CVE-2019-20372, CVE-2021-40346 and their kin).
    """
    coding = headers.get(b"transfer-encoding")
    length = headers.get(b"content-length")
    if coding is not None:
        if length is not None or not chunks_allowed:
            raise Refused(400, "the message can be framed in two ways")
        if coding.lower() != b"chunked":
            raise Refused(400, "a transfer coding other than `chunked`")
        return CHUNKED
    if length is None:
        return None
    if _DIGITS.fullmatch(length) is None:
        raise Refused(400, "the content length is not a number")
    return int(length)


def keeps_alive(headers: Headers, minor: bytes) -> bool:
    """Tell whether the sender keeps the connection open behind this message (RFC 9112 section 9.3)."""
    connection = headers.get(b"connection")
    if connection is None:
        return minor == b"1"
    options = [option.strip() for option in connection.lower().split(b",")]
    return b"close" not in options and (minor == b"1" or b"keep-alive" in options)
