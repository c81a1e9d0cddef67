"""`/healthz`, `/readyz` and a page of facts on the control port, for people and probes of the operator's network."""

from __future__ import annotations

import asyncio
import errno
import time
from pathlib import Path
from typing import Final

import msgspec

from toolgate import __version__
from toolgate.control.configured import Configured
from toolgate.errors import ToolgateError
from toolgate.store.changes import announce
from toolgate.wire.server import Exchange, Listener, serve

_TRIES: Final = 50
_PAUSE: Final = 0.1
_JSON: Final = ((b"content-type", b"application/json"),)


class StatusPage:
    """Serves what this machine's gateways say of themselves."""

    def __init__(self, data: Path, configured: Configured | None = None) -> None:
        self._data = data
        self._configured = configured
        self._started = time.time()

    async def open(self, host: str, port: int) -> Listener:
        """Begin to listen; raises ToolgateError where that cannot be.

        The control process of a gateway that was killed a moment ago may still hold the port: it is waited for.
        """
        for _ in range(_TRIES):
            try:
                return await serve(self._handle, host, port)
            except OSError as error:
                reason = error.strerror or str(error)
                if error.errno != errno.EADDRINUSE:
                    break
            await asyncio.sleep(_PAUSE)
        raise ToolgateError(f"{host}:{port}", f"cannot be listened on: {reason}", "choose another --control-port")

    async def _handle(self, exchange: Exchange) -> None:
        if exchange.method != "GET":
            exchange.respond(405, ((b"allow", b"GET"),))
        elif exchange.path == "/healthz":
            exchange.respond(200, _JSON, b'{"status":"alive"}')
        elif exchange.path in {"/readyz", "/"}:
            self._ready(exchange)
        else:
            exchange.respond(404, _JSON, b'{"error":"there is nothing at this path"}')

    def _ready(self, exchange: Exchange) -> None:
        """Ready while every gateway of the machine answers its wake socket; a bad configuration changes nothing."""
        confirmed = announce(self._data, 0, timeout=1.0)
        ready = confirmed.complete and confirmed.processes > 0
        facts = {
            "status": "ready" if ready else "not ready",
            "gateways": confirmed.processes,
            "silent": list(confirmed.silent),
            "version": __version__,
            "uptime": int(time.time() - self._started),
            **({} if self._configured is None else {"configuration": self._configured.facts}),
        }
        exchange.respond(200 if ready else 503, _JSON, msgspec.json.encode(facts))
