"""The official suite, directly and through the gateway: nothing that passes directly fails through it."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.gateway.running import ALLOW_ALL, Gateway, Grant

from toolgate.demo.children import child
from toolgate.store import servers

from .client import GATEWAY
from .forwarder import Forwarder
from .page import check_page, table
from .suite import EXTENSION, PROGRAM, Found, Run, Suite, lost

SERVER = (sys.executable, "-m", "tests.conformance.server")
NOT_OVER_STDIO = {"2025-03-26", "2025-06-18"}
"""Each session is a process there, and revision 2025-11-25 has all the scenarios of these."""
OVER_STDIO = {
    Run("server-sse-multiple-streams", "2025-11-25"): (
        {"ServerSSEStreamsFunctional"},
        "over stdio: an answer alone comes as JSON, not as a stream",
    ),
    Run("server-sse-polling", "2025-11-25"): (
        {"ServerDisconnectResume", "ServerSendsPrimingEvent", "ServerSendsRetryField"},
        "over stdio: a server cannot close a stream, so there is none to resume",
    ),
    Run("server-stateless", "2026-07-28"): (
        {"HttpServerMethodNotFound404initialize"},
        "over stdio: the server takes `initialize` of this revision for a handshake",
    ),
}
"""What a server that speaks over stdio cannot do, and why."""

pytestmark = pytest.mark.slow


@pytest.fixture
def direct(tmp_path: Path) -> Iterator[str]:
    """The address of the reference server."""
    with child((*SERVER, "--http"), tmp_path / "server.log", r"(http://\S+)") as url:
        yield url


@asynccontextmanager
async def gated(data: Path) -> AsyncIterator[tuple[Gateway, Forwarder]]:
    """A gateway that takes the forwarder's requests for its own clients'."""
    forwarder = await Forwarder().start()
    gateway = Gateway(data, "--allowed-host", f"127.0.0.1:{forwarder.port}")
    try:
        await asyncio.to_thread(gateway.start)
        forwarder.lead_to(gateway.port)
        yield gateway, forwarder
    finally:
        await forwarder.stop()
        await asyncio.to_thread(gateway.close)


def started_by(gateway: Gateway) -> str:
    """The reference server again, as a process that speaks over stdio."""
    return servers.add(gateway.engine, "test", gateway.name("server"), command=SERVER).id


def entrance(forwarder: Forwarder, grant: Grant) -> str:
    """Where a client that knows no token uses the grant."""
    path = f"/mcp/{grant.server}/"
    forwarder.tokens[path] = grant.token
    return f"http://127.0.0.1:{forwarder.port}{path}"


def need_the_suite() -> None:
    if not PROGRAM.exists():
        pytest.skip("needs the environment .venvs/conformance: `make clients`")


def differences(direct: Found, other: Found) -> dict[Run, set[str]]:
    """What is lost on the way, by scenario."""
    losses = {run: lost(direct[run], checks) for run, checks in other.items()}
    return {run: names for run, names in losses.items() if names}


async def test_nothing_that_passes_directly_fails_through_the_gateway(direct: str, tmp_path: Path) -> None:
    need_the_suite()
    suite = Suite(tmp_path / "results")
    async with gated(tmp_path / "data") as (gateway, forwarder):
        through = entrance(forwarder, gateway.grant(gateway.add_server(direct), ALLOW_ALL))
        stdio = entrance(forwarder, gateway.grant(started_by(gateway), ALLOW_ALL))
        scenarios = await suite.scenarios()
        newer = [run for run in scenarios if run.version not in NOT_OVER_STDIO]
        found, gated_found, stdio_found = await asyncio.gather(
            suite.judge(direct, scenarios), suite.judge(through, scenarios), suite.judge(stdio, newer)
        )
    assert differences(found, gated_found) == {}
    assert differences(found, stdio_found) == {run: names for run, (names, _) in OVER_STDIO.items()}
    columns = {"directly": found, "gateway, HTTP server": gated_found, "gateway, stdio server": stdio_found}
    check_page("servers", table(columns, {run: remark for run, (_, remark) in OVER_STDIO.items()}))


@pytest.mark.nightly
async def test_what_the_gateway_sends_to_servers_is_what_a_client_should_send(tmp_path: Path) -> None:
    """The suite as a server: a client of the official SDK is judged as well through the gateway as without."""
    need_the_suite()
    suite = Suite(tmp_path / "results")
    command = f"{sys.executable} -m tests.conformance.client"
    scenarios = [
        run for run in await suite.scenarios("--client") if run.version != EXTENSION and "/" not in run.scenario
    ]
    async with gated(tmp_path / "data") as (gateway, _):
        place = {GATEWAY: json.dumps([str(gateway.data), gateway.port])}
        before, after = await asyncio.gather(
            suite.judge_client(command, scenarios, {}), suite.judge_client(command, scenarios, place)
        )
    assert differences(before, after) == {}
    check_page("clients", table({"directly": before, "through the gateway": after}, {}))
