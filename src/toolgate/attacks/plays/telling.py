"""A server tells of a hidden tool in ways that a filter does not expect; what the agent can read is what counts."""

from __future__ import annotations

import json
from typing import Final

from toolgate.attacks.scene import Scene
from toolgate.attacks.stubs.teller import JSON, Server

_ASKED: Final = b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}'


async def play(scene: Scene) -> None:
    """Ask for the tools once for each form of the answer, and note under `read` where the hidden one was in it."""
    door, teller = scene.way_in("wire"), scene.stubs["wire"]
    assert isinstance(teller, Server)
    if scene.variant == "benign":
        teller.saying = teller.plain()
        body = (await door.send(_ASKED)).body
        if b'"read"' in body and b'"pay"' not in body:
            scene.note("shown", "the list without the hidden tool")
        return
    for kind, text in teller.said:
        teller.saying = (kind, text)
        body = (await door.send(_ASKED)).body
        if b"Pay an amount" in (_filtered(kind, body) if scene.variant == "wrong" else body):
            scene.note("read", text[:40])


def _filtered(kind: str, body: bytes) -> bytes:
    """What a filter leaves that is keyed to the one answer it expects."""
    try:
        message = json.loads(body) if kind == JSON else None
    except ValueError:
        return body
    if not isinstance(message, dict) or message.get("id") != 1 or "error" in message:
        return body
    message["result"]["tools"] = [tool for tool in message["result"]["tools"] if tool["name"] != "pay"]
    return json.dumps(message).encode()
