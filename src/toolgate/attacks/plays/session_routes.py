"""A session that was opened by one path and is carried to another one, where other rules hold."""

from __future__ import annotations

from typing import cast

from toolgate.attacks.handshake import Caller
from toolgate.attacks.plays.session_guess import NOTE
from toolgate.attacks.scene import Scene
from toolgate.attacks.stubs.sessionbox import Server


async def play(scene: Scene) -> None:
    """Open a session at the vault, whose policy lets nobody call anything, and name it at the open desk.

    Behind both stands a server that goes by the session alone, so nothing but the gateway looks where it was opened.
    """
    vault, desk = (cast(Server, scene.stubs[name]) for name in ("vault", "desk"))
    desk.beside = [vault]
    at_vault, at_desk = (Caller(scene.way_in(name)) for name in ("vault", "desk"))
    if scene.variant == "benign":
        session = await at_desk.begin()
        await at_desk.call(session, "recall_note", {})
        return
    session = await at_vault.begin()
    vault.sessions = dict.fromkeys(vault.sessions, NOTE)
    scene.note("answered", str(await at_desk.call(session, "recall_note", {})))
    scene.note("answered", str(await at_desk.ask("GET", session)))
