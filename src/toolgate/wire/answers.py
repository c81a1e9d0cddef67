"""The head of an answer. Pure; as strict as for requests, since a server behind a proxy may answer in two voices."""

from __future__ import annotations

import re
from dataclasses import dataclass

import httptools

from toolgate.wire.failures import Refused
from toolgate.wire.headers import Headers
from toolgate.wire.heads import UNTIL_CLOSE, body_length, keeps_alive, read_fields
from toolgate.wire.limits import PoolLimits

_LINE = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9]{2})(?: [\t -~\x80-\xff]*)?\r\n")
_PROMISE = re.compile(rb"timeout=([0-9]{1,5})")


@dataclass(slots=True)
class AnswerHead:
    """An answer without its body; never changed, since a server may repeat it.

    `length` is the body's, or CHUNKED, or UNTIL_CLOSE; `idle` the seconds for which the server promises to keep the
    idle connection, where it does.
    """

    status: int
    headers: Headers
    length: int
    keep_alive: bool
    idle: float | None


def read_answer(head: bytes, method: str, limits: PoolLimits) -> AnswerHead:
    """Read a head that is whole (its last bytes are the empty line), the answer to `method`. Raises Refused."""
    line = _LINE.match(head)
    if line is None:
        raise Refused(400, "the status line is not one of HTTP/1.1")
    minor, status = line[1], int(line[2])
    if status == 101:
        raise Refused(400, "an upgrade that nobody asked for")
    headers = read_fields(httptools.HttpResponseParser, head, limits.header_count)
    length = _length(status, method, body_length(headers, minor))
    keep_alive = length != UNTIL_CLOSE and keeps_alive(headers, minor)
    return AnswerHead(status, headers, length, keep_alive, _promised_idle(headers))


def _length(status: int, method: str, declared: int | None) -> int:
    if status < 200 or status == 204:
        if declared:
            raise Refused(400, f"a body behind status {status}")
        return 0
    if method == "HEAD" or status == 304:
        return 0
    return UNTIL_CLOSE if declared is None else declared


def _promised_idle(headers: Headers) -> float | None:
    value = headers.get(b"keep-alive")
    promise = _PROMISE.search(value) if value is not None else None
    return float(promise[1]) if promise else None
