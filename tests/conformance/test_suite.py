"""The official suite, directly and through the gateway: nothing that passes directly fails through it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.gateway.running import ALLOW_ALL, Gateway, Grant

from toolgate.demo.children import child
from toolgate.store import servers

from .forwarder import Forwarder
from .page import Results, page_with, table
from .suite import PROGRAM, ROOT, Found, Run, Suite, lost

PAGE = ROOT / "docs" / "conformance.md"
WRITE = "TOOLGATE_WRITE_PAGES"
"""With this variable set, the page is written instead of compared."""
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


def differences(direct: Found, other: Found) -> dict[Run, set[str]]:
    """What is lost on the way, by scenario."""
    losses = {run: lost(direct[run], checks) for run, checks in other.items()}
    return {run: names for run, names in losses.items() if names}


async def test_nothing_that_passes_directly_fails_through_the_gateway(direct: str, tmp_path: Path) -> None:
    if not PROGRAM.exists():
        pytest.skip("needs the environment .venvs/conformance: `make clients`")
    suite = Suite(tmp_path / "results")
    async with gated(tmp_path / "data") as (gateway, forwarder):
        through = entrance(forwarder, gateway.grant(gateway.add_server(direct), ALLOW_ALL))
        stdio = entrance(forwarder, gateway.grant(started_by(gateway), ALLOW_ALL))
        scenarios = await suite.scenarios()
        newer = [run for run in scenarios if run.version not in NOT_OVER_STDIO]
        found = Results(
            *await asyncio.gather(
                suite.judge(direct, scenarios), suite.judge(through, scenarios), suite.judge(stdio, newer)
            )
        )
    assert differences(found.direct, found.gated) == {}
    assert differences(found.direct, found.stdio) == {run: names for run, (names, _) in OVER_STDIO.items()}
    remarks = {run: remark for run, (_, remark) in OVER_STDIO.items()}
    page = page_with(PAGE.read_text(), table(found, remarks))
    if os.environ.get(WRITE):
        PAGE.write_text(page)
    assert page == PAGE.read_text(), f"docs/conformance.md says otherwise; {WRITE}=1 writes it"
