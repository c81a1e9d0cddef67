"""What a big body does to the calls beside it: bodies at the cap, one after the other, while small calls go on.

    python -m bench.big_bodies [--seconds 8]

Bodies of 1 MiB: 90,000 keys in one object, 90,000 small arrays, one giant string, one giant string of escapes. A
prober calls 200 times a second over a connection of its own; shown are its waits without and with each kind of body.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from pathlib import Path

import uvloop
from bench.probing import beside, calm_gateway, probe, show
from tests.gateway.running import call
from tests.gateway.speaking import connected, request_of

MIB = 1024 * 1024


def bodies() -> dict[str, bytes]:
    room = MIB - 200
    keys = {f"k{number:05}": 0 for number in range(90_000)}
    return {
        "90,000 keys": json.dumps(call("run", keys), separators=(",", ":")).encode()[:MIB],
        "90,000 arrays": json.dumps(call("run", {"a": [[]] * 90_000})).encode(),
        "one giant string": json.dumps(call("run", {"a": "x" * room})).encode(),
        "one string of escapes": json.dumps(call("run", {"a": "\n" * (room // 2)})).encode(),
        "one string of umlauts": json.dumps(call("run", {"a": "ü" * (room // 2)}), ensure_ascii=False).encode(),
    }


def flood(port: int, request: bytes) -> None:
    """Send one big body after the other, a twentieth of a second apart."""

    async def forever() -> None:
        async with connected(port) as speaker:
            while True:
                answer = await speaker.say(request)
                if answer.status != 200:
                    raise SystemExit(f"{answer.status}: {answer.body[:200]!r}")
                await asyncio.sleep(0.05)

    uvloop.run(forever())


async def run(folder: Path, seconds: float) -> None:
    async with calm_gateway(folder) as calm:
        show("alone", await probe(calm.grant, seconds))
        for name, body in bodies().items():
            with beside(flood, calm.gateway.port, request_of(calm.grant, body), nice=19):
                await asyncio.sleep(1)
                show(f"beside {name} ({len(body):,} bytes)", await probe(calm.grant, seconds))
        print(f"memory of the gateway process afterwards: {calm.process.memory_info().rss / MIB:.1f} MiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=8)
    options = parser.parse_args()
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        uvloop.run(run(Path(name), options.seconds))
    print(f"{time.perf_counter() - started:.0f} s in all")


if __name__ == "__main__":
    main()
