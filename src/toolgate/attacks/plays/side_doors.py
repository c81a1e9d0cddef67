"""The same forbidden call at every door: the endpoint itself, and the routes that servers and older gateways had."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from toolgate.attacks.door import Door
from toolgate.attacks.scene import Scene
from toolgate.attacks.speech import tool_call
from toolgate.errors import ToolgateError

_BODY: Final = tool_call("pay", {"amount": 5})
_REFUSALS: Final = (400, 404, 405)


async def play(scene: Scene) -> None:
    """Knock at every door. Raises ToolgateError where one of the gateway's answers otherwise than with a refusal."""
    if scene.variant == "benign":
        await scene.carry_out(scene.case.benign.steps)
        return
    if scene.variant == "wrong":
        await scene.way_in("recorder").send(_BODY)
        return
    await scene.carry_out(scene.case.steps)
    door = scene.door("recorder")
    for verb, url, tail in _doors(door.url):
        said = await Door(url, door.headers).send(_BODY, verb, tail=tail)
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
