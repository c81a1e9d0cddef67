"""What one call costs through the gateway, beside nginx `proxy_pass`: same core, same upstream, same load.

    python -m bench.gateway [--rounds 5] [--seconds 4] [--json FILE]

Work: a fixed upstream with a 1 KB JSON answer, keep-alive, a policy with three predicates and one limit, the default
durable configuration (journal, records, fsync every 100 ms). Core 0 has the proxy under test, core 1 the upstream and
the load. CPU is that of the serving process (user and system); the gateway's control process, which indexes the
journal, is listed beside it. Medians of interleaved rounds. Needs nginx, wrk and two cores.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
from bench.open_loop import open_loop
from bench.peers import ANSWERS, PASSES, nginx, running
from tests.gateway.running import Gateway

UPSTREAM, NGINX = 18190, 18191
ANSWER = '{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"%s"}],"isError":false}}' % ("x" * 930)
ARGUMENTS = {"amount": 5000, "currency": "usd", "note": "hello"}
TOOL = {
    "name": "create_charge",
    "inputSchema": {
        "type": "object",
        "properties": {"amount": {"type": "number"}, "currency": {"type": "string"}, "note": {"type": "string"}},
        "required": ["amount", "currency"],
    },
}
RULES = {
    "require": [
        {
            "conditions": [
                {"path": "args.currency", "op": "in", "value": ["usd", "eur"]},
                {"path": "args.note", "op": "regex", "value": "^[a-z ]+$"},
            ]
        }
    ],
    "deny_if": [{"conditions": [{"path": "args.amount", "op": "gt", "value": 10000}]}],
    "limits": [{"counter": "spend", "window": "day", "max": 9 * 10**9, "scope": "grant", "cost": "args.amount"}],
}
POLICY = {"version": "1", "default": "deny", "tools": {"create_charge": RULES}}

WRK = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Accept"] = "application/json, text/event-stream"
wrk.headers["Authorization"] = "Bearer {token}"
wrk.headers["Mcp-Protocol-Version"] = "2025-11-25"
wrk.body = [[{body}]]
"""


@dataclass
class Peer:
    """One proxy under test."""

    name: str
    url: str
    script: Path
    process: psutil.Process

    def cpu(self) -> float:
        return sum(self.process.cpu_times()[:2])


@dataclass
class Figures:
    """One round: CPU microseconds a call, calls a second, latency in milliseconds, how busy the load's core was."""

    cpu: float
    rate: float
    median: float
    p99: float
    other: float


def message(tool: str, arguments: object) -> str:
    params = {"name": tool, "arguments": arguments}
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}, separators=(",", ":"))


def milliseconds(text: str) -> float:
    parts = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text)
    if parts is None:
        raise SystemExit(f"wrk says `{text}` for a latency")
    number, unit = parts.groups()
    return float(number) * {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60000.0}[unit]


def load(peer: Peer, connections: int, seconds: int) -> Figures:
    before = peer.cpu()
    psutil.cpu_percent(percpu=True)
    command = ["taskset", "-c", "1", "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency"]
    said = subprocess.run(
        [*command, "-s", str(peer.script), peer.url], capture_output=True, text=True, check=True
    ).stdout
    if "Non-2xx" in said or "Socket errors" in said:
        raise SystemExit(f"{peer.name}: {said}")
    count, rate = re.search(r"(\d+) requests in", said), re.search(r"Requests/sec:\s*([\d.]+)", said)
    median, p99 = (re.search(rf"^ +{part}% +(\S+)", said, re.MULTILINE) for part in (50, 99))
    assert count is not None
    assert rate is not None
    assert median is not None
    assert p99 is not None
    other = psutil.cpu_percent(percpu=True)[1]
    cpu = (peer.cpu() - before) / int(count[1]) * 1e6
    return Figures(cpu, float(rate[1]), milliseconds(median[1]), milliseconds(p99[1]), other)


def wrk_script(folder: Path, name: str, token: str, body: str) -> Path:
    path = folder / f"{name}.lua"
    path.write_text(WRK.format(token=token, body=body))
    return path


