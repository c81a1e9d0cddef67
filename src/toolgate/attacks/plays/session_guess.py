"""Session ids that can be guessed: somebody else's number, tried by an agent that never opened that session."""

from __future__ import annotations

from toolgate.attacks.handshake import Caller
from toolgate.attacks.scene import Scene

NOTE = "canary-draft-2f90"


async def play(scene: Scene) -> None:
    """One agent keeps a note in its session. Another tries numbers near its own, and the id itself."""
    owner = Caller(scene.door("desk"))
    session = await owner.begin()
    await owner.call(session, "keep_note", {"text": NOTE})
    if scene.variant == "benign":
        await owner.call(session, "recall_note", {})
        return
    # The mistake of the wrong setting: both agents show the token of one grant, so nobody can tell them apart.
    other = Caller(scene.door("desk", "agent" if scene.variant == "wrong" else "mallory"))
    for guess in [*_guesses(await other.begin()), session]:
        status = await other.call(guess, "recall_note", {})
        scene.note("answered", str(status))


def _guesses(own: str) -> list[str]:
    """The numbers before one's own, as far as it is one; else the first that any counter gives out."""
    newest = int(own) if own.isdigit() else 3
    return [str(number) for number in range(1, newest)]
