"""One periodic timer in place of a timer per request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Sweep:
    """Calls `look(now)` every `tick` seconds of the loop's clock until stopped."""

    __slots__ = ("_handle", "_look", "_loop", "_tick")

    def __init__(self, loop: asyncio.AbstractEventLoop, tick: float, look: Callable[[float], None]) -> None:
        self._loop = loop
        self._tick = tick
        self._look = look
        self._handle: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin, unless already running."""
        if self._handle is None:
            self._handle = self._loop.call_later(self._tick, self._turn)

    def stop(self) -> None:
        """End; `start` may follow."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _turn(self) -> None:
        self._handle = self._loop.call_later(self._tick, self._turn)
        self._look(self._loop.time())
