"""Messages that two readers understand differently, sent byte for byte; what arrives is what counts."""

from __future__ import annotations

from toolgate.attacks.case import Sending
from toolgate.attacks.naive import passes
from toolgate.attacks.scene import Scene
from toolgate.errors import ToolgateError


async def play(scene: Scene) -> None:
    """Send each message of the case, or its harmless twin, and note under `arrived` which the server got."""
    assert scene.case.twin is not None  # every case with messages has one
    for sending in [scene.case.twin] if scene.variant == "benign" else scene.case.sends:
        await _send(scene, sending)


async def _send(scene: Scene, sending: Sending) -> None:
    wire, body = scene.stubs["wire"], sending.wire
    before = len(wire.noted.get("body", ()))
    if scene.variant == "wrong" and not passes(body, sending.headers):
        return
    status = (await scene.way_in("wire").send(body, sending.verb, sending.headers, sending.tail)).status
    if len(wire.noted.get("body", ())) > before:
        scene.note("arrived", sending.note)
        if scene.variant == "benign":
            scene.note("as sent" if wire.noted["body"][-1].encode("latin-1") == body else "altered", sending.note)
    elif scene.variant == "bare" and sending.lenient:
        raise ToolgateError(sending.note, f"did not reach the bare server, which answered {status}", "correct the case")
    if scene.variant == "guarded" and status != sending.status:
        raise ToolgateError(sending.note, f"was answered with {status} instead of {sending.status}", "")
