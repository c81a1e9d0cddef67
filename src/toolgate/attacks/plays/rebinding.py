"""What a web page can send to a server on its visitor's machine: the right address, with its own names in the head."""

from __future__ import annotations

from typing import Final

from toolgate.attacks.door import Door
from toolgate.attacks.handshake import Caller
from toolgate.attacks.scene import Scene
from toolgate.attacks.speech import tool_call

_SECRET: Final = "/srv/jail/.env"  # noqa: S105 - a path
_HOST, _ORIGIN = "attacker.test", "http://attacker.test"
_FORGED: Final = ({"host": _HOST}, {"origin": _ORIGIN}, {"host": _HOST, "origin": _ORIGIN})


async def play(scene: Scene) -> None:
    """Read a file with a foreign Host, a foreign Origin and both; even where the page somehow holds a token."""
    # The mistake: the server listens on loopback and therefore asks for nothing.
    door = scene.way_in("files")
    if scene.variant == "benign":
        await _read(scene, door, {}, "/srv/jail/notes.txt")
        return
    for forged in _FORGED:
        await _read(scene, door, forged, _SECRET)
        await _read(scene, Door(door.url, {}), forged, _SECRET)


async def _read(scene: Scene, door: Door, forged: dict[str, str], path: str) -> None:
    body = tool_call("read_file", {"path": path})
    answer = await Caller(Door(door.url, {**door.headers, **forged})).send("POST", body=body)
    scene.note("answered", f"{answer.status_code} {', '.join(forged)}")
