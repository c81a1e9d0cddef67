"""HTTP/1.1 toward clients."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable

from toolgate.wire.connection import Connection
from toolgate.wire.exchange import Exchange
from toolgate.wire.failures import BodyTooLarge
from toolgate.wire.keepalive import keep_alive
from toolgate.wire.limits import ServerLimits
from toolgate.wire.rendering import date_line
from toolgate.wire.sweep import Sweep

__all__ = ["BodyTooLarge", "Exchange", "Listener", "ServerLimits", "serve"]

Handler = Callable[[Exchange], Awaitable[None]]

_BACKLOG = 1024


class Listener:
    """Accepts connections on one address until closed."""

    def __init__(self, handler: Handler, limits: ServerLimits) -> None:
        self.loop = asyncio.get_running_loop()
        self.handler = handler
        self.limits = limits
        self.closing = False
        self.date = date_line()
        self._connections: set[Connection] = set()
        self._sweep = Sweep(self.loop, limits.tick, self._connections, self._renew_date)
        self._server: asyncio.Server
        self._empty = asyncio.Event()

    async def open(self, host: str, port: int, tls: ssl.SSLContext | None) -> None:
        """Begin to listen."""
        timeout = self.limits.head_timeout if tls is not None else None
        self._server = await self.loop.create_server(
            lambda: Connection(self), host, port, ssl=tls, ssl_handshake_timeout=timeout, backlog=_BACKLOG
        )
        for listening in self._server.sockets:
            keep_alive(listening)
        self._sweep.start()

    @property
    def port(self) -> int:
        """The port that it listens on, also where 0 was asked for."""
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self._connections)

    async def close(self, grace: float) -> None:
        """Accept no more, let running exchanges end for up to `grace` seconds, then cut them off."""
        self.closing = True
        self._server.close()
        for connection in tuple(self._connections):
            connection.retire()
        if not await self._emptied(grace):
            for connection in tuple(self._connections):
                connection.abort()
            await self._emptied(None)
        self._sweep.stop()

    async def _emptied(self, timeout: float | None) -> bool:
        if not self._connections:
            return True
        try:
            await asyncio.wait_for(self._empty.wait(), timeout)
        except TimeoutError:
            return False
        return True

    def admit(self, connection: Connection) -> bool:
        """Count a connection in, unless there are too many."""
        if self.closing or len(self._connections) >= self.limits.connections:
            return False
        self._connections.add(connection)
        return True

    def forget(self, connection: Connection) -> None:
        """Count a connection out."""
        self._connections.discard(connection)
        if self.closing and not self._connections:
            self._empty.set()

    def _renew_date(self, _now: float) -> None:
        self.date = date_line()


async def serve(
    handler: Handler,
    host: str,
    port: int,
    limits: ServerLimits | None = None,
    tls: ssl.SSLContext | None = None,
) -> Listener:
    """Serve `handler`, which is called with each request as soon as its head is whole, one task for each connection.

    An exception of the handler answers 500 if nothing was answered, closes the connection, and goes to the loop's
    exception handler. Build `tls` once; it may ask for client certificates.
    """
    listener = Listener(handler, limits or ServerLimits())
    await listener.open(host, port, tls)
    return listener
