"""The head of a message: its fields and what they say of the message's framing. Pure.

A head is looked at only when it is whole. llhttp (through httptools, never in a lenient mode) parses it; what llhttp
lets pass but two parsers could frame differently is refused here. llhttp sees the head alone: the bytes of a body are
counted (`bodies`), so the two can never disagree about where a message ends.
"""

from __future__ import annotations

import re

import httptools

from toolgate.wire.failures import Refused
from toolgate.wire.headers import Headers

CHUNKED = -1
UNTIL_CLOSE = -2

_LENGTH = re.compile(rb"[0-9]{1,15}")

Parser = type[httptools.HttpRequestParser] | type[httptools.HttpResponseParser]


class _Fields:
    """What llhttp tells its fields to."""

    __slots__ = ("first", "repeated")

    def __init__(self) -> None:
        self.first: dict[bytes, bytes] = {}
        self.repeated: list[tuple[bytes, bytes]] | None = None

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name not in self.first:
            self.first[name] = value.rstrip()
        elif self.repeated is None:
            self.repeated = [(name, value.rstrip())]
        else:
            self.repeated.append((name, value.rstrip()))


def read_fields(parser: Parser, head: bytes, most: int) -> Headers:
    """Read the fields of a whole head. Raises Refused."""
    fields = _Fields()
    try:
        parser(fields).feed_data(head)
    except httptools.HttpParserUpgrade:
        # All fields were read. An offered upgrade may be ignored (RFC 9110 section 7.8), and must be: Java's client
        # offers h2c with every request.
        pass
    except httptools.HttpParserError as error:
        raise Refused(400, str(error).lower() or "not HTTP/1.1") from None
    if len(fields.first) + len(fields.repeated or ()) > most:
        raise Refused(431, f"more than {most} header fields")
    return Headers(fields.first, fields.repeated)


def body_length(headers: Headers, minor: bytes) -> int | None:
    """Give the declared length of a body, CHUNKED, or None where nothing is declared. Raises Refused on any doubt.

    RFC 9112 section 6.3, stricter where it lets a recipient repair (CVE-2019-20372, CVE-2021-40346 and their kin).
    """
    coding = headers.get(b"transfer-encoding")
    length = headers.get(b"content-length")
    if coding is not None:
        if length is not None or minor != b"1":
            raise Refused(400, "the message can be framed in two ways")
        if coding.lower() != b"chunked":
            raise Refused(400, "a transfer coding other than `chunked`")
        return CHUNKED
    if length is None:
        return None
    if _LENGTH.fullmatch(length) is None:
        raise Refused(400, "the content length is not a number")
    return int(length)


def keeps_alive(headers: Headers, minor: bytes) -> bool:
    """Tell whether the sender keeps the connection open behind this message (RFC 9112 section 9.3)."""
    connection = headers.get(b"connection")
    if connection is None:
        return minor == b"1"
    options = [option.strip() for option in connection.lower().split(b",")]
    return b"close" not in options and (minor == b"1" or b"keep-alive" in options)
