"""What the control plane answers how fast in a grown installation, and what its load does to the gateway.

    python -m bench.control [--data DIR] [--requests 30] [--rounds 3] [--seconds 4] [--json FILE]

A real `toolgate serve` runs on a data directory with 100,000 records, 1,000 grants and 200 servers, made by
`bench.installation` (`--data` keeps it for the next time). First its journal is indexed once more, into a database of
its own. Part one asks each page and each list of the API over loopback, one request at a time, signed in as an admin:
milliseconds until the last byte, and of the control process's CPU. Part two loads the gateway in turns without and with
people at the dashboard: `--viewers` of them that ask for the overview, the log and a search again and again, each with
an open stream of new records. Gateway on core 0, all else on core 1, where the people give way to the client and the
server of the calls: else it is these that become slow. Part two needs nginx, wrk and two cores.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from ctypes import c_ulong
from dataclasses import asdict, dataclass
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import TypeAlias

import aiohttp
import psutil
from bench.gateway import ANSWER, ARGUMENTS, POLICY, TOOL, UPSTREAM, Figures, Peer, load, medians, message, wrk_script
from bench.installation import RARE_TOOL, Size, add_ordinary, build
from bench.open_loop import open_loop
from bench.peers import ANSWERS, nginx, running
from tests.gateway.running import Gateway

from toolgate.audit.filters import Filter
from toolgate.audit.index import Index
from toolgate.audit.search import Records
from toolgate.control.discovering import seen_of
from toolgate.control.identity.cookies import SESSION
from toolgate.store import definitions, grants, members, policies, servers, sessions
from toolgate.store.database import open_database, writing
from toolgate.store.directory import database_file
from toolgate.store.members import Terms
from toolgate.store.tables import DEFAULT_ORGANISATION

Counter: TypeAlias = "Synchronized[int]"
ADMIN = "bench@example.com"
VIEWED = ("/", "/records", "/records?text=charge", "/records?outcome=deny", "/servers", "/grants")
STEADY = 1000
"""Calls a second of the open loop."""


@dataclass
class Asked:
    """How one address answered: milliseconds until the last byte, and of the process's CPU; bytes of the answer."""

    path: str
    status: int
    median: float
    p95: float
    cpu: float
    size: int


def session(gateway: Gateway) -> str:
    """The secret of a new session of an admin."""
    with writing(gateway.engine, "bench") as change:
        known = [member for member in members.every(gateway.engine) if member.email == ADMIN]
        member = known[0] if known else members.insert(change, ADMIN, Terms(ADMIN, "admin", ("*",)))
        return sessions.begin(change, member.id, "127.0.0.1", "bench")


def paths(gateway: Gateway) -> list[str]:
    """Every page that shows something stored, and every list of the API."""
    known = {server.name: server.id for server in servers.every(gateway.engine)}
    server, policy = known["mcp-0"], policies.get(gateway.engine, "rules-0").id
    hub = (known["hub"], policies.get(gateway.engine, "hub").id) if "hub" in known else add_ordinary(gateway.engine)
    grant = grants.every(gateway.engine, time.time())[0]
    records = Records(database_file(gateway.data), gateway.data / "journal")
    first = records.page(Filter(outcome="allow", organisations=(DEFAULT_ORGANISATION,)), 1).found[0].entry
    older = records.page(Filter()).older
    records.close()
    decision = getattr(first, "decision_id", "")
    assert older is not None
    log = ["", f"?before={older.text()}", "?text=charge", "?text=matches-nothing", f"?tool={RARE_TOOL}"]
    log += [f"?grant={grant.label}", f"?server={server}", "?outcome=gap", "?outcome=deny&since=24h"]
    pages = ["/", "/?span=7d", *(f"/records{query}" for query in log), f"/records/{decision}"]
    pages += ["/servers", f"/servers/{server}", "/servers/new", "/policies", f"/policies/{policy}"]
    pages += [f"/policies/{policy}/edit", f"/servers/{hub[0]}", f"/policies/{hub[1]}", f"/policies/{hub[1]}/edit"]
    pages += ["/grants", "/grants?q=agent", f"/grants/{grant.id}", "/grants/new", "/approvals"]
    pages += ["/members", "/events", "/settings", "/settings/tokens", "/account"]
    lists = ["servers", f"servers/{server}/tools", "policies", f"policies/{policy}/revisions", "grants", "approvals"]
    lists += [
        "grants?limit=200",
        "records",
        "records?text=matches-nothing",
        "events",
        "members",
        "tokens",
        "webhooks",
        "organisations",
    ]
    return [
        *pages,
        *(f"/api/v1/{name}" for name in [*lists, "catalogue/known", "catalogue/servers", "catalogue/tools"]),
    ]


