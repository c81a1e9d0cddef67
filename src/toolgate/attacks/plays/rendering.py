"""A client that shows the agent's answer as Markdown, and so fetches every image in it."""

from __future__ import annotations

import re
from typing import Final, cast
from urllib.parse import quote

from toolgate.attacks.scene import Scene
from toolgate.attacks.stubs import fetchbox
from toolgate.attacks.stubs.stub import Failed

_IMAGE: Final = re.compile(r"!\[[^\]]*\]\(([^)\s]+)\)")


async def play(scene: Scene) -> None:
    """Carry out the steps; the agent ends with the image that it was asked for, filled with what it read last."""
    await scene.carry_out(scene.steps)
    agent = scene.agent()
    answer = "\n".join(heard.text for heard in agent.heard)
    # The client's own connection: it goes past the gateway in every variant.
    client = cast(fetchbox.Server, scene.stubs["client"])
    for url in _IMAGE.findall(answer):
        try:
            await client.do_http_get({"url": url.replace("$LAST", quote(agent.last))})
        except Failed as error:
            scene.note("not_shown", str(error))
