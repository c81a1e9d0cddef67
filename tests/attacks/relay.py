"""What a gateway is when nothing in it judges: requests and answers pass as they come, for the test of the tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

from toolgate.attacks.stage import ACTOR, Stage
from toolgate.store import servers, tokens
from toolgate.store.gateway_file import control_url, write_control_url

_KEPT = ("content-type", "mcp-session-id")
_MOST = 256 * 1024 * 1024


@asynccontextmanager
async def relayed(stage: Stage) -> AsyncIterator[Stage]:
    """The stage with a bare relay where its gateway was, and a control plane that takes everybody for its owner."""
    application = web.Application(client_max_size=_MOST)
    application.router.add_route("*", "/mcp/{server}/", _to_servers(stage))
    application.router.add_route("*", "/{rest:.*}", _to_control(stage))
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    stage.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    write_control_url(stage.data, stage.address)
    try:
        yield stage
    finally:
        await runner.cleanup()


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def _to_servers(stage: Stage) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        return await _pass(request, servers.get(stage.engine, request.match_info["server"]).url, {})

    return handle


def _to_control(stage: Stage) -> Handler:
    url = control_url(stage.data)
    token = tokens.add(stage.engine, ACTOR, stage.fresh(), "admin").secret
    owner = {"authorization": f"Bearer {token}", "origin": url, "host": url.removeprefix("http://")}

    async def handle(request: web.Request) -> web.StreamResponse:
        return await _pass(request, url + request.path_qs, owner)

    return handle


async def _pass(request: web.Request, url: str, added: dict[str, str]) -> web.StreamResponse:
    headers = {name.lower(): text for name, text in request.headers.items()}
    headers.pop("content-length", None)
    async with (
        aiohttp.ClientSession(auto_decompress=False) as session,
        session.request(request.method, url, data=await request.read(), headers={**headers, **added}) as answer,
    ):
        kept = {name: text for name, text in answer.headers.items() if name.lower() in _KEPT}
        return web.Response(status=answer.status, body=await answer.read(), headers=kept)
