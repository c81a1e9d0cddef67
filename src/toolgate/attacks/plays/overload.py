"""What makes a reader run out of memory, of stack or of time; then somebody looks whether it still answers."""

from __future__ import annotations

from typing import Final

from toolgate.attacks.door import Door
from toolgate.attacks.scene import Scene
from toolgate.attacks.speech import tool_call

_LARGE: Final = 1_200_000
_DEEP: Final = 100_000
_SLOW: Final = "a" * 27 + "!"
"""Takes an engine that backtracks longer with each letter, on the pattern of the policy."""
_HEALTHY: Final = 200


async def play(scene: Scene) -> None:
    """Send the large, the deep and the slow one, and note what they did."""
    if scene.variant == "benign":
        await scene.carry_out(scene.case.benign.steps)
        return
    nested = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":' + b"[" * _DEEP + b"]" * _DEEP + b"}"
    large, slow = (tool_call("read", {"name": name}) for name in ("x" * _LARGE, _SLOW))
    for body in (large, nested, slow):
        await scene.way_in("recorder").send(body)
    _count(scene)
    if scene.variant == "guarded" and not await _alive(scene):
        scene.note("harm", "the gateway does not answer any more")


def _count(scene: Scene) -> None:
    """What the server was made to do."""
    noted = scene.stubs["recorder"].noted
    for entry in noted.get("crashed", []):
        scene.note("harm", f"the reader ran out of stack on {entry}")
    for body in noted.get("body", []):
        if len(body) >= _LARGE:
            scene.note("harm", f"a body of {len(body)} bytes was taken in")
    for executed in noted.get("executed", []):
        if _SLOW in executed:
            scene.note("harm", "a value was let through that the pattern does not accept")


async def _alive(scene: Scene) -> bool:
    return (await Door(f"{scene.stage.address}/healthz", {}).send(b"", "GET")).status == _HEALTHY
