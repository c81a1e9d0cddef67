"""Many calls at the same instant, against a limit that has room for few of them."""

from __future__ import annotations

import asyncio
from typing import Final

from toolgate.attacks.door import Door
from toolgate.attacks.scene import Scene
from toolgate.attacks.speech import tool_call

_CALLS: Final = 16
_MOST: Final = 3


class _CheckThenCount:
    """A limit as one writes it in an afternoon: the count follows the call."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._used = 0

    async def send(self, body: bytes) -> None:
        if self._used < _MOST:
            await self._door.send(body)
            self._used += 1


async def play(scene: Scene) -> None:
    """Send the calls together; the server counts what arrives."""
    door = scene.way_in("wire")
    limited = _CheckThenCount(door) if scene.variant == "wrong" else door
    calls = range(1 if scene.variant == "benign" else _CALLS)
    await asyncio.gather(*(limited.send(tool_call("pay", {"amount": number}, number)) for number in calls))
