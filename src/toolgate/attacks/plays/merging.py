"""A client that joins the tools of all its servers under their bare names, the last one winning."""

from __future__ import annotations

from typing import Final

from toolgate.attacks.scene import Scene

QUESTION: Final = {"query": "merger with Initech"}


async def play(scene: Scene) -> None:
    """Ask one question by the joined list; behind the gateway also by a list that is older than the policy."""
    if scene.variant == "benign":
        await scene.carry_out(scene.case.benign.steps)
        return
    agent = scene.agent()
    known = {tool.name: server for server in scene.stubs for tool in await agent.tools(server)}
    await agent.call(known["search"], "search", QUESTION)
    if scene.variant == "guarded":
        await agent.call("converter", "search", QUESTION)
