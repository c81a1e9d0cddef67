"""A session id that was seen by somebody else, used with every verb; and by its owner after the grant was revoked."""

from __future__ import annotations

from toolgate.attacks.door import Door
from toolgate.attacks.handshake import Caller
from toolgate.attacks.plays.session_guess import NOTE
from toolgate.attacks.scene import Scene
from toolgate.attacks.stage import ACTOR
from toolgate.store import grants


async def play(scene: Scene) -> None:
    """The owner keeps a note; then each use of the session by somebody else that was answered is noted as `used`."""
    door = scene.door("desk")
    owner = Caller(door)
    session = await owner.begin()
    await owner.call(session, "keep_note", {"text": NOTE})
    if scene.variant == "benign":
        scene.note("own", str(await owner.call(session, "recall_note", {})))
        scene.note("own", str(await owner.ask("DELETE", session)))
        return
    around = scene.variant == "wrong"  # the mistake: the server is in reach, and asks for the session alone
    other = Caller(Door(scene.urls["desk"], {}) if around else scene.door("desk", "mallory"))
    await _use(scene, other, "1" if around else session)
    if scene.variant == "guarded":
        grants.revoke(scene.stage.engine, ACTOR, door.grant_id)
        scene.stage.settle()
        _look(scene, "its owner, revoked", await owner.call(session, "recall_note", {}))


async def _use(scene: Scene, other: Caller, session: str) -> None:
    _look(scene, "POST", await other.call(session, "recall_note", {}))
    _look(scene, "GET", await other.ask("GET", session))
    _look(scene, "DELETE", await other.ask("DELETE", session))


def _look(scene: Scene, who: str, status: int) -> None:
    scene.note("used" if status < 400 else "refused", f"{who}: {status}")
