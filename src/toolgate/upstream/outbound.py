"""Requests to URLs that people or servers name, apart from calls: webhooks, OAuth, keys, OpenID discovery.

The name is resolved once and the connection goes to the address that was checked, so that neither a name that answers
differently the second time nor a redirect leads into a private network. Redirects are answers like others.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

from toolgate.errors import ToolgateError
from toolgate.upstream.address import AddressError, Endpoint, parse_url, resolve
from toolgate.wire.client import Origin, Pool, PoolLimits, UpstreamError
from toolgate.wire.headers import Headers

MIB: Final = 1024 * 1024
_LIMITS: Final = PoolLimits(connections=1, backoff=0)
_NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})
_USER_AGENT: Final = b"toolgate"


class OutboundError(ToolgateError):
    """No answer came, or none may be asked for. `place` is scheme and host alone: a path or query may be a secret."""


@dataclass(slots=True, frozen=True)
class Fetched:
    """A whole answer: `headers` have names in lower case, repeated ones joined with a comma."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


async def fetch(
    method: str,
    url: str,
    headers: Mapping[str, str] = _NO_HEADERS,
    body: bytes = b"",
    *,
    allow_private: bool = False,
    allow_loopback: bool = False,
    tls: ssl.SSLContext | None = None,
    timeout: float = 10.0,
    limit: int = MIB,
) -> Fetched:
    """One exchange with the server of `url`, over a connection of its own. Raises OutboundError.

    `timeout` (seconds) covers everything from the name to the last byte, `limit` is the bytes of the answer's body.
    Give `allow_loopback` for a URL that an operator typed, which may be http on a loopback host; a URL that a server
    named gets neither permission. `tls` replaces the system's certificate authorities.
    """
    try:
        endpoint = _endpoint(url, allow_private, allow_loopback)
        async with asyncio.timeout(timeout):
            pool = await _connected(endpoint, allow_private, tls)
            try:
                response = await pool.send(method, endpoint.target, _fields(headers), body, timeout)
                return Fetched(response.status, _read(response.headers), await response.read(limit))
            finally:
                await pool.close()
    except TimeoutError:
        raise OutboundError(_place(url), f"gave no whole answer within {timeout:g} s") from None
    except AddressError as error:
        raise OutboundError(_place(url), error.cause, "an operator may allow private addresses") from None
    except UpstreamError as error:
        raise OutboundError(_place(url), error.cause) from None
    except ValueError as error:  # a header or target that could be read in two ways
        raise OutboundError(_place(url), f"cannot be asked: {error}") from None


def _endpoint(url: str, allow_private: bool, allow_loopback: bool) -> Endpoint:
    endpoint = parse_url(url, allow_private=allow_private)
    if endpoint.loopback and not (allow_loopback or allow_private):
        raise AddressError(endpoint.host, "is this machine itself")
    return endpoint


async def _connected(endpoint: Endpoint, allow_private: bool, tls: ssl.SSLContext | None) -> Pool:
    addresses = await resolve(endpoint, allow_private=allow_private)
    context = (tls or _system_tls()) if endpoint.scheme == "https" else None
    return Pool(Origin(endpoint.scheme, endpoint.host, endpoint.port, addresses, context), _LIMITS)


def _fields(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    given = [(name.lower().encode("ascii"), value.encode("latin-1")) for name, value in headers.items()]
    return [(b"user-agent", _USER_AGENT), *given]


def _read(headers: Headers) -> Mapping[str, str]:
    names = {name for name, _ in headers}
    return MappingProxyType({name.decode("latin-1"): (headers.get(name) or b"").decode("latin-1") for name in names})


@lru_cache(maxsize=1)
def _system_tls() -> ssl.SSLContext:
    """Reading the authorities takes tens of milliseconds: once."""
    return ssl.create_default_context()


def _place(url: str) -> str:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return "the URL"
    return f"{parts.scheme}://{host}" if host else "the URL"
