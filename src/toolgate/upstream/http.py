"""One MCP server over HTTP: its pool of connections, its pinned addresses, its own credential."""

from __future__ import annotations

import ssl
import time
from collections.abc import Sequence
from typing import Final

from toolgate.upstream.address import AddressError, Endpoint, resolve
from toolgate.upstream.interface import Header
from toolgate.wire.client import ConnectFailed, Origin, Pool, PoolLimits, Response

_CONNECTIONS: Final = 16_384
"""Each open stream of a client holds one."""
_RESOLVE_AGAIN_AFTER: Final = 5.0
"""Seconds before a name whose addresses all failed is looked up again."""


class HttpUpstream:
    """Sends requests to one server, always with the server's own headers and never with the caller's credentials.

    The host is resolved once and the checked addresses are kept; only after a failed connection it is resolved anew,
    and checked again. Redirects are answers like others: nothing here follows them.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        headers: Sequence[tuple[str, str]] = (),
        *,
        allow_private: bool = False,
        tls: ssl.SSLContext | None = None,
        limits: PoolLimits | None = None,
    ) -> None:
        self.endpoint = endpoint
        self._headers: tuple[Header, ...] = tuple(
            (name.encode("ascii"), value.encode("latin-1")) for name, value in headers
        )
        self._others = tuple(header for header in self._headers if header[0] != b"authorization")
        self._allow_private = allow_private
        self._tls = tls if tls is not None or endpoint.scheme == "http" else ssl.create_default_context()
        self._limits = limits or PoolLimits(connections=_CONNECTIONS)
        self._pool: Pool | None = None
        self._retired: list[Pool] = []
        self._resolved_at = 0.0

    async def send(
        self, method: str, headers: Sequence[Header], body: bytes, timeout: float, authorization: Header | None = None
    ) -> Response:
        """One exchange; raises `wire.client.UpstreamError`, whose `sent` says whether the server may have acted.

        `authorization` takes the place of the server's own.
        """
        pool = self._pool or await self._connect()
        own = self._headers if authorization is None else (authorization, *self._others)
        try:
            return await pool.send(method, self.endpoint.target, (*own, *headers), body, timeout)
        except ConnectFailed:
            self._forget(pool)
            raise

    async def _connect(self) -> Pool:
        try:
            addresses = await resolve(self.endpoint, allow_private=self._allow_private)
        except AddressError as error:
            raise ConnectFailed(self.endpoint.host, error.cause) from None
        if self._pool is None:
            origin = Origin(self.endpoint.scheme, self.endpoint.host, self.endpoint.port, addresses, self._tls)
            self._pool = Pool(origin, self._limits)
            self._resolved_at = time.monotonic()
        return self._pool

    def _forget(self, pool: Pool) -> None:
        """Resolve anew at the next request; exchanges that run over the old connections end as they would."""
        if self._pool is pool and time.monotonic() - self._resolved_at > _RESOLVE_AGAIN_AFTER:
            self.retire()

    def retire(self) -> None:
        """Send nothing more over the present connections; what is under way ends as it would."""
        if self._pool is not None:
            self._retired = [pool for pool in self._retired if pool.connections]
            self._retired.append(self._pool)
            self._pool = None

    async def close(self) -> None:
        """Close every connection; exchanges under way fail."""
        self.retire()
        for pool in self._retired:
            await pool.close()
        self._retired.clear()
