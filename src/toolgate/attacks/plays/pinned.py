"""The steps of a case whose tempting mistake is to leave a server unpinned: there the pin is taken off first."""

from __future__ import annotations

from toolgate.attacks.scene import Scene
from toolgate.attacks.stage import ACTOR
from toolgate.store import servers
from toolgate.store.database import writing


async def play(scene: Scene) -> None:
    """Carry out the steps, without pins in the variant `wrong`."""
    if scene.variant == "wrong":
        _unpin(scene)
    await scene.carry_out(scene.steps)


def _unpin(scene: Scene) -> None:
    engine = scene.stage.engine
    for server_id in {door.server_id for door in scene.doors.values()}:
        found = servers.get(engine, server_id)
        with writing(engine, ACTOR) as change:
            servers.amend(change, server_id, servers.Registration(found.url, reach=found.reach, pin=False), None)
    scene.stage.settle()
