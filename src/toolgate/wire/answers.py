"""Answers: the reader of a connection to a server."""

from __future__ import annotations

import re
from dataclasses import dataclass

import httptools

from toolgate.wire.failures import Refused
from toolgate.wire.headers import Headers
from toolgate.wire.limits import PoolLimits
from toolgate.wire.reading import UNTIL_CLOSE, Reader, body_length, keeps_alive

_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9]{2})(?: [\t -~\x80-\xff]*)?\r\n")
_PROMISE = re.compile(rb"timeout=([0-9]{1,5})")


@dataclass(slots=True)
class AnswerHead:
    """An answer without its body. `length` is that of the body, or CHUNKED, or UNTIL_CLOSE."""

    status: int
    headers: Headers
    length: int
    keep_alive: bool


class AnswerReader(Reader):
    """Reads answers, as strictly as requests: a server behind another proxy may answer with two messages."""

    __slots__ = ()

    def _new_parser(self) -> httptools.HttpResponseParser:
        return httptools.HttpResponseParser(self)

    def begin(self, head: bytes, method: str, limits: PoolLimits) -> AnswerHead:
        """Read a head that is whole (its last bytes are the empty line). Raises Refused."""
        self._begin()
        line = _STATUS_LINE.match(head)
        if line is None:
            raise Refused(400, "the status line is not one of HTTP/1.1")
        minor, status = line[1], int(line[2])
        if status == 101:
            raise Refused(400, "an upgrade that nobody asked for")
        self.feed(head)
        headers = self._headers(limits.header_count)
        declared = body_length(headers, chunks_allowed=minor == b"1")
        length = _length(status, method, declared)
        if length == 0 and not self.done:
            # llhttp knows neither the method nor that this status has no body, and waits for what was declared.
            self._parser = self._new_parser()
            self.done = True
        return AnswerHead(status, headers, length, length != UNTIL_CLOSE and keeps_alive(headers, minor))


def _length(status: int, method: str, declared: int | None) -> int:
    if status < 200 or status == 204:
        if declared:
            raise Refused(400, f"a body behind status {status}")
        return 0
    if method == "HEAD" or status == 304:
        return 0
    return UNTIL_CLOSE if declared is None else declared


def promised_idle(headers: Headers) -> float | None:
    """Give the seconds for which the server promises to keep the idle connection, if it does."""
    promise = _PROMISE.search(headers.get(b"keep-alive") or b"")
    return float(promise[1]) if promise else None
