"""A call that waits for a person; in the honest run the person approves it, and the agent repeats it."""

from __future__ import annotations

from toolgate.attacks.scene import Scene
from toolgate.errors import ToolgateError


async def play(scene: Scene) -> None:
    """Carry out the steps, in the honest run once more after the approval. Raises ToolgateError where not one waits."""
    await scene.carry_out(scene.steps)
    if scene.variant == "benign":
        approved = scene.approve()
        if approved != 1:
            raise ToolgateError("approvals", f"{approved} calls waited where one was expected")
        await scene.carry_out(scene.steps)
