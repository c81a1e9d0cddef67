"""Toolgate beside other MCP gateways: the same upstream, the same calls, one gateway after another.

    python -m bench.side_by_side [--only NAME ...] [--calls N] [--seconds S] [--rounds R] [--stateless]
        [--json FILE]

Each gateway has core 0; upstream and load share core 1. CPU is that of all the gateway's processes, until they rest
after the last call. Needs nginx, two cores, and the environments of `make bench-peers`.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import uvloop
from bench.side_by_side.gateways import PEERS, Peer
from bench.side_by_side.measure import Figures, Run, measure
from bench.side_by_side.place import HTTP_SERVER, OTHER_CORE, Place, free_port
from bench.side_by_side.table import medians, table
from bench.side_by_side.tree import Tree


@contextmanager
def upstream(folder: Path) -> Iterator[tuple[str, Tree]]:
    port = free_port()
    with Place(folder, "").gateway((*HTTP_SERVER, str(port)), core=OTHER_CORE) as process:
        yield f"http://127.0.0.1:{port}/mcp", Tree(process.pid)


def one(peer: Peer, options: argparse.Namespace) -> Figures:
    """One gateway in a folder of its own, with an upstream of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        with upstream(folder) as (url, tree):
            place = Place(folder, url)
            with peer.start(place) as endpoint:
                run = Run(options.calls, options.seconds, tree, options.stateless)
                return uvloop.run(measure(run, peer, place, endpoint))


def options_of() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=[peer.name for peer in PEERS], metavar="NAME")
    parser.add_argument("--calls", type=int, default=30_000, help="at most so many in each load")
    parser.add_argument("--seconds", type=float, default=10.0, help="and not longer")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--stateless", action="store_true", help="revision 2026-07-28, for the gateways that speak it")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def _tell(figures: Figures) -> None:
    for connections, load in figures.loads.items():
        print(
            f"{figures.name:15} {connections:2} connections: {load.calls:6} calls, {load.cpu:9,.0f} us each,"
            f" {load.rate:8,.0f} a second, the load's core busy to {load.load_core:.0f} %",
            flush=True,
        )


def main() -> None:
    options = options_of()
    os.sched_setaffinity(0, {OTHER_CORE})
    taken: dict[str, list[Figures]] = {}
    for _ in range(options.rounds):
        for peer in PEERS:
            if options.only is None or peer.name in options.only:
                figures = one(peer, options)
                taken.setdefault(peer.name, []).append(figures)
                _tell(figures)
    print(table([medians(rounds) for rounds in taken.values()]))
    if options.json:
        options.json.write_text(json.dumps({name: [asdict(one) for one in rounds] for name, rounds in taken.items()}))


if __name__ == "__main__":
    main()
