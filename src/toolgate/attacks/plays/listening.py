"""What reaches the agent word for word: descriptions and answers are noted as `heard`."""

from __future__ import annotations

import asyncio

from toolgate.attacks.scene import Scene
from toolgate.audit.records import Outcome


async def play(scene: Scene) -> None:
    """Carry out the steps, and wait for the record of what was taken out of answers on the way."""
    agent = scene.agent()
    for step in scene.case.benign.steps if scene.variant == "benign" else scene.case.steps:
        for tool in await agent.tools(step.list) if step.list else ():
            scene.note("heard", tool.description or "")
        if step.call:
            scene.note("heard", (await agent.call(step.server, step.call, step.arguments)).text)
    # An outcome is written after the answer was passed on, by another process.
    while scene.behind_gateway and not _complete(scene):  # noqa: ASYNC110
        await asyncio.sleep(0.02)


def _complete(scene: Scene) -> bool:
    wanted = {each.decision_id for each in scene.decisions() if each.outcome == "allow" and each.method in _ANSWERED}
    return wanted <= {each.decision_id for each in scene.recorded() if isinstance(each, Outcome)}


_ANSWERED = frozenset({"tools/list", "tools/call"})
