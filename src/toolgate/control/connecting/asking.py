"""Requests on behalf of one server: its own address, and those that it or its authorization server names."""

from __future__ import annotations

import asyncio
import ssl
from typing import Final

from toolgate.errors import ToolgateError
from toolgate.store.servers import Server
from toolgate.upstream.address import parse_url
from toolgate.upstream.outbound import Fetched, fetch

METADATA_LIMIT: Final = 256 * 1024
"""Bytes of an answer."""
TIMEOUT: Final = 10.0


class Asking:
    """Knows where answers may come from: private networks only where the operator allowed them for this server, this
    machine only where the server itself is on it. Redirects are not followed.
    """

    def __init__(self, server: Server) -> None:
        self.server = server
        self.url = server.url
        self.private = server.reach.allow_private
        self.local = parse_url(server.url, allow_private=True).loopback
        self.patience = TIMEOUT
        self._tls: ssl.SSLContext | None = None

    async def get(self, url: str) -> Fetched:
        """A document. Raises OutboundError."""
        return await self.send("GET", url, {"accept": "application/json"})

    async def send(
        self, method: str, url: str, headers: dict[str, str], body: bytes = b"", patience: float = 0.0
    ) -> Fetched:
        """One exchange, within `patience` seconds where that is more than usual. Raises OutboundError."""
        ca_file = self.server.reach.ca_file
        if self._tls is None and ca_file:
            self._tls = await asyncio.to_thread(self._context, ca_file)
        return await fetch(
            method,
            url,
            headers,
            body,
            allow_private=self.private,
            allow_loopback=self.local,
            tls=self._tls,
            timeout=patience or self.patience,
            limit=METADATA_LIMIT,
        )

    def _context(self, ca_file: str) -> ssl.SSLContext:
        """The system's authorities, and the server's own: its authorization server may be under either."""
        context = ssl.create_default_context()
        try:
            context.load_verify_locations(ca_file)
        except (OSError, ssl.SSLError) as error:
            raise ToolgateError(f"server {self.server.name}", f"its TLS files cannot be read: {error}") from None
        return context
