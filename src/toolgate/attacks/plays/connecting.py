"""Signing in at the authorization server that an MCP server names: by a naive client, and by the control plane."""

from __future__ import annotations

import re
from contextlib import AsyncExitStack
from html import unescape
from typing import Final, cast

from toolgate.attacks.agent import loopback
from toolgate.attacks.scene import Scene
from toolgate.attacks.shell import commands
from toolgate.attacks.stubs import authsrv
from toolgate.attacks.visitors import Visitor, person

_ONWARD: Final = re.compile(r'class="button primary" href="([^"]+)"')


async def play(scene: Scene) -> None:
    """Connect to every server of the case, or to the honest one; open whatever address one is told to go on to."""
    async with AsyncExitStack() as stack:
        if scene.variant not in {"guarded", "benign"}:
            for server in scene.stubs:
                _open(scene, await _believed(scene, server))
            return
        admin = await person(scene.stage, stack)
        for server in ["honest"] if scene.variant == "benign" else scene.stubs:
            _open(scene, await _asked_of_us(scene, admin, server))


async def _believed(scene: Scene, server: str) -> str:
    """What a naive client goes on to: whatever the metadata say."""
    issuer = cast(authsrv.Server, scene.stubs[server]).issuer
    async with loopback() as http:
        answer = await http.get(f"{issuer}/.well-known/oauth-authorization-server")
        return str(answer.json()["authorization_endpoint"])


async def _asked_of_us(scene: Scene, admin: Visitor, server: str) -> str:
    """Where the control plane's page lets an administrator go on to; "" where it says why not."""
    answer = await admin.submit(f"/connect/{scene.door(server).server_id}", {})
    scene.note("answered", f"{server} {answer.status_code}")
    onward = _ONWARD.search(answer.text) if answer.is_success else None
    return unescape(onward[1]) if onward else ""


def _open(scene: Scene, address: str) -> None:
    """Hand an address to a desktop whose opener is a shell script, as some are."""
    for words in commands(f"xdg-open {address}") if address else ():
        scene.note("ran", " ".join(words))
