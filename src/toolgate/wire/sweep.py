"""One periodic timer in place of a timer per request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import Protocol

_SLICE = 256  # connections looked at in one turn of the loop: ten thousand at once would delay a call by milliseconds


class Looked(Protocol):
    """Something with timeouts of its own."""

    def look(self, now: float) -> None:
        """Enforce them."""
        ...


class Sweep:
    """Looks at all `members`, and calls `also(now)`, every `tick` seconds of the loop's clock until stopped."""

    __slots__ = ("_also", "_handle", "_loop", "_members", "_tick", "_waiting")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        tick: float,
        members: Collection[Looked],
        also: Callable[[float], None],
    ) -> None:
        self._loop = loop
        self._tick = tick
        self._members = members
        self._also = also
        self._handle: asyncio.TimerHandle | None = None
        self._waiting: list[Looked] = []  # for their look in this sweep

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
        self._also(self._loop.time())
        if not self._waiting:
            self._waiting.extend(self._members)
            self._slice()

    def _slice(self) -> None:
        now = self._loop.time()
        for member in self._waiting[-_SLICE:]:
            member.look(now)
        del self._waiting[-_SLICE:]
        if self._waiting:
            self._loop.call_soon(self._slice)
