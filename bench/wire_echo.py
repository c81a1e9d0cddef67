"""What both halves of `wire` cost: a proxy of a dozen lines beside nginx `proxy_pass`, same core, same work.

    python -m bench.wire_echo [--rounds 5] [--seconds 3] [--connections 32] [--varied]

Needs nginx and wrk, and two cores: the proxy under test has core 0, the load and the upstream share core 1. Prints CPU
microseconds of the proxy process for each request (user and system), the medians of interleaved rounds, their ratio.
With `--varied` no head equals the one before it on its connection, so that none is recognised.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import psutil
import uvloop
from bench.peers import ANSWERS, PASSES, nginx, running

from toolgate.wire.client import Origin, Pool
from toolgate.wire.server import Exchange, serve

UPSTREAM, NGINX, WIRE = 18090, 18091, 18092
ANSWER = '{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"%s"}]}}' % ("x" * 950)
REQUEST = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"run","arguments":{"a":1}}}'

WRK = f"""
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Accept"] = "application/json, text/event-stream"
wrk.headers["Authorization"] = "Bearer tg_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"
wrk.headers["Mcp-Protocol-Version"] = "2025-11-25"
wrk.body = [[{REQUEST}]]
"""
VARIED = """
local turn = 0
request = function()
  turn = turn + 1
  return wrk.format(nil, nil, nil, wrk.body .. string.rep(" ", turn % 90))
end
"""
KEPT = (b"content-type", b"accept", b"mcp-protocol-version")


async def proxy() -> None:
    """Pass every request on: the shape of the gateway without its decisions."""
    pool = Pool(Origin("http", "127.0.0.1", UPSTREAM, ("127.0.0.1",)))

    async def pass_on(exchange: Exchange) -> None:
        body = await exchange.body(1 << 20)
        headers = [(name, value) for name in KEPT if (value := exchange.headers.get(name)) is not None]
        answer = await pool.send(exchange.method, exchange.path, headers, body, 30.0)
        kind = [(b"content-type", answer.headers.get(b"content-type") or b"")]
        if answer.body_complete is not None:
            exchange.respond(answer.status, kind, answer.body_complete)
            return
        exchange.start(answer.status, kind)
        while chunk := await answer.chunk():
            await exchange.write(chunk)
        exchange.finish()

    await serve(pass_on, "127.0.0.1", WIRE)
    await asyncio.Event().wait()


def cpu(process: psutil.Process) -> float:
    return sum(sum(p.cpu_times()[:2]) for p in [process, *process.children(recursive=True)])


def load(port: int, connections: int, seconds: float, script: Path) -> tuple[int, float, str]:
    """Give requests, requests a second, and the 99th percentile."""
    command = ["taskset", "-c", "1", "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", str(script)]
    said = subprocess.run(
        [*command, f"http://127.0.0.1:{port}/mcp/x"], capture_output=True, text=True, check=True
    ).stdout
    if "Non-2xx" in said or "Socket errors" in said:
        raise SystemExit(said)
    count = re.search(r"(\d+) requests in", said)
    rate = re.search(r"Requests/sec:\s*([\d.]+)", said)
    tail = re.search(r"99%\s+(\S+)", said)
    assert count is not None
    assert rate is not None
    assert tail is not None
    return int(count[1]), float(rate[1]), tail[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--varied", action="store_true", help="every head differs from the one before")
    parser.add_argument("--proxy", action="store_true", help="be the proxy (the bench starts it)")
    options = parser.parse_args()
    if options.proxy:
        uvloop.run(proxy())
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        os.chmod(folder, 0o755)
        script = folder / "load.lua"
        script.write_text(WRK + VARIED if options.varied else WRK)
        stack.enter_context(running(1, *nginx(folder, "answer", UPSTREAM, ANSWERS.format(answer=ANSWER), UPSTREAM)))
        peers = {
            "nginx": (NGINX, stack.enter_context(running(0, *nginx(folder, "proxy", NGINX, PASSES, UPSTREAM)))),
            "wire": (WIRE, stack.enter_context(running(0, sys.executable, "-m", "bench.wire_echo", "--proxy"))),
        }
        costs: dict[str, list[float]] = {peer: [] for peer in peers}
        rates: dict[str, list[float]] = {peer: [] for peer in peers}
        for _ in range(options.rounds):
            for peer, (port, process) in peers.items():
                before = cpu(process)
                count, rate, tail = load(port, options.connections, options.seconds, script)
                cost = (cpu(process) - before) / count * 1e6
                costs[peer].append(cost)
                rates[peer].append(rate)
                print(f"{peer:6} {cost:6.1f} us CPU  {rate:8.0f} requests/s  p99 {tail}")
        cost = {peer: statistics.median(values) for peer, values in costs.items()}
        rate = {peer: statistics.median(values) for peer, values in rates.items()}
        print(
            f"CPU a request: nginx {cost['nginx']:.1f} us, wire {cost['wire']:.1f} us, "
            f"{cost['wire'] / cost['nginx']:.2f} times"
        )
        print(f"throughput: {rate['wire'] / rate['nginx']:.2f} of nginx's")


if __name__ == "__main__":
    main()
