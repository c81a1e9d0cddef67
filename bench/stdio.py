"""What `toolgate run` adds to a call over standard input and output, and what it needs to start and to live.

    python -m bench.stdio [--calls 2000] [--starts 7]

The same small server is spoken to directly and through the wrapper, in turns within one run, one call at a time.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

SERVER = """
import sys, time
TOOL = b'{"tools":[{"name":"pay","inputSchema":{"type":"object","properties":{"amount":{"type":"number"},' \\
       b'"currency":{"type":"string"},"to":{"type":"string"}}}}]}'
TEXT = b'{"content":[{"type":"text","text":"' + b"x" * 900 + b'"}]}'
for line in sys.stdin.buffer:
    at = time.monotonic()
    id_ = line.partition(b'"id":')[2].partition(b",")[0].strip()
    if id_:
        result = TOOL if b"tools/list" in line else b'{"at":%f}' % at if b'"ping"' in line else TEXT
        sys.stdout.buffer.write(b'{"jsonrpc":"2.0","id":%b,"result":%b}\\n' % (id_, result))
        sys.stdout.buffer.flush()
"""
DIRECT = [sys.executable, "-S", "-E", "-c", SERVER]
PLAIN: dict[str, Any] = {"version": "1", "default": "allow"}
RULES: dict[str, Any] = {
    "version": "1",
    "default": "deny",
    "tools": {
        "pay": {
            "require": [{"conditions": [{"path": "args.currency", "op": "in", "value": ["usd", "eur"]}]}],
            "deny_if": [
                {"conditions": [{"path": "args.amount", "op": "gt", "value": 10_000}]},
                {"conditions": [{"path": "args.to", "op": "regex", "value": "^internal-"}]},
            ],
            "limits": [{"counter": "spend", "window": "day", "max": 10**9, "scope": "grant", "cost": "args.amount"}],
        }
    },
}
CALL = b'{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"pay","arguments":'
CALL += b'{"amount":12.5,"currency":"usd","to":"shop"}}}\n'
PING = b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n'


class Server:
    """One process at the other end of a pipe."""

    def __init__(self, command: list[str]) -> None:
        self.began = time.monotonic()
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.input, self.output = self.process.stdin, self.process.stdout
        self.seen = psutil.Process(self.process.pid)

    def ask(self, line: bytes) -> bytes:
        self.input.write(line)
        answer = b""
        while not answer.endswith(b"\n"):
            answer += self.output.read(65536)
        return answer

    def call(self, number: int) -> float:
        """Microseconds of one call."""
        began = time.perf_counter_ns()
        answer = self.ask(CALL % number)
        took = (time.perf_counter_ns() - began) / 1000
        assert b"xxxx" in answer, answer
        return took

    def close(self) -> None:
        self.input.close()
        self.process.wait()


@contextmanager
def wrapped(policy: dict[str, Any]) -> Iterator[list[str]]:
    """The command line of a wrapper with a data directory of its own."""
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "policy.json"
        file.write_text(json.dumps(policy))
        options = ["-c", str(file), "--data", f"{place}/data"]
        yield [str(Path(sys.executable).with_name("toolgate")), "run", *options, "--", *DIRECT]


def calls(policy: dict[str, Any], count: int) -> dict[str, float]:
    """Both ways in turns, so that whatever else the machine does meets both."""
    with wrapped(policy) as command:
        direct, through = Server(DIRECT), Server(command)
        for number in range(1, 201):
            direct.call(number)
            through.call(number)
        before = sum(through.seen.cpu_times()[:2])
        took: tuple[list[float], list[float]] = ([], [])
        for number in range(201, 201 + count):
            took[0].append(direct.call(number))
            took[1].append(through.call(number))
        figures = {
            "direct": statistics.median(took[0]),
            "through": statistics.median(took[1]),
            "p99 direct": statistics.quantiles(took[0], n=100)[98],
            "p99 through": statistics.quantiles(took[1], n=100)[98],
            "cpu": (sum(through.seen.cpu_times()[:2]) - before) / count * 1e6,
            "rss": through.seen.memory_info().rss / 2**20,
            "private": through.seen.memory_full_info().uss / 2**20,
        }
        direct.close()
        through.close()
    return figures


def starts(count: int) -> list[float]:
    """Milliseconds from the start of a wrapper to the first byte at its server."""
    took = []
    with wrapped(PLAIN) as command:
        for _ in range(count + 1):
            server = Server(command)
            answer = json.loads(server.ask(PING))
            took.append((answer["result"]["at"] - server.began) * 1000)
            server.close()
    return took[1:]


def helps(count: int) -> list[float]:
    """Milliseconds of `toolgate --help`."""
    took = []
    for _ in range(count):
        began = time.monotonic()
        subprocess.run([Path(sys.executable).with_name("toolgate"), "--help"], stdout=subprocess.DEVNULL, check=True)
        took.append((time.monotonic() - began) * 1000)
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--starts", type=int, default=7)
    options = parser.parse_args()
    for name, policy in (("no rule", PLAIN), ("three predicates, schema, one limit", RULES)):
        figures = calls(policy, options.calls)
        print(
            f"{name}: adds {figures['through'] - figures['direct']:.0f} us at the median "
            f"({figures['direct']:.0f} direct, {figures['through']:.0f} through), "
            f"99th percentile {figures['p99 direct']:.0f} and {figures['p99 through']:.0f} us, "
            f"CPU of the wrapper {figures['cpu']:.0f} us a call, "
            f"RSS {figures['rss']:.1f} MiB, {figures['private']:.1f} of it its own"
        )
    for name, took in (
        ("start to the first byte at the server", starts(options.starts)),
        ("toolgate --help", helps(options.starts)),
    ):
        print(f"{name}: {statistics.median(took):.0f} ms at the median, {min(took):.0f} to {max(took):.0f}")


if __name__ == "__main__":
    main()
