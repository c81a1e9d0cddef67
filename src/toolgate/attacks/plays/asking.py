"""A server asks, and the client answers whatever it is asked: with the model's text, or with what the person typed."""

from __future__ import annotations

import json
from typing import Any, Final

import httpx2

from toolgate.attacks import speech
from toolgate.attacks.scene import Scene
from toolgate.attacks.speech import Spoken

_ANSWERS: Final[dict[str, dict[str, Any]]] = {
    "sampling/createMessage": {
        "role": "assistant",
        "model": "model",
        "content": {"type": "text", "text": "canary-conversation-70f1"},
    },
    "elicitation/create": {"action": "accept", "content": {"typed": "canary-password-2ba6"}},
}


async def play(scene: Scene) -> None:
    """Call the tool on each topic of the run, in both eras; answer what is asked, and note what reached the client."""
    for step in scene.steps:
        for modern in (True, False) if step.call else ():
            await _call(scene, step.arguments, modern=modern)


async def _call(scene: Scene, arguments: dict[str, Any], *, modern: bool) -> None:
    for message in await _said(scene, speech.call("report", arguments, modern=modern)):
        if "method" in message:
            await _answer(scene, message)
        elif message.get("result", {}).get("resultType") == "input_required":
            await _call_again(scene, arguments, message["result"])
        else:
            scene.note("read", json.dumps(message))


async def _answer(scene: Scene, asked: dict[str, Any]) -> None:
    """Before 2026-07-28: a message of its own."""
    body = {"jsonrpc": "2.0", "id": asked["id"], "result": _ANSWERS[asked["method"]]}
    await _said(scene, Spoken(json.dumps(body).encode(), {"mcp_protocol_version": "2025-11-25"}))


async def _call_again(scene: Scene, arguments: dict[str, Any], result: dict[str, Any]) -> None:
    """From 2026-07-28 on: the call once more, with the answers."""
    answers = {name: _ANSWERS[_folded(asked)["method"]] for name, asked in result["inputRequests"].items()}
    more = {"inputResponses": answers, "requestState": result["requestState"]}
    for message in await _said(scene, speech.call("report", arguments, modern=True, **more)):
        scene.note("read", json.dumps(message))


async def _said(scene: Scene, spoken: Spoken) -> list[dict[str, Any]]:
    """The messages that come back, from a body or from a stream; none where the gateway cut it off."""
    try:
        _status, headers, body = await scene.post("asker", spoken.body, **spoken.headers)
    except httpx2.RemoteProtocolError:
        return []
    if headers.get("content-type", "").startswith("text/event-stream"):
        return [_folded(json.loads(line[5:])) for line in body.decode().splitlines() if line.startswith("data:")]
    return [_folded(json.loads(body))] if body else []


def _folded(message: dict[str, Any]) -> dict[str, Any]:
    """As a client reads it whose JSON reader does not regard the case of keys."""
    return {key.lower(): value for key, value in message.items()}
