"""A server whose command fetches it: started by hand, and by the gateway when an agent first asks for its tools."""

from __future__ import annotations

import asyncio
from typing import Final, cast

from toolgate.attacks.agent import connection
from toolgate.attacks.scene import Scene
from toolgate.attacks.stage import ACTOR, allow_all
from toolgate.attacks.stubs import shelf
from toolgate.store import servers
from toolgate.upstream.versions import floating

NAMES: Final = ("mailer", "mailer@1.0.15")
"""As a manual writes it, and with the version that was looked at."""


async def play(scene: Scene) -> None:
    """Start the package, and note what it did and which tools it lists."""
    packages = cast(shelf.Server, scene.stubs["shelf"])
    command = packages.command(_chosen(scene))
    await (_by_the_gateway(scene, command) if scene.behind_gateway else _by_hand(command))
    for trace in packages.traces():
        scene.note("ran", trace)


def _chosen(scene: Scene) -> str:
    """What is started: with the companion control, and in honest work, only what says its version."""
    careful = scene.variant in {"companion", "benign"}
    return next(name for name in NAMES if not (careful and floating(("npx", "-y", name))))


async def _by_hand(command: tuple[str, ...]) -> None:
    null = asyncio.subprocess.DEVNULL
    await (await asyncio.create_subprocess_exec(*command, stdin=null, stdout=null)).wait()


async def _by_the_gateway(scene: Scene, command: tuple[str, ...]) -> None:
    stage, name = scene.stage, scene.stage.fresh()
    server = servers.add(stage.engine, ACTOR, name, command=command)
    minted = stage.grant(server.id, name, allow_all(), {})
    stage.settle()
    headers = {"authorization": f"Bearer {minted.token}"}
    async with connection(f"{stage.address}/mcp/{server.id}/", headers) as client:
        for tool in (await client.list_tools()).tools:
            scene.note("listed", tool.name)
    servers.remove(stage.engine, ACTOR, server.id)
    stage.settle()
