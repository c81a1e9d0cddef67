"""A server that anybody can reach, asked by somebody who shows nothing, or a token that nobody gave them."""

from __future__ import annotations

from typing import Final

from toolgate.attacks.door import Door
from toolgate.attacks.handshake import Caller
from toolgate.attacks.scene import Scene

_SECRET: Final = {"path": "/srv/jail/.env"}
_SHOWN: Final = ("", "Bearer guess", "Basic YWRtaW46YWRtaW4=")


async def play(scene: Scene) -> None:
    """Read a file without a credential, with an invented token, and with the password that everybody tries."""
    if scene.variant == "benign":
        await scene.carry_out(scene.case.benign.steps)
        return
    # The mistake: a gateway was put in front, and the old address still answers.
    url = scene.way_in("files").url
    for shown in _SHOWN:
        caller = Caller(Door(url, {"authorization": shown} if shown else {}))
        status = await caller.call("", "read_file", dict(_SECRET))
        scene.note("answered", str(status))
