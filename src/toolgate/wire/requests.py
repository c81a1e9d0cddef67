"""The head of a request. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

import httptools

from toolgate.wire.failures import Refused
from toolgate.wire.headers import Headers
from toolgate.wire.heads import body_length, keeps_alive, read_fields
from toolgate.wire.limits import ServerLimits

# The origin form only (RFC 9112 section 3.2.1): an absolute form could name another host than `Host` does, and nobody
# asks a gateway with the two others. A fragment has no place in a request.
_LINE = re.compile(rb"([A-Z]+) (/[!-\"$-~]*) HTTP/1\.([01])\r\n")


@dataclass(slots=True)
class RequestHead:
    """A request without its body; never changed, since a client may repeat it. `length` is the body's, or CHUNKED."""

    method: str
    path: str
    query: str
    headers: Headers
    length: int
    keep_alive: bool
    old: bool  # HTTP/1.0: it knows no chunks and no 100-continue
    expects: bool  # a `100 Continue` before it sends the body


def read_request(head: bytes, limits: ServerLimits) -> RequestHead:
    """Read a head that is whole (its last bytes are the empty line). Raises Refused."""
    line = _LINE.match(head)
    if line is None:
        raise Refused(400, "the request line is not one of HTTP/1.1 with a target in origin form")
    method, target, minor = line.groups()
    if len(target) > limits.target_bytes:
        raise Refused(414, "the target is too long")
    if method == b"CONNECT":
        raise Refused(405, "tunnels are not for a gateway")
    headers = read_fields(httptools.HttpRequestParser, head, limits.header_count)
    if headers.count(b"host") != 1 and (minor == b"1" or b"host" in headers):
        raise Refused(400, "exactly one `Host` is needed")
    path, _, query = target.decode().partition("?")
    length = body_length(headers, minor) or 0
    expects = _expects(headers) and minor == b"1" and length != 0
    return RequestHead(
        method.decode(), path, query, headers, length, keeps_alive(headers, minor), minor == b"0", expects
    )


def _expects(headers: Headers) -> bool:
    expect = headers.get(b"expect")
    if expect is None:
        return False
    if expect.lower() != b"100-continue":
        raise Refused(417, "only `100-continue` can be expected")
    return True
