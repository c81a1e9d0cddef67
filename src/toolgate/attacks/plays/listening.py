"""What reaches the agent word for word: descriptions and answers are noted as `heard`."""

from __future__ import annotations

from toolgate.attacks.scene import Scene


async def play(scene: Scene) -> None:
    """Carry out the steps."""
    agent = scene.agent()
    for step in scene.steps:
        for tool in await agent.tools(step.list) if step.list else ():
            scene.note("heard", tool.description or "")
        if step.call:
            scene.note("heard", (await agent.call(step.server, step.call, step.arguments)).text)
