"""Requests: the reader of a server's connection."""

from __future__ import annotations

import re
from dataclasses import dataclass

import httptools

from toolgate.wire.failures import Refused
from toolgate.wire.headers import Headers
from toolgate.wire.limits import ServerLimits
from toolgate.wire.reading import Reader, body_length, keeps_alive

# The origin form only (RFC 9112 section 3.2.1): an absolute form could name another host than `Host` does, and nobody
# asks a gateway with the two others. A fragment has no place in a request.
_REQUEST_LINE = re.compile(rb"([A-Z]+) (/[!-\"$-~]*) HTTP/1\.([01])\r\n")
_UPGRADE = re.compile(rb"\r\nupgrade:", re.IGNORECASE)


@dataclass(slots=True)
class RequestHead:
    """A request without its body. `length` is that of the body, or CHUNKED."""

    method: str
    target: str
    headers: Headers
    length: int
    keep_alive: bool
    old: bool  # HTTP/1.0: no chunks, no 100-continue
    expects: bool  # a `100 Continue` before it sends the body


class RequestReader(Reader):
    """Reads requests, strictly."""

    __slots__ = ()

    def _new_parser(self) -> httptools.HttpRequestParser:
        return httptools.HttpRequestParser(self)

    def begin(self, head: bytes, limits: ServerLimits) -> RequestHead:
        """Read a head that is whole (its last bytes are the empty line). Raises Refused."""
        self._begin()
        line = _REQUEST_LINE.match(head)
        if line is None:
            raise Refused(400, "the request line is not one of HTTP/1.1 with a target in origin form")
        method, target, minor = line.groups()
        if len(target) > limits.target_bytes:
            raise Refused(414, "the target is too long")
        self._feed_head(head)
        headers = self._headers(limits.header_count)
        if headers.count(b"host") != 1 and (minor == b"1" or b"host" in headers):
            raise Refused(400, "exactly one `Host` is needed")
        return RequestHead(
            method.decode(),
            target.decode(),
            headers,
            body_length(headers, chunks_allowed=minor == b"1") or 0,
            keeps_alive(headers, minor),
            minor == b"0",
            _expects(headers) and minor == b"1",
        )

    def _feed_head(self, head: bytes) -> None:
        try:
            self.feed(head)
        except httptools.HttpParserUpgrade:
            # An offered upgrade may be ignored (RFC 9110 section 7.8) and must be: Java's client offers h2c with every
            # request. llhttp would read no body behind it, so it is shown another name of the same length.
            self._parser = self._new_parser()
            self._begin()
            self._feed_ignoring(_UPGRADE.sub(b"\r\nignored:", head))

    def _feed_ignoring(self, head: bytes) -> None:
        try:
            self.feed(head)
        except httptools.HttpParserUpgrade:
            raise Refused(405, "tunnels are not for a gateway") from None


def _expects(headers: Headers) -> bool:
    expect = headers.get(b"expect")
    if expect is None:
        return False
    if expect.lower() != b"100-continue":
        raise Refused(417, "only `100-continue` can be expected")
    return True
