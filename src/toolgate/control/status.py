"""What this machine's gateways say of themselves: `/readyz`, and the overview."""

from __future__ import annotations

import time
from pathlib import Path

from toolgate import __version__
from toolgate.control.configured import Configured
from toolgate.store.changes import announce


class Status:
    """Ready while every gateway of the machine answers its wake socket; a bad configuration changes nothing."""

    def __init__(self, data: Path, configured: Configured | None = None) -> None:
        self._data = data
        self._configured = configured
        self._started = time.time()

    def facts(self) -> dict[str, object]:
        """`status` is `ready` or `not ready`; asks the gateways, for at most a second."""
        confirmed = announce(self._data, 0, timeout=1.0)
        ready = confirmed.complete and confirmed.processes > 0
        return {
            "status": "ready" if ready else "not ready",
            "gateways": confirmed.processes,
            "silent": list(confirmed.silent),
            "version": __version__,
            "uptime": int(time.time() - self._started),
            **({} if self._configured is None else {"configuration": self._configured.facts}),
        }
