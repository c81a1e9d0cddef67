"""Keeps what calls said where their server is set to: off the path of a call, and never at its cost.

A call leaves its text in a bounded queue; a background step seals and stores what is there. When the queue is full the
text is dropped and counted, and the call goes on.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Final

from toolgate.background import complain
from toolgate.gateway.call import Call
from toolgate.gateway.digests import lasting_params, text_of
from toolgate.keys import Sealer
from toolgate.store import captures
from toolgate.store.captures import Capture
from toolgate.store.errors import StoreError

EVERY: Final = 0.5
"""Seconds between two batches."""
MOST: Final = 5_000
MOST_BYTES: Final = 16 * 1024 * 1024
LONGEST: Final = 256 * 1024
"""Bytes of one call's text; a longer one is not kept."""
_PRUNE_EVERY: Final = 600.0


class Captures:
    """The queue of this process. `dropped` counts the calls that were not kept."""

    def __init__(self, data: Path, sealer: Sealer) -> None:
        self.dropped = 0
        self._data = data
        self._sealer = sealer
        self._waiting: list[Capture] = []
        self._bytes = 0
        self._said = 0
        self._pruned = 0.0

    def take(self, call: Call) -> None:
        """Leave this call to be kept; its server wants that."""
        days = call.access.server.row.capture
        if days is None:
            return
        if len(self._waiting) >= MOST or self._bytes >= MOST_BYTES:
            self.dropped += 1
            return
        params = {"name": call.tool, "arguments": call.arguments} if call.tool else lasting_params(call.message)
        text = text_of({"method": call.message.method, "params": params})
        if len(text) > LONGEST:
            self.dropped += 1
            return
        self._bytes += len(text)
        self._waiting.append(Capture(call.id, call.access.server_id, time.time(), days, text))

    async def store(self) -> None:
        """Store what waits; called now and then, and at the end. What cannot be stored is dropped and said."""
        batch, self._waiting, self._bytes = self._waiting, [], 0
        try:
            if batch:
                await asyncio.to_thread(captures.keep, self._data, self._sealer, batch)
            await self._prune()
        except StoreError as error:
            self.dropped += len(batch)
            complain(f"captures were not stored: {error}")
        if self.dropped != self._said:
            complain(f"{self.dropped - self._said} calls were not captured: too many at once, too long, or no room")
            self._said = self.dropped

    async def _prune(self) -> None:
        """Retention holds also where nothing is captured any more."""
        if time.monotonic() - self._pruned >= _PRUNE_EVERY:
            self._pruned = time.monotonic()
            await asyncio.to_thread(captures.forget, self._data)
