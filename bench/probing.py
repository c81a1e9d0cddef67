"""What one caller waits for its small calls while something else goes on in the gateway."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import psutil
import uvloop
from tests.gateway.running import Gateway, Grant, Json, call, free_port
from tests.gateway.speaking import connected

POLICY: Json = {"version": "1", "default": "deny", "tools": {"run": {}}}
TOOL: Json = {"name": "run", "inputSchema": {"type": "object"}}
ANSWER = b'{"jsonrpc":"2.0","id":1,"result":{"content":[],"isError":false}}'
BODY = json.dumps(call("run", {"n": 1})).encode()


class Upstream(asyncio.Protocol):
    """Answers each request with the same result, whatever it says and however long it is."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._missing = 0

    def data_received(self, data: bytes) -> None:
        if not self._missing:
            head, _, body = data.partition(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            self._missing, data = length, body
        self._missing -= len(data)
        if not self._missing:
            kind = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
            self._transport.write(kind % len(ANSWER) + ANSWER)


@dataclass
class Calm:
    """A gateway on core 0 with one grant; everything else on core 1."""

    gateway: Gateway
    grant: Grant
    process: psutil.Process


def serve_upstream(port: int) -> None:
    """The whole life of the upstream's process."""

    async def forever() -> None:
        server = await asyncio.get_running_loop().create_server(Upstream, "127.0.0.1", port)
        await server.serve_forever()

    psutil.Process().cpu_affinity([1])
    uvloop.run(forever())


@contextmanager
def beside(target: Callable[..., None], *arguments: object, nice: int = 0) -> Iterator[None]:
    """Run `target` in a process of its own on core 1, so that its work is not the prober's wait."""
    process = multiprocessing.get_context("spawn").Process(target=target, args=arguments, daemon=True)
    process.start()
    assert process.pid is not None
    psutil.Process(process.pid).nice(nice)
    try:
        yield
    finally:
        process.kill()
        process.join()


@asynccontextmanager
async def calm_gateway(folder: Path) -> AsyncIterator[Calm]:
    psutil.Process().cpu_affinity([1])
    port = free_port()
    with beside(serve_upstream, port):
        gateway = await asyncio.to_thread(Gateway(folder / "data").start)
        try:
            assert gateway.process is not None
            process = psutil.Process(gateway.process.pid)
            process.cpu_affinity([0])
            for child in process.children():
                child.cpu_affinity([1])
                child.nice(19)
            server = gateway.add_server(f"http://127.0.0.1:{port}/mcp", [TOOL])
            yield Calm(gateway, gateway.grant(server, POLICY), process)
        finally:
            await asyncio.to_thread(gateway.close)


async def probe(grant: Grant, seconds: float, rate: int = 200) -> list[float]:
    """What each call took, in milliseconds; the next one is sent when it is due and the one before is answered."""
    waits: list[float] = []
    async with connected(grant.gateway.port) as speaker:
        start = time.perf_counter()
        for number in range(int(seconds * rate)):
            due = start + number / rate
            if (early := due - time.perf_counter()) > 0:
                await asyncio.sleep(early)
            due = time.perf_counter()
            answer = await speaker.post(grant, BODY)
            assert answer.status == 200, answer
            waits.append((time.perf_counter() - due) * 1000)
    return waits


def show(title: str, waits: list[float]) -> None:
    waits = sorted(waits)
    at = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999}
    figures = "  ".join(f"{name} {waits[int(len(waits) * share)]:7.2f}" for name, share in at.items())
    print(f"{title:45} {figures}  max {waits[-1]:7.2f} ms  ({len(waits)} calls)", flush=True)
