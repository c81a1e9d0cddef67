"""Open event streams: what ten thousand idle ones weigh, and how fast an event passes while a thousand are open.

    python -m bench.streams [--idle 10000] [--open 1000] [--events 2000]

The upstream runs in this process and keeps every GET stream open; the clients are raw connections. Each event carries
no time: the upstream's write and the client's read are on one clock, this process's.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import statistics
import tempfile
import time
from pathlib import Path

import psutil
import uvloop
from tests.gateway.running import ALLOW_ALL, Gateway, Grant
from tests.gateway.speaking import request_of

MIB = 1024 * 1024
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
EVENT = b'data: {"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"x"}}\n\n'
CHUNK = b"%x\r\n%b\r\n" % (len(EVENT), EVENT)
AT_ONCE = 200


class Upstream:
    """Answers each request with a stream that stays open; the newest is the one that events are sent on."""

    def __init__(self) -> None:
        self.writers: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HEAD)
        self.writers.append(writer)


async def open_stream(grant: Grant) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", grant.gateway.port, limit=4096)
    writer.write(request_of(grant, b"").replace(b"POST", b"GET", 1))
    head = await reader.readuntil(b"\r\n\r\n")
    if b" 200 " not in head:
        raise SystemExit(f"the stream was refused: {head!r}")
    return reader, writer


async def open_many(grant: Grant, count: int) -> list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    streams = []
    for start in range(0, count, AT_ONCE):
        streams += await asyncio.gather(*(open_stream(grant) for _ in range(min(AT_ONCE, count - start))))
    return streams


async def latency(grant: Grant, upstream: Upstream, events: int) -> list[float]:
    """The time of each event from the upstream's write to the client's read, in milliseconds."""
    reader, writer = await open_stream(grant)
    sender = upstream.writers[-1]
    took = []
    for _ in range(events):
        sent = time.perf_counter()
        sender.write(CHUNK)
        await reader.readuntil(b"\n\n")
        took.append((time.perf_counter() - sent) * 1000)
        await reader.readuntil(b"\r\n")
        await asyncio.sleep(0.001)
    writer.close()
    return sorted(took)


def show(title: str, took: list[float]) -> None:
    print(f"{title:40} median {statistics.median(took):.3f} ms  p99 {took[int(len(took) * 0.99)]:.3f} ms", flush=True)


async def run(folder: Path, idle: int, beside: int, events: int) -> None:
    psutil.Process().cpu_affinity([1])
    upstream = Upstream()
    server = await asyncio.start_server(upstream.serve, "127.0.0.1", 0, backlog=4096)
    gateway = await asyncio.to_thread(Gateway(folder / "data").start)
    try:
        assert gateway.process is not None
        process = psutil.Process(gateway.process.pid)
        process.cpu_affinity([0])
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/mcp"
        # A pool has 1,024 connections to a server at most, and each open stream holds one: so, several servers.
        grants = [gateway.grant(gateway.add_server(url), ALLOW_ALL) for _ in range(-(-idle // 1000))]
        show("an event, no other stream", await latency(grants[0], upstream, events))
        streams = await open_many(grants[0], beside)
        show(f"an event, {beside:,} other streams open", await latency(grants[0], upstream, events))
        before = process.memory_info().rss
        for grant in grants[1:]:
            streams += await open_many(grant, min(1000, idle - len(streams)))
        rss = process.memory_info().rss
        print(f"{len(streams):,} idle streams: {rss / MIB:.0f} MiB ({before / MIB:.0f} MiB with {beside:,})")
        show(f"an event, {len(streams):,} other streams open", await latency(grants[-1], upstream, events))
    finally:
        await asyncio.to_thread(gateway.close)
        server.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--idle", type=int, default=10_000)
    parser.add_argument("--open", type=int, default=1_000)
    parser.add_argument("--events", type=int, default=2_000)
    options = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory() as name:
        uvloop.run(run(Path(name), options.idle, options.open, options.events))


if __name__ == "__main__":
    main()
