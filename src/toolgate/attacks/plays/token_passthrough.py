"""What becomes of the token that an agent shows: whether the server behind gets to see it."""

from __future__ import annotations

from typing import Final

from toolgate.attacks.door import Door
from toolgate.attacks.handshake import Caller
from toolgate.attacks.scene import Scene
from toolgate.attacks.speech import tool_call
from toolgate.attacks.stage import ACTOR
from toolgate.keys import MasterKey
from toolgate.store import headers, servers
from toolgate.store.database import writing
from toolgate.store.headers import HeaderInput
from toolgate.store.servers import Registration

CALL: Final = tool_call("read", {"name": "a"})
_BARE: Final = "Bearer canary-agent-token-5b7c"
_OWN: Final = "Bearer canary-server-token-d20e"


async def play(scene: Scene) -> None:
    """Call a tool with the agent's token; note as `passed` where that token arrives, as `own` where the server's does.

    Behind the gateway the server has a credential of its own; in the wrong setting somebody stored the agent's as it.
    """
    door = scene.door("service")
    shown = door.headers.get("authorization", _BARE)
    if scene.behind_gateway:
        _give(scene, door.server_id, shown if scene.variant == "wrong" else _OWN)
    answer = await Caller(Door(door.url, {"authorization": shown})).send("POST", body=CALL)
    seen = scene.stubs["service"].noted.get("header", [])
    for effect, token in (("passed", shown), ("own", _OWN)):
        for line in seen:
            if token in line:
                scene.note(effect, line.partition(":")[0])
    if _OWN.removeprefix("Bearer ") in f"{answer.text} {dict(answer.headers)}":
        scene.note("passed", "the server's token, to the agent")


def _give(scene: Scene, server_id: str, credential: str) -> None:
    """What `toolgate server set --header` does."""
    stage = scene.stage
    sealer = MasterKey.load(stage.data).sealer(headers.PURPOSE)
    url = servers.get(stage.engine, server_id).url
    with writing(stage.engine, ACTOR) as change:
        given = (HeaderInput("authorization", credential),)
        servers.amend(change, server_id, Registration(url, credentials=given), sealer)
    stage.settle()
