"""Uvicorn on a socket that is bound already, inside this process's loop and without its own signal handlers."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn

from toolgate.control.front import Front
from toolgate.settings import ControlSettings

_GRACE: Final = 2
"""Seconds for requests under way when the process ends."""


class _Server(uvicorn.Server):
    """The gateway decides when this process ends, by closing its standard input."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Serving:
    """A running HTTP server; `close` ends it."""

    def __init__(self, front: Front, listener: socket.socket, settings: ControlSettings) -> None:
        config = uvicorn.Config(
            front,
            http="httptools",
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=_GRACE,
            ssl_certfile=settings.tls_certificate,
            ssl_keyfile=settings.tls_key,
        )
        self._front = front
        self._server = _Server(config)
        self._task = asyncio.create_task(self._server.serve([listener]))

    async def close(self) -> None:
        """End the server within the grace."""
        self._front.ending.set()
        self._server.should_exit = True
        await self._task
