"""Many calls at the same instant, against a limit that has room for few of them."""

from __future__ import annotations

import asyncio
import json
from typing import Final

from toolgate.attacks.raw import request, say
from toolgate.attacks.scene import Scene

_CALLS: Final = 16
_MOST: Final = 3


class _CheckThenCount:
    """A limit as one writes it in an afternoon: the count follows the call."""

    def __init__(self) -> None:
        self._used = 0

    async def call(self, url: str, sent: bytes) -> None:
        if self._used < _MOST:
            await say(url, sent)
            self._used += 1


async def play(scene: Scene) -> None:
    """Send the calls together; the server counts what arrives."""
    naive = _CheckThenCount()
    direct = scene.variant in ("bare", "wrong")
    door = scene.door("wire")
    url = scene.urls["wire"] if direct else door.url
    fields = [] if direct else [f"{name}: {value}" for name, value in door.headers.items()]
    calls = [
        request(url, "POST", fields, _body(number)) for number in range(1 if scene.variant == "benign" else _CALLS)
    ]
    send = naive.call if scene.variant == "wrong" else say
    await asyncio.gather(*(send(url, call) for call in calls))


def _body(number: int) -> bytes:
    params = {"name": "pay", "arguments": {"amount": number}}
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}).encode()
