"""What the gateway adds to a call of a stdio server: an HTTP client through it, beside the server spoken to directly.

`python -m bench.stdio_upstream [CALLS]`. Both sides are asked the same `tools/call` one after the other, in rounds that
alternate, so that a busy machine hurts both. The server does nothing but answer; microseconds, and CPU of the gateway.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import psutil
from tests.gateway.running import ALLOW_ALL, Gateway, Grant
from tests.gateway.speaking import Speaker, request_of

from toolgate.store import servers

PEER = Path(__file__).parents[1] / "tests/upstream/peer.py"
COMMAND = [sys.executable, "-S", "-E", str(PEER)]
ROUNDS = 10
INITIALIZE = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"protocolVersion": "2025-11-25"}}


def body(id_: int) -> bytes:
    params = {"name": "echo", "arguments": {"text": "hello"}}
    return json.dumps({"jsonrpc": "2.0", "id": id_, "method": "tools/call", "params": params}).encode()


class Direct:
    """The server's own pipes."""

    async def start(self) -> None:
        pipe = asyncio.subprocess.PIPE
        self.process = await asyncio.create_subprocess_exec(*COMMAND, stdin=pipe, stdout=pipe)

    async def call(self, id_: int) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(body(id_) + b"\n")
        assert b"result" in await self.process.stdout.readline()


class Through:
    """One keep-alive connection to the gateway, in a session."""

    async def start(self, grant: Grant) -> None:
        self.grant = grant
        reader, writer = await asyncio.open_connection("127.0.0.1", grant.gateway.port)
        self.speaker = Speaker(reader, writer)
        answer = await self.speaker.post(grant, json.dumps(INITIALIZE).encode())
        self.session = f"mcp-session-id: {answer.headers['mcp-session-id']}"

    async def call(self, id_: int) -> None:
        answer = await self.speaker.say(request_of(self.grant, body(id_), self.session))
        assert b"result" in answer.body


async def timed(side: Direct | Through, first: int, calls: int) -> list[float]:
    taken = []
    for id_ in range(first, first + calls):
        began = time.perf_counter()
        await side.call(id_)
        taken.append(1e6 * (time.perf_counter() - began))
    return taken


async def main(calls: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        gateway = Gateway(Path(folder) / "data").start()
        server = servers.add(gateway.engine, "bench", "peer", command=COMMAND).id
        direct, through = Direct(), Through()
        await direct.start()
        await through.start(gateway.grant(server, ALLOW_ALL))
        assert gateway.process is not None
        process = psutil.Process(gateway.process.pid)
        taken: dict[str, list[float]] = {"direct": [], "through": []}
        used = 0.0
        for number in range(ROUNDS):
            first = 1 + number * calls
            taken["direct"] += await timed(direct, first, calls)
            before = sum(process.cpu_times()[:2])
            taken["through"] += await timed(through, first, calls)
            used += sum(process.cpu_times()[:2]) - before
        medians = {name: statistics.median(times) for name, times in taken.items()}
        for name, times in taken.items():
            print(f"{name}: median {medians[name]:.0f}, 99th percentile {statistics.quantiles(times, n=100)[98]:.0f}")
        print(f"added at the median: {medians['through'] - medians['direct']:.0f}")
        print(f"CPU of the gateway a call: {1e6 * used / (ROUNDS * calls):.0f}")
        direct.process.kill()
        await direct.process.wait()
        gateway.close()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 200))
