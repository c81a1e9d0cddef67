"""What a web page can send to a server on its visitor's machine: the right address, with its own names in the head."""

from __future__ import annotations

import json
from typing import Final

from toolgate.attacks.handshake import Caller
from toolgate.attacks.scene import Door, Scene

_SECRET: Final = "/srv/jail/.env"  # noqa: S105 - a path
_HOST, _ORIGIN = "attacker.test", "http://attacker.test"
_FORGED: Final = ({"host": _HOST}, {"origin": _ORIGIN}, {"host": _HOST, "origin": _ORIGIN})


async def play(scene: Scene) -> None:
    """Read a file with a foreign Host, a foreign Origin and both; even where the page somehow holds a token."""
    door = scene.door("files")
    if scene.variant == "benign":
        await _read(scene, door, {}, "/srv/jail/notes.txt")
        return
    # The mistake: the server listens on loopback and therefore asks for nothing.
    door = Door(scene.urls["files"], {}) if scene.variant == "wrong" else door
    for forged in _FORGED:
        await _read(scene, door, forged, _SECRET)
        await _read(scene, Door(door.url, {}), forged, _SECRET)


async def _read(scene: Scene, door: Door, forged: dict[str, str], path: str) -> None:
    params = {"name": "read_file", "arguments": {"path": path}}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()
    answer = await Caller(Door(door.url, {**door.headers, **forged})).send("POST", body=body)
    scene.note("answered", f"{answer.status_code} {', '.join(forged)}")
