"""Listeners, pools and raw peers on loopback, all ended with the test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from toolgate.wire.client import Origin, Pool, PoolLimits
from toolgate.wire.server import Exchange, Listener, ServerLimits, serve

from .raw import PATIENCE, QUICK, echo

Handler = Callable[[Exchange], Awaitable[None]]
Serving = Callable[..., Awaitable[Listener]]
Pooling = Callable[..., Pool]
Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Scripting = Callable[[Script], Awaitable[int]]


@pytest.fixture
async def served() -> AsyncIterator[Serving]:
    listeners: list[Listener] = []

    async def start(handler: Handler = echo, limits: ServerLimits | None = None, **more: object) -> Listener:
        listener = await serve(handler, "127.0.0.1", 0, limits, **more)  # type: ignore[arg-type]
        listeners.append(listener)
        return listener

    yield start
    for listener in listeners:
        await asyncio.wait_for(listener.close(0), PATIENCE)


@pytest.fixture
async def pooled() -> AsyncIterator[Pooling]:
    pools: list[Pool] = []

    def start(port: int, limits: PoolLimits | None = None, addresses: tuple[str, ...] = ("127.0.0.1",)) -> Pool:
        pool = Pool(Origin("http", "localhost", port, addresses), limits or PoolLimits(tick=QUICK))
        pools.append(pool)
        return pool

    yield start
    for pool in pools:
        await asyncio.wait_for(pool.close(), PATIENCE)


@pytest.fixture
async def scripted() -> AsyncIterator[Scripting]:
    """A server that does with each connection exactly what its script says."""
    servers: list[asyncio.Server] = []
    tasks: set[asyncio.Task[None]] = set()

    async def start(script: Script) -> int:
        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            tasks.add(task)
            try:
                await script(reader, writer)
            except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                writer.transport.abort()
            finally:
                writer.close()
                tasks.discard(task)

        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        servers.append(server)
        return int(server.sockets[0].getsockname()[1])

    yield start
    for server in servers:
        server.close()
    for task in tuple(tasks):
        task.cancel()
    if tasks:
        await asyncio.wait(tuple(tasks), timeout=PATIENCE)
