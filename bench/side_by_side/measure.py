"""One gateway under load: what a call costs it, how long callers wait, what it needs of the machine."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from bench.side_by_side.gateways import Peer
from bench.side_by_side.load import Tally, closed_loop
from bench.side_by_side.place import STDIO_SERVER, Endpoint, Place
from bench.side_by_side.session import Session, close_sessions, first_session, open_session
from bench.side_by_side.tree import Tree


@dataclass
class Load:
    """One load: CPU microseconds a call of the gateway's processes and of the busiest of them, calls a second, waits in
    milliseconds, how busy core 1 was in percent."""

    calls: int
    cpu: float
    busiest: float
    rate: float
    median: float
    p99: float
    load_core: float


@dataclass
class Figures:
    """One gateway: seconds to its first answered call, loads by number of connections, memory in MiB after them."""

    name: str
    start: float = 0.0
    memory: float = 0.0
    loads: dict[int, Load] = field(default_factory=dict)


@dataclass
class Run:
    """What the command line asked for."""

    calls: int
    seconds: float
    upstream: Tree
    stateless: bool


def percentile(waits: list[float], part: float) -> float:
    return sorted(waits)[min(len(waits) - 1, int(len(waits) * part))] * 1000


def figures_of(tally: Tally, spent: list[float], upstream: float) -> Load:
    count = len(tally.waits)
    cpu, busiest = (seconds / count * 1e6 for seconds in (sum(spent), max(spent, default=0.0)))
    median, p99 = percentile(tally.waits, 0.5), percentile(tally.waits, 0.99)
    load_core = (tally.cpu + upstream) / tally.wall * 100
    return Load(count, cpu, busiest, count / tally.wall, median, p99, load_core)


async def sessions_of(endpoint: Endpoint, connections: int, stateless: bool) -> list[Session]:
    return [await open_session(endpoint.url, endpoint.headers, stateless=stateless) for _ in range(connections)]


async def load(run: Run, peer: Peer, place: Place, endpoint: Endpoint, tree: Tree | None, connections: int) -> Load:
    sessions = await sessions_of(endpoint, connections, run.stateless)
    await closed_loop(sessions, run.calls // 10, run.seconds / 4)
    if tree:
        tree.rest()
    before = tree.cpu() if tree else {}
    upstream = sum(run.upstream.cpu().values())
    tally = await closed_loop(sessions, run.calls, run.seconds)
    upstream = sum(run.upstream.cpu().values()) - upstream
    await close_sessions(sessions)
    if tally.wrong or not tally.waits:
        raise SystemExit(f"{peer.name}: {len(tally.wrong)} wrong answers, the first: {tally.wrong[:1]}\n{place.log()}")
    if tree:
        tree.rest()
    after = tree.cpu() if tree else {}
    spent = [seconds - before.get(pid, 0.0) for pid, seconds in after.items()]
    return figures_of(tally, spent, upstream)


async def measure(run: Run, peer: Peer, place: Place, endpoint: Endpoint) -> Figures:
    deadline = time.monotonic() + 180

    def alive(error: Exception) -> None:
        ended = endpoint.process is not None and endpoint.process.poll() is not None
        if ended or time.monotonic() > deadline:
            raise SystemExit(f"{peer.name} did not start: {error}\n{place.log()}")

    first = await first_session(endpoint.url, endpoint.headers, alive, stateless=run.stateless)
    figures = Figures(peer.name, start=time.perf_counter() - endpoint.started)
    await close_sessions([first])
    tree = Tree(endpoint.process.pid, STDIO_SERVER) if endpoint.process else None
    for connections in (1, 32):
        figures.loads[connections] = await load(run, peer, place, endpoint, tree, connections)
    figures.memory = tree.memory() if tree else 0.0
    return figures
