"""What an agent is offered, and what it gets when it asks for more."""

from __future__ import annotations

from toolgate.attacks.scene import Scene


async def play(scene: Scene) -> None:
    """List, then call; each tool that was offered is noted once the calls of the run were carried out."""
    offered = await scene.agent().tools("office", obey=False)
    await scene.carry_out(scene.steps)
    if "done" in scene.stubs["office"].noted:
        for tool in offered:
            scene.note("offered", tool.name)
