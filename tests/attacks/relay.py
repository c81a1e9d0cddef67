"""What a gateway is when nothing in it judges: requests and answers pass as they come, for the test of the tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

from toolgate.attacks.stage import Stage
from toolgate.store import servers

_KEPT = ("content-type", "mcp-session-id")


@asynccontextmanager
async def relayed(stage: Stage) -> AsyncIterator[Stage]:
    """The stage with a bare relay where its gateway was."""
    application = web.Application(client_max_size=256 * 1024 * 1024)
    application.router.add_route("*", "/mcp/{server}/", _relay(stage))
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    stage.address = str(site._server.sockets[0].getsockname()[1])  # type: ignore[union-attr]
    stage.address = f"http://127.0.0.1:{stage.address}"
    try:
        yield stage
    finally:
        await runner.cleanup()


def _relay(stage: Stage):  # type: ignore[no-untyped-def]
    async def relay(request: web.Request) -> web.StreamResponse:
        url = servers.get(stage.engine, request.match_info["server"]).url
        headers = {name: text for name, text in request.headers.items() if name.lower() != "content-length"}
        async with (
            aiohttp.ClientSession(auto_decompress=False) as session,
            session.request(request.method, url, data=await request.read(), headers=headers) as answer,
        ):
            kept = {name: text for name, text in answer.headers.items() if name.lower() in _KEPT}
            return web.Response(status=answer.status, body=await answer.read(), headers=kept)

    return relay
