"""What putting a big policy in force does to calls under way: 1,000 tools and 10,000 rules, again and again.

    python -m bench.policy_swap [--seconds 6] [--swaps 8]

A prober calls 200 times a second; shown are its waits without changes, while a policy of one tool is exchanged, and
while the big one is. The command line's part (validation, the database) runs in this process, on the other core.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path

import uvloop
from bench.probing import POLICY, Calm, beside, calm_gateway, probe, show
from tests.gateway.running import Gateway, Json

RULE = {"conditions": [{"path": "args.n", "op": "regex", "value": "^[a-z0-9]{1,9}$"}], "on_deny": "No."}


def big(swap: int) -> Json:
    tools: Json = {f"tool_{number:04}": {"deny_if": [RULE] * 10} for number in range(1000)}
    return {"version": "1", "default": "deny", "description": str(swap), "tools": {"run": {}, **tools}}


def small(swap: int) -> Json:
    return {**POLICY, "description": str(swap)}


def exchange(data: Path, policy: str, kind: str, swaps: int, pause: float) -> None:
    """Put new revisions, each announced as the command line does."""
    gateway = Gateway(data)
    for swap in range(swaps):
        gateway.put_policy({"big": big, "small": small}[kind](swap), policy)
        gateway.settle()
        uvloop.run(asyncio.sleep(pause))


async def measure(calm: Calm, kind: str, swaps: int, seconds: float) -> None:
    pause = seconds / swaps / 2
    before = calm.grant.decisions()[-1].revision
    with beside(exchange, calm.gateway.data, calm.grant.policy, kind, swaps, pause, nice=19):
        show(f"while a {kind} policy is exchanged", await probe(calm.grant, seconds))
    revision = calm.grant.decisions()[-1].revision
    print(f"  revisions put in force meanwhile: {revision - before}")
    if revision == before:
        raise SystemExit("nothing was exchanged in this time: give more --seconds")


async def run(folder: Path, swaps: int, seconds: float) -> None:
    async with calm_gateway(folder) as calm:
        show("alone", await probe(calm.grant, seconds))
        for kind in ("small", "big"):
            await measure(calm, kind, swaps, seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--swaps", type=int, default=8)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        uvloop.run(run(Path(name), options.swaps, options.seconds))


if __name__ == "__main__":
    main()
