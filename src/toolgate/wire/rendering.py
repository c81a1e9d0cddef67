"""Heads of messages as bytes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus

Fields = Sequence[tuple[bytes, bytes]]

_FRAMING = frozenset(
    (b"connection", b"content-length", b"keep-alive", b"te", b"trailer", b"transfer-encoding", b"upgrade")
)
_OF_ANSWERS = _FRAMING | {b"date"}
_OF_REQUESTS = _FRAMING | {b"accept-encoding", b"expect", b"host", b"proxy-connection"}
_REMEMBERED = 1024
_REQUEST = re.compile(r"[A-Z]+ /[!-\"$-~]*")

_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}

JOINED = 16 * 1024  # up to this many bytes one copy is cheaper than one more buffer in the system call
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"


def date_line() -> bytes:
    """Give the `date` field of now (one-second resolution; the caller keeps it for as long)."""
    return f"date: {formatdate(usegmt=True)}\r\n".encode()


def status_line(status: int) -> bytes:
    """Give the first line of an answer."""
    return _STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status


def request_line(method: str, target: str, host: str) -> bytes:
    """Give the first line of a request with the fields that are always ours: no coding is ever asked for."""
    if _REQUEST.fullmatch(f"{method} {target}") is None:
        raise ValueError(f"not a method and a target in origin form: {method!r} {target!r}")
    return f"{method} {target} HTTP/1.1\r\nhost: {host}\r\naccept-encoding: identity\r\n".encode("ascii")


def answer_fields(headers: Fields) -> bytes:
    """Give the lines of an answer's own fields; framing, `connection` and `date` belong to the connection."""
    return _lines(tuple(headers), _OF_ANSWERS)


def request_fields(headers: Fields) -> bytes:
    """Give the lines of a request's own fields; framing, `host`, `connection`, `accept-encoding` belong to the pool."""
    return _lines(tuple(headers), _OF_REQUESTS)


@lru_cache(maxsize=_REMEMBERED)
def _lines(headers: tuple[tuple[bytes, bytes], ...], reserved: frozenset[bytes]) -> bytes:
    """Rendered and checked once: a peer and a server say the same fields again and again."""
    if not headers:
        return b""
    for name, _ in headers:
        if name in reserved:
            raise ValueError(f"the field {name!r} belongs to the connection")
    lines = b"\r\n".join(map(b": ".join, headers)) + b"\r\n"
    # Whoever got a line break into a value could write the next field, or the next message, himself.
    if len(lines.splitlines()) != len(headers) or 0 in lines:
        raise ValueError("a header field holds a line break or NUL")
    return lines
