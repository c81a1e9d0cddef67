"""The same forbidden call at every door: the endpoint itself, and the routes that servers and older gateways had."""

from __future__ import annotations

import json
from typing import Any, Final
from urllib.parse import urlsplit

from toolgate.attacks.raw import request, say
from toolgate.attacks.scene import Scene
from toolgate.errors import ToolgateError

_CALL: Final[dict[str, Any]] = {"name": "pay", "arguments": {"amount": 5}}
_BODY: Final = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": _CALL}).encode()
_REFUSALS: Final = (400, 404, 405)


async def play(scene: Scene) -> None:
    """Knock at every door. Raises ToolgateError where one of the gateway's answers otherwise than with a refusal."""
    if scene.variant == "benign":
        await scene.carry_out(scene.case.benign.steps)
        return
    if scene.variant == "wrong":
        await say(scene.urls["recorder"], request(scene.urls["recorder"], "POST", [], _BODY))
        return
    await scene.carry_out(scene.case.steps)
    door = scene.door("recorder")
    fields = [f"{name}: {value}" for name, value in door.headers.items()]
    for verb, url, tail in _doors(door.url):
        said = await say(url, request(url, verb, fields, _BODY, tail))
        if scene.variant == "guarded" and said.status not in _REFUSALS:
            raise ToolgateError(f"{verb} {url}{tail}", f"answered {said.status} where a refusal was expected")


def _doors(endpoint: str) -> list[tuple[str, str, str]]:
    """Verb, URL and what follows it: beside the endpoint, below it, spelt otherwise, or with another verb."""
    parts = urlsplit(endpoint)
    origin = f"{parts.scheme}://{parts.netloc}"
    beside = [f"{origin}/{path}" for path in ("api/tool/pay/invoke", "sse", "messages", "mcp", "tools/call")]
    spelt = [f"{origin}/{parts.path}", endpoint.replace("/mcp/", "/MCP/")]
    below = ("tools/call", "sse", "..", "%2e%2e/", "?tool=pay")
    return [
        *(("POST", url, "") for url in (*beside, *spelt)),
        *(("POST", endpoint, tail) for tail in below),
        *((verb, endpoint, "") for verb in ("PUT", "PATCH")),
    ]