@contextmanager
def gateway(folder: Path) -> Iterator[Gateway]:
    """`toolgate serve` on core 0; its control process on core 1, as an operator would spread them."""
    running_gateway = Gateway(folder / "data").start()
    try:
        assert running_gateway.process is not None
        process = psutil.Process(running_gateway.process.pid)
        process.cpu_affinity([0])
        for child in process.children(recursive=True):
            child.cpu_affinity([1])
        yield running_gateway
    finally:
        running_gateway.close()


def peers(folder: Path, stack: ExitStack) -> list[Peer]:
    stack.enter_context(running(1, *nginx(folder, "answer", UPSTREAM, ANSWERS.format(answer=ANSWER), UPSTREAM)))
    front = stack.enter_context(running(0, *nginx(folder, "proxy", NGINX, PASSES, UPSTREAM)))
    gate = stack.enter_context(gateway(folder))
    server = gate.add_server(f"http://127.0.0.1:{UPSTREAM}/mcp", [TOOL])
    grant = gate.grant(server, POLICY)
    denied = gate.grant(server, POLICY)
    assert gate.process is not None
    process = psutil.Process(gate.process.pid)
    allowed_script = wrk_script(folder, "allowed", grant.token, message("create_charge", ARGUMENTS))
    denied_script = wrk_script(folder, "denied", denied.token, message("create_charge", {**ARGUMENTS, "amount": 20000}))
    return [
        Peer("nginx", f"http://127.0.0.1:{NGINX}/mcp/x", allowed_script, front),
        Peer("toolgate", grant.url, allowed_script, process),
        Peer("toolgate, denied", denied.url, denied_script, process),
    ]


def medians(rounds: list[Figures]) -> Figures:
    return Figures(
        *(statistics.median(values) for values in zip(*(asdict(one).values() for one in rounds), strict=True))
    )


def measure(all_peers: list[Peer], connections: int, rounds: int, seconds: int) -> dict[str, Figures]:
    taken: dict[str, list[Figures]] = {peer.name: [] for peer in all_peers}
    for _ in range(rounds):
        for peer in all_peers:
            taken[peer.name].append(load(peer, connections, seconds))
    return {name: medians(figures) for name, figures in taken.items()}


def show(title: str, figures: dict[str, Figures]) -> None:
    base = figures["nginx"]
    print(
        f"\n{title}\n{'':18} {'CPU us/call':>12} {'x':>6} {'calls/s':>9} {'x':>6} "
        f"{'p50 ms':>8} {'p99 ms':>8} {'core 1':>7}"
    )
    for name, one in figures.items():
        print(
            f"{name:18} {one.cpu:12.1f} {one.cpu / base.cpu:6.2f} {one.rate:9.0f} {one.rate / base.rate:6.2f} "
            f"{one.median:8.3f} {one.p99:8.3f} {one.other:6.0f}%"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        os.chmod(folder, 0o755)
        all_peers = peers(folder, stack)
        process = all_peers[1].process
        control = process.children()[0]
        busy, one_by_one, steady = {}, {}, {}
        before = sum(control.cpu_times()[:2])
        busy = measure(all_peers, 32, options.rounds, options.seconds)
        show("32 connections", busy)
        one_by_one = measure(all_peers[:2], 1, options.rounds, options.seconds)
        show("1 connection", one_by_one)
        print(f"added at the median: {one_by_one['toolgate'].median - one_by_one['nginx'].median:.3f} ms")
        steady = {
            peer.name: open_loop(peer.url, peer.script.read_text(), 2000, options.seconds * 2) for peer in all_peers[:2]
        }
        print("\n2,000 calls a second, arrivals on a fixed schedule (latency from the scheduled moment)")
        for peer_name, (p50, p99) in steady.items():
            print(f"{peer_name:18} p50 {p50:.3f} ms  p99 {p99:.3f} ms")
        print(f"\nmemory of the gateway process: {process.memory_info().rss / 2**20:.1f} MiB")
        print(f"control process, indexing the journal meanwhile: {sum(control.cpu_times()[:2]) - before:.1f} s CPU")
        if options.json:
            options.json.write_text(
                json.dumps(
                    {
                        "32": {key: asdict(value) for key, value in busy.items()},
                        "1": {key: asdict(value) for key, value in one_by_one.items()},
                        "2000/s": steady,
                    },
                    indent=2,
                )
            )


if __name__ == "__main__":
    main()
