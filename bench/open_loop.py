"""Load on a fixed schedule: what a caller waits, counted from the moment its call was due."""

from __future__ import annotations

import asyncio
import re
import time
from urllib.parse import urlsplit

import uvloop

CONNECTIONS = 64


class Caller(asyncio.Protocol):
    """One keep-alive connection with at most one call under way."""

    def __init__(self, free: asyncio.Queue[Caller], waits: list[float]) -> None:
        self.free, self.waits = free, waits
        self.due = 0.0
        self.got = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def call(self, request: bytes, due: float) -> None:
        self.due = due
        self.transport.write(request)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self.got += data
        head, found, body = self.got.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: *(\d+)", head) if found else None
        if length and len(body) >= int(length[1]):
            self.waits.append(time.perf_counter() - self.due)
            self.got = b""
            self.free.put_nowait(self)


def request_of(url: str, script: str) -> bytes:
    """The request that a wrk script describes, so that both loads send the same bytes."""
    parts = urlsplit(url)
    headers = re.findall(r'wrk\.headers\["([^"]+)"\] = "([^"]+)"', script)
    body = re.search(r"wrk\.body = \[\[(.*)\]\]", script, re.DOTALL)
    assert body
    lines = [f"POST {parts.path} HTTP/1.1", f"Host: {parts.netloc}", *(f"{name}: {value}" for name, value in headers)]
    lines.append(f"Content-Length: {len(body[1])}")
    return ("\r\n".join(lines) + "\r\n\r\n" + body[1]).encode()


async def run(url: str, script: str, rate: int, seconds: int) -> tuple[float, float]:
    parts = urlsplit(url)
    request = request_of(url, script)
    free: asyncio.Queue[Caller] = asyncio.Queue()
    waits: list[float] = []
    loop = asyncio.get_running_loop()
    for _ in range(CONNECTIONS):
        _, caller = await loop.create_connection(lambda: Caller(free, waits), parts.hostname, parts.port)
        free.put_nowait(caller)
    start = time.perf_counter() + 0.1
    for number in range(rate * seconds):
        due = start + number / rate
        if (early := due - time.perf_counter()) > 0.0005:
            await asyncio.sleep(early)
        (await free.get()).call(request, due)
    await asyncio.sleep(0.5)
    waits.sort()
    return waits[len(waits) // 2] * 1000, waits[int(len(waits) * 0.99)] * 1000


def open_loop(url: str, script: str, rate: int, seconds: int) -> tuple[float, float]:
    """Median and 99th percentile in milliseconds at `rate` calls a second."""
    return uvloop.run(run(url, script, rate, seconds))
