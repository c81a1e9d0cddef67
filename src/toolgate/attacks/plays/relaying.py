"""Mail behind a relay that delivers to known domains only, in the variant that shows the companion control."""

from __future__ import annotations

from typing import Final, cast

from toolgate.attacks.scene import Scene
from toolgate.attacks.stubs import mailbox

DOMAINS: Final = frozenset({"example.com"})


async def play(scene: Scene) -> None:
    """Carry out the steps; the network lets mail out to everybody, but in the variant `companion`."""
    if scene.variant == "companion":
        cast(mailbox.Server, scene.stubs["mail"]).relay = DOMAINS
    await scene.carry_out(scene.case.benign.steps if scene.variant == "benign" else scene.case.steps)
