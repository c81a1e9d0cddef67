"""`/healthz`, `/readyz` and a page of facts on the control port, for people and probes of the operator's network."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

import msgspec

from toolgate import __version__
from toolgate.store.changes import announce
from toolgate.wire.server import Exchange, Listener, serve

_JSON: Final = ((b"content-type", b"application/json"),)


class StatusPage:
    """Serves what this machine's gateways say of themselves."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._started = time.time()

    async def open(self, host: str, port: int) -> Listener:
        """Begin to listen."""
        return await serve(self._handle, host, port)

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
        """Ready while every gateway of the machine answers its wake socket."""
        confirmed = announce(self._data, 0, timeout=1.0)
        ready = confirmed.complete and confirmed.processes > 0
        facts = {
            "status": "ready" if ready else "not ready",
            "gateways": confirmed.processes,
            "silent": list(confirmed.silent),
            "version": __version__,
            "uptime": int(time.time() - self._started),
        }
        exchange.respond(200 if ready else 503, _JSON, msgspec.json.encode(facts))
