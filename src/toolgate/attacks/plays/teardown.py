"""A call that waits for a person; in the honest run the person approves it, and the agent repeats it."""

from __future__ import annotations

import asyncio

from toolgate.attacks.scene import Scene
from toolgate.attacks.stage import ACTOR
from toolgate.errors import ToolgateError
from toolgate.store.approvals import ApprovalStore


async def play(scene: Scene) -> None:
    """Carry out the steps, in the honest run once more after the approval."""
    if scene.variant != "benign":
        await scene.carry_out(scene.case.steps)
        return
    await scene.carry_out(scene.case.benign.steps)
    await asyncio.to_thread(_approve, scene)
    await scene.carry_out(scene.case.benign.steps)


def _approve(scene: Scene) -> None:
    """What a person does who looks at the one call that waits. Raises ToolgateError where it is not one."""
    store = ApprovalStore(scene.stage.data)
    grants = {door.grant_id for door in scene.doors.values()}
    try:
        waiting = [approval for approval in store.every(["pending"]) if approval.grant_id in grants]
        if len(waiting) != 1:
            raise ToolgateError("approvals", f"{len(waiting)} calls wait where one was expected")
        store.decide(waiting[0].id, "approved", ACTOR)
    finally:
        store.close()