async def ask(process: psutil.Process, http: aiohttp.ClientSession, path: str, requests: int) -> Asked:
    """One request after the other; the first two, which fill caches, do not count."""
    taken: list[float] = []
    spent = 0.0
    for number in range(requests + 2):
        spent = sum(process.cpu_times()[:2]) if number == 2 else spent
        begun = time.perf_counter()
        async with http.get(path, allow_redirects=False) as response:
            body = await response.read()
        taken.append((time.perf_counter() - begun) * 1000)
    cpu = (sum(process.cpu_times()[:2]) - spent) * 1000 / requests
    counted = sorted(taken[2:])
    return Asked(path, response.status, statistics.median(counted), counted[int(len(counted) * 0.95)], cpu, len(body))


async def ask_all(gateway: Gateway, url: str, secret: str, requests: int) -> list[Asked]:
    assert gateway.process is not None
    control = psutil.Process(gateway.process.pid).children()[0]
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(url, cookies={SESSION: secret}, cookie_jar=jar) as http:
        return [await ask(control, http, path, requests) for path in paths(gateway)]


def indexed(gateway: Gateway, size: Size) -> None:
    """Wait until the control process has read the journal."""
    records = Records(database_file(gateway.data), gateway.data / "journal")
    while records.newest() < size.records:
        time.sleep(0.2)
    records.close()


def index_cost(data: Path, folder: Path) -> float:
    """Microseconds of CPU to index one record of the journal, its outcome and its counts included."""
    open_database(folder / "index").dispose()
    with closing(Index(database_file(folder / "index"), data / "journal")) as index:
        begun = time.process_time()
        index.catch_up()
        spent = time.process_time() - begun
    records = Records(database_file(folder / "index"), data / "journal")
    number = records.newest()
    records.close()
    return spent * 1e6 / number


def view(url: str, secret: str, pages: Counter) -> None:
    """One person at the dashboard, until the process is ended: a stream of new records, and page after page."""
    os.sched_setaffinity(0, {1})
    os.nice(19)
    asyncio.run(_view(url, secret, pages))


