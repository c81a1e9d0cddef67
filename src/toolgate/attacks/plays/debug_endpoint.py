"""Endpoints for administration and debugging, asked by somebody who shows no credential."""

from __future__ import annotations

import json
import re
from contextlib import AsyncExitStack
from typing import Any, Final

from toolgate.attacks.door import Door
from toolgate.attacks.handshake import Caller
from toolgate.attacks.scene import Scene
from toolgate.attacks.visitors import Visitor, program, stranger

_COMMAND: Final = "touch pwned"
_FOREIGN: Final = "http://attacker.test"
_API: Final = "/api/v1"
_VERBS: Final = ("get", "post", "put", "patch", "delete")


async def play(scene: Scene) -> None:
    """Note as `admitted` whatever is done for somebody without a credential; honestly: what a program with one gets."""
    async with AsyncExitStack() as stack:
        if scene.variant in {"bare", "wrong"}:
            await _ask_the_inspector(scene)
            return
        known = await program(scene.stage, stack)
        if scene.variant == "benign":
            scene.note("listed", str((await known.ask("GET", f"{_API}/servers")).status_code))
            return
        operations = (await known.ask("GET", f"{_API}/openapi.json")).json()
        nobody = await stranger(scene.stage, stack, origin=_FOREIGN)
        await _ask_everything(scene, nobody, operations)
        await _ask_for_a_process(scene, known)


async def _ask_the_inspector(scene: Scene) -> None:
    """As a page of a stranger does in a developer's browser: it listens on loopback, and so it believes everybody."""
    url = scene.urls["inspector"].removesuffix("/mcp") + "/run"
    body = json.dumps({"command": _COMMAND}).encode()
    answer = await Caller(Door(url, {"origin": _FOREIGN})).send("POST", body=body)
    scene.note("admitted" if answer.is_success else "refused", f"/run {answer.status_code}")


async def _ask_everything(scene: Scene, nobody: Visitor, operations: dict[str, Any]) -> None:
    """Every operation that the API document lists."""
    for path, item in operations["paths"].items():
        for verb in [verb for verb in _VERBS if verb in item]:
            answer = await nobody.ask(verb.upper(), _API + re.sub(r"\{[^}]*\}", "x", path), json={})
            scene.note("refused" if answer.status_code in {401, 403} else "admitted", f"{verb} {path}")


async def _ask_for_a_process(scene: Scene, known: Visitor) -> None:
    """Even an administrator starts no program from afar, unless the operator allowed it at the start."""
    body = {"name": scene.stage.fresh(), "command": ["touch", "pwned"]}
    answer = await known.ask("POST", f"{_API}/servers", json=body)
    scene.note("admitted" if answer.is_success else "refused", f"command {answer.status_code}")
