"""What idle streams weigh, and how fast an event passes while they are open.

    python bench/wire_streams.py [--streams 10000] [--events 2000]

A proxy made of both halves of `wire` runs in a process of its own between this one, which holds the clients, and a
server in a third. Prints the memory of the proxy for each open stream, and the time of an event from the server's write
to the client's read (same clock), the median and the 99th percentile, beside the same events without the proxy. Each
stream takes two file descriptors of the proxy.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import statistics
import subprocess
import sys
import time

import psutil
import uvloop

from toolgate.wire.client import Origin, Pool, PoolLimits
from toolgate.wire.server import Exchange, ServerLimits, serve

SERVER, PROXY = 18095, 18096
MANY = 50_000


def pool_to(port: int) -> Pool:
    return Pool(Origin("http", "127.0.0.1", port, ("127.0.0.1",)), PoolLimits(connections=MANY))


async def server() -> None:
    async def stream(exchange: Exchange) -> None:
        exchange.start(200, [(b"content-type", b"text/event-stream")])
        await exchange.write(b": hello\n\n")
        while exchange.path == "/clock":
            await asyncio.sleep(0.002)
            await exchange.write(b"data: %d\n\n" % time.monotonic_ns())
        await asyncio.Event().wait()

    await serve(stream, "127.0.0.1", SERVER, ServerLimits(connections=MANY))
    await asyncio.Event().wait()


async def proxy() -> None:
    pool = pool_to(SERVER)

    async def pass_on(exchange: Exchange) -> None:
        answer = await pool.send("GET", exchange.path, [], timeout=30)
        try:
            exchange.start(answer.status, [(b"content-type", b"text/event-stream")])
            while chunk := await answer.chunk():
                await exchange.write(chunk)
            exchange.finish()
        finally:
            answer.close()

    await serve(pass_on, "127.0.0.1", PROXY, ServerLimits(connections=MANY))
    await asyncio.Event().wait()


async def delays(port: int, events: int) -> list[float]:
    """Give the microseconds that each event took."""
    answer = await pool_to(port).send("GET", "/clock", [], timeout=30)
    await answer.chunk()
    took = []
    while len(took) < events:
        chunk = await answer.chunk()
        now = time.monotonic_ns()
        took += [
            (now - int(event.removeprefix(b"data: "))) / 1000 for event in chunk.split(b"\n\n") if b"data" in event
        ]
    answer.close()
    return took


def told(what: str, took: list[float]) -> float:
    median, tail = statistics.median(took), statistics.quantiles(took, n=100)[98]
    print(f"{what:32} median {median:6.0f} us, 99th percentile {tail:6.0f} us")
    return median


async def measure(streams: int, events: int, process: psutil.Process) -> None:
    direct = told("an event without the proxy", await delays(SERVER, events))
    before = process.memory_info().rss
    pool = pool_to(PROXY)
    held = []
    for start in range(0, streams, 200):
        calls = [pool.send("GET", "/idle", [], timeout=30) for _ in range(min(200, streams - start))]
        held += await asyncio.gather(*calls)
    for answer in held:
        await answer.chunk()
    rss = process.memory_info().rss
    passed = told(f"through it, {streams} others open", await delays(PROXY, events))
    print(f"the proxy adds {passed - direct:.0f} us")
    print(f"memory: {rss / 1e6:.0f} MB in all, {(rss - before) / streams / 1024:.1f} KiB for each stream, both sides")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=10_000)
    parser.add_argument("--events", type=int, default=2000)
    parser.add_argument("--part", choices=["server", "proxy"], help="be that part (the bench starts it)")
    options = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if options.part:
        uvloop.run(server() if options.part == "server" else proxy())
    with (
        subprocess.Popen([sys.executable, __file__, "--part", "server"]) as behind,
        subprocess.Popen([sys.executable, __file__, "--part", "proxy"]) as between,
    ):
        try:
            time.sleep(1)
            uvloop.run(measure(options.streams, options.events, psutil.Process(between.pid)))
        finally:
            behind.terminate()
            between.terminate()


if __name__ == "__main__":
    main()
