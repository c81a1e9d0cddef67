"""Headers by which a caller would choose the credential that a server is called with."""

from __future__ import annotations

from typing import Final

from toolgate.attacks.door import Door
from toolgate.attacks.handshake import Caller
from toolgate.attacks.plays.token_passthrough import CALL
from toolgate.attacks.scene import Scene

_MINE: Final = "canary-attacker-3c11"
_SENT: Final = {
    "x-upstream-authorization": f"Bearer {_MINE}",
    "x-api-key": _MINE,
    "x-forwarded-user": _MINE,
    "cookie": f"session={_MINE}",
    "proxy-authorization": f"Basic {_MINE}",
}
_KNOWN: Final = frozenset({"authorization", "cookie", "x-api-key", "proxy-authorization"})
"""What somebody thought of when they wrote a list of headers to drop."""


async def play(scene: Scene) -> None:
    """Send them with a call; the server notes what arrives."""
    door = scene.way_in("service")
    sent = {} if scene.variant == "benign" else _SENT
    if scene.variant == "wrong":
        sent = {name: text for name, text in sent.items() if name not in _KNOWN}
    await Caller(Door(door.url, {**sent, **door.headers})).send("POST", body=CALL)
