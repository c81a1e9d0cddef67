"""One loopback port on which the stubs of all runs answer, each below a path of its own."""

from __future__ import annotations

import asyncio
import importlib
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, Self, cast

import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from toolgate.attacks.stubs.stub import Stub
from toolgate.errors import ToolgateError

_HERE = Path(__file__).parent


class Host:
    """Serves stubs while its block lasts. `address` is its URL without a path."""

    def __init__(self) -> None:
        self._mounted: dict[str, ASGIApp] = {}
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(self._route, interface="asgi3", log_level="error", lifespan="off", access_log=False)
        self._server = uvicorn.Server(config)
        self._serving: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._serving = asyncio.create_task(self._server.serve(sockets=[self._socket]))
        return self

    async def __aexit__(self, *_error: object) -> None:
        self._server.should_exit = self._server.force_exit = True
        assert self._serving is not None
        await self._serving
        self._socket.close()

    @asynccontextmanager
    async def mounted(self, name: str, stub: Stub) -> AsyncIterator[str]:
        """Serve a stub for the time of the block; yields the URL of its MCP endpoint."""
        application = stub.application()
        async with AsyncExitStack() as stack:
            await stub.open()
            stack.push_async_callback(stub.close)
            if isinstance(application, Starlette):
                await stack.enter_async_context(application.router.lifespan_context(application))
            self._mounted[name] = application
            stack.callback(self._mounted.pop, name)
            yield f"{self.address}/{name}/mcp"

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        name, _, rest = scope.get("path", "").lstrip("/").partition("/")
        application = self._mounted.get(name)
        if application is None:
            await PlainTextResponse("nobody is here", 404)(scope, receive, send)
            return
        below = {**scope, "path": f"/{rest}", "raw_path": f"/{rest}".encode(), "root_path": ""}
        await application(below, receive, send)


def make_stub(name: str, folder: Path, options: dict[str, Any]) -> Stub:
    """The stub of a module of `stubs/`, on an empty folder. Raises ToolgateError for a name that is none."""
    return cast(Stub, _module("stubs", name).Server(folder, **options))


def find_play(name: str) -> Any:
    """The function `play` of a module of `plays/`. Raises ToolgateError for a name that is none."""
    return _module("plays", name).play


def _module(kind: str, name: str) -> ModuleType:
    if name == "stub" or not (_HERE / kind / f"{name}.py").is_file():
        raise ToolgateError(name, f"there is no such module in attacks/{kind}", "correct the case")
    return importlib.import_module(f"toolgate.attacks.{kind}.{name}")