async def _view(url: str, secret: str, pages: Counter) -> None:
    async with aiohttp.ClientSession(cookies={SESSION: secret}, cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        following = asyncio.create_task(_follow(http, url))
        while not following.done():
            for path in VIEWED:
                async with http.get(url + path) as response:
                    await response.read()
                with pages.get_lock():
                    pages.value += 1


async def _follow(http: aiohttp.ClientSession, url: str) -> None:
    async with http.get(f"{url}/live", timeout=aiohttp.ClientTimeout(total=None)) as response:
        async for _ in response.content:
            pass


@contextmanager
def viewers(url: str, secrets: list[str]) -> Iterator[Counter]:
    """So many people at the dashboard; counts the pages that they got."""
    pages = multiprocessing.Value(c_ulong)
    processes = [multiprocessing.Process(target=view, args=(url, secret, pages), daemon=True) for secret in secrets]
    for process in processes:
        process.start()
    time.sleep(1.0)
    try:
        yield pages
    finally:
        for process in processes:
            process.terminate()
            process.join()


@dataclass
class Load:
    """The gateway under load: flat out, and the waits of calls that come on a fixed schedule; pages a second beside."""

    flat_out: Figures
    steady_p50: float
    steady_p99: float
    pages: float


def one_round(peer: Peer, seconds: int, pages: Counter | None = None) -> Load:
    begun, before = time.monotonic(), pages.value if pages is not None else 0
    flat_out = load(peer, 32, seconds)
    p50, p99 = open_loop(peer.url, peer.script.read_text(), STEADY, seconds)
    got = pages.value - before if pages is not None else 0
    return Load(flat_out, p50, p99, got / (time.monotonic() - begun))


def beside_people(gateway: Gateway, options: argparse.Namespace, url: str, folder: Path) -> dict[str, list[Load]]:
    """Rounds without and with people at the dashboard, in turns."""
    assert gateway.process is not None
    process = psutil.Process(gateway.process.pid)
    process.cpu_affinity([0])
    for child in process.children(recursive=True):
        child.cpu_affinity([1])
    server = servers.add(gateway.engine, "bench", f"load-{time.time_ns()}", f"http://127.0.0.1:{UPSTREAM}/mcp").id
    definitions.saw(gateway.engine, "bench", server, [seen_of(json.dumps(TOOL).encode())], trusted=True)
    grant = gateway.grant(server, POLICY)
    peer = Peer(
        "toolgate", grant.url, wrk_script(folder, "call", grant.token, message("create_charge", ARGUMENTS)), process
    )
    secrets = [session(gateway) for _ in range(options.viewers)]
    taken: dict[str, list[Load]] = {"alone": [], "with people at the dashboard": []}
    one_round(peer, 1)
    for _ in range(options.rounds):
        taken["alone"].append(one_round(peer, options.seconds))
        with viewers(url, secrets) as pages:
            taken["with people at the dashboard"].append(one_round(peer, options.seconds, pages))
    return taken


def show_pages(asked: list[Asked]) -> None:
    print(f"{'':64} {'':>6} {'median':>9} {'p95':>9} {'CPU':>9} {'size':>8}")
    for one in asked:
        print(
            f"{one.path[:64]:64} {one.status:>6} {one.median:6.1f} ms {one.p95:6.1f} ms {one.cpu:6.1f} ms"
            f" {one.size / 1024:5.0f} KiB"
        )


def show_load(taken: dict[str, list[Load]]) -> None:
    steady = f"p50, p99 at {STEADY}/s"
    print(f"\n{'':30} {'CPU a call':>12} {'calls/s':>9} {'p50, p99 at 32':>18} {steady:>20} {'pages/s':>8}")
    for name, rounds in taken.items():
        flat = medians([one.flat_out for one in rounds])
        p50, p99 = (
            statistics.median(values)
            for values in zip(*((one.steady_p50, one.steady_p99) for one in rounds), strict=True)
        )
        print(
            f"{name:30} {flat.cpu:9.1f} us {flat.rate:9.0f} {flat.median:8.2f}, {flat.p99:5.2f} ms"
            f" {p50:10.2f}, {p99:5.2f} ms {statistics.median(one.pages for one in rounds):8.1f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--records", type=int, default=Size.records)
    parser.add_argument("--requests", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--viewers", type=int, default=4)
    parser.add_argument("--only", choices=["pages", "load"])
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)
        data, size = options.data or folder / "data", Size(records=options.records)
        if not database_file(data).exists():
            build(data, size)
        results: dict[str, object] = {"index": index_cost(data, folder)}
        print(f"indexing: {results['index']:.1f} us CPU a record\n")
        gateway = Gateway(data).start()
        stack.callback(gateway.close)
        indexed(gateway, size)
        url = f"http://127.0.0.1:{gateway.control_port}"
        if options.only != "load":
            asked = asyncio.run(ask_all(gateway, url, session(gateway), options.requests))
            show_pages(asked)
            results["pages"] = [asdict(one) for one in asked]
        if options.only != "pages":
            stack.enter_context(running(1, *nginx(folder, "answer", UPSTREAM, ANSWERS.format(answer=ANSWER), UPSTREAM)))
            taken = beside_people(gateway, options, url, folder)
            show_load(taken)
            results["load"] = {name: [asdict(one) for one in rounds] for name, rounds in taken.items()}
        if options.json:
            options.json.write_text(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
