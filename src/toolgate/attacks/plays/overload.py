"""What makes a reader run out of memory, of stack or of time; then somebody looks whether it still answers."""

from __future__ import annotations

import json
from typing import Final

from toolgate.attacks.raw import request, say
from toolgate.attacks.scene import Scene

_LARGE: Final = 1_200_000
_DEEP: Final = 100_000
_SLOW: Final = "a" * 27 + "!"
"""Takes an engine that backtracks longer with each letter, on the pattern of the policy."""
_HEALTHY: Final = 200


async def play(scene: Scene) -> None:
    """Send the large, the deep and the slow one, and note what they did."""
    if scene.variant == "benign":
        await scene.carry_out(scene.case.benign.steps)
        return
    nested = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":' + b"[" * _DEEP + b"]" * _DEEP + b"}"
    for body in (_read("x" * _LARGE), nested, _read(_SLOW)):
        await _send(scene, body)
    _count(scene)
    if scene.variant == "guarded" and not await _alive(scene):
        scene.note("harm", "the gateway does not answer any more")


def _count(scene: Scene) -> None:
    """What the server was made to do."""
    noted = scene.stubs["recorder"].noted
    for entry in noted.get("crashed", []):
        scene.note("harm", f"the reader ran out of stack on {entry}")
    for body in noted.get("body", []):
        if len(body) >= _LARGE:
            scene.note("harm", f"a body of {len(body)} bytes was taken in")
    for executed in noted.get("executed", []):
        if _SLOW in executed:
            scene.note("harm", "a value was let through that the pattern does not accept")


def _read(name: str) -> bytes:
    call = {"name": "read", "arguments": {"name": name}}
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}).encode()


async def _send(scene: Scene, body: bytes) -> None:
    """To the gateway, or under the mistaken setting straight to the server."""
    door = scene.door("recorder")
    direct = scene.variant == "wrong"
    url = scene.urls["recorder"] if direct else door.url
    fields = [] if direct else [f"{name}: {value}" for name, value in door.headers.items()]
    await say(url, request(url, "POST", fields, body))


async def _alive(scene: Scene) -> bool:
    url = f"{scene.stage.address}/healthz"
    return (await say(url, request(url, "GET", [], b""))).status == _HEALTHY
