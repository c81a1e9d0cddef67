"""Transport hygiene: what an HTTP request must look like before anyone asks what it means.

Host and Origin are checked on loopback too, against DNS rebinding from a browser (CVE-2025-66414, CVE-2025-64443);
credentials are read from `Authorization` alone, so they never stand in a log of URLs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from toolgate.errors import ToolgateError
from toolgate.keys import token_digest
from toolgate.protocol.headers import Era, era_of_headers
from toolgate.wire.headers import Headers
from toolgate.wire.server import Exchange

Header = tuple[bytes, bytes]

_VERBS: Final = frozenset({"POST", "GET", "DELETE", "OPTIONS"})
_ALLOW: Final = (b"allow", b"POST, GET, DELETE, OPTIONS")
_JSON: Final = b"application/json"
_PREFIX: Final = "/mcp/"
_ID_LENGTH: Final = 36
_NOTHING: Final = "there is nothing at this path"
_NO_SIGN_IN: Final = "connect to /mcp/SERVER/; there is no sign-in: send a grant token as `Authorization: Bearer`"
"""Read by people whose client looked for a place to sign in after a token was refused."""
_FORWARDED: Final = frozenset(
    {
        b"accept",
        b"content-type",
        b"last-event-id",
        b"mcp-protocol-version",
        b"traceparent",
        b"tracestate",
    }
)
"""Request headers that go upstream; everything else stays here (CVE-2026-110279)."""
_ROUTING: Final = (b"mcp-method", b"mcp-name", b"mcp-param-")
"""What repeats the body. It goes upstream only in the revision that makes us compare it: unchecked, it could lead
whoever routes by it elsewhere than the call that was judged."""
_BROWSER_HEADERS: Final = (
    b"authorization, content-type, accept, last-event-id, mcp-session-id, mcp-protocol-version, mcp-method, mcp-name"
)


class Refused(ToolgateError):
    """The request ends here with this HTTP status."""

    def __init__(self, status: int, cause: str, mend: str = "", headers: tuple[Header, ...] = ()) -> None:
        super().__init__("request", cause, mend)
        self.status = status
        self.headers = headers


@dataclass(slots=True, frozen=True)
class Screened:
    """What the head of a request says; made once for a head, however often its client repeats it.

    `digest` is that of the bearer token (None: none was sent), `forwarded` what of the head goes upstream, `session`
    the sealed id that it names, `era` what the headers alone say of the revision (None: only with the body), and
    `extra` what a browser of an allowed origin needs to read the answer.
    """

    verb: str
    server_id: str
    digest: bytes | None
    forwarded: tuple[Header, ...]
    session: bytes | None
    era: Era | None
    extra: tuple[Header, ...]


class Screening:
    """Checks heads for one listener: the hosts and origins that it answers for."""

    def __init__(self, hosts: Iterable[str], origins: Iterable[str] = ()) -> None:
        names = [host.lower() for host in hosts]
        self._hosts = frozenset(name.encode("ascii", "replace") for name in names)
        own = (f"{scheme}://{name}" for name in names for scheme in ("http", "https"))
        self._origins = frozenset(origin.lower().encode("ascii", "replace") for origin in (*own, *origins))

    def also(self, hosts: Iterable[str]) -> None:
        """Answer for more hosts: those with the port that the system chose for port 0."""
        self._hosts |= {host.lower().encode("ascii", "replace") for host in hosts}

    def of(self, exchange: Exchange) -> Screened:
        """The screened head of the request; raises Refused."""
        screened = exchange.headers.memo
        if not isinstance(screened, Screened):
            screened = exchange.headers.memo = self._screen(exchange)
        return screened

    def _screen(self, exchange: Exchange) -> Screened:
        headers = exchange.headers
        _check_verb(exchange)
        origin = self._origin(headers)
        server_id = _server_id(exchange)
        if exchange.method == "POST":
            _check_body_headers(headers)
        extra = () if origin is None else cors_headers(origin)
        if exchange.method == "OPTIONS" and origin is not None:
            extra = preflight_headers(origin)
        era = era_of_headers(headers)
        return Screened(
            verb=exchange.method,
            server_id=server_id,
            digest=_token_digest(headers),
            forwarded=tuple(_forwarded(headers, routing=era is None)),
            session=headers.get(b"mcp-session-id"),
            era=era,
            extra=extra,
        )

    def _origin(self, headers: Headers) -> bytes | None:
        """The allowed Origin of the request, None where it has none; raises Refused (403)."""
        host = headers.get(b"host")
        if host is None or host.lower() not in self._hosts:
            raise Refused(403, "the Host header names no host of this gateway", "start it with --allowed-host")
        origin = headers.get(b"origin")
        if origin is not None and origin.lower() not in self._origins:
            raise Refused(403, "the Origin header names no allowed origin", "start it with --allowed-origin")
        return origin


def listener_hosts(host: str, port: int, public_url: str, extra: Iterable[str]) -> list[str]:
    """The Host values that mean this listener: loopback and its own address with the port, the public URL's, extras.

    An extra host without a port counts with every usual spelling: alone and with the port.
    """
    names = [f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]")]
    if host not in {"0.0.0.0", "::"}:  # noqa: S104 - compared, not bound
        names.append(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
    if public_url:
        names.append(urlsplit(public_url).netloc)
    for name in extra:
        names += [name] if ":" in name else [name, f"{name}:{port}"]
    return names


def _check_verb(exchange: Exchange) -> None:
    """Raises Refused (405) for every verb that MCP does not use; override headers are ignored."""
    if exchange.method not in _VERBS:
        raise Refused(405, f"`{exchange.method}` is no verb of this endpoint", headers=(_ALLOW,))


def _server_id(exchange: Exchange) -> str:
    """The server that the path names; raises Refused (404), and 400 for a query, which could only hold credentials."""
    path = exchange.path
    if exchange.query:
        raise Refused(400, "the endpoint takes no query", "send credentials in the Authorization header only")
    if not path.startswith(_PREFIX):
        raise Refused(404, _NOTHING, _NO_SIGN_IN)
    name = path[len(_PREFIX) :]
    if name.endswith("/"):
        name = name[:-1]
    if len(name) != _ID_LENGTH or "/" in name:
        raise Refused(404, _NOTHING, _NO_SIGN_IN)
    return name


def _check_body_headers(headers: Headers) -> None:
    """Raises Refused (415) unless the body is plain JSON in UTF-8: an encoded body would be judged unread."""
    kind = headers.get(b"content-type") or b""
    if kind != _JSON and not _is_json(kind):
        raise Refused(415, "the body is not `application/json`", "send it as application/json in UTF-8")
    if headers.get(b"content-encoding") not in {None, b"identity"}:
        raise Refused(415, "the body is encoded", "send it without Content-Encoding")


def _forwarded(headers: Headers, *, routing: bool) -> Iterator[Header]:
    return (pair for pair in headers if pair[0] in _FORWARDED or (routing and pair[0].startswith(_ROUTING)))


def _is_json(kind: bytes) -> bool:
    media, _, parameters = kind.lower().partition(b";")
    return media.strip() == _JSON and parameters.strip().replace(b'"', b"") in {b"", b"charset=utf-8"}


def bearer_token(headers: Headers) -> str | None:
    """The bearer token; None when there is none. Repeated headers make no token."""
    value = headers.get(b"authorization")
    if value is None or value[:7].lower() != b"bearer ":
        return None
    return value[7:].strip().decode("latin-1")


def _token_digest(headers: Headers) -> bytes | None:
    token = bearer_token(headers)
    return None if token is None else token_digest(token)


def cors_headers(origin: bytes) -> tuple[Header, ...]:
    """What a browser client of an allowed origin needs to read the answer."""
    return (
        (b"access-control-allow-origin", origin),
        (b"access-control-expose-headers", b"mcp-session-id, retry-after, www-authenticate"),
        (b"vary", b"origin"),
    )


def preflight_headers(origin: bytes) -> tuple[Header, ...]:
    """The answer to a preflight request of an allowed origin."""
    return (
        *cors_headers(origin),
        (b"access-control-allow-methods", b"POST, GET, DELETE"),
        (b"access-control-allow-headers", _BROWSER_HEADERS),
        (b"access-control-max-age", b"600"),
    )
