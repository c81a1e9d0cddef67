"""The official SDK as the client of a held call: it sees progress, waits, and gets the result."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from tests.gateway.running import Gateway, Grant, Json

from .desk import approve, asked, deny, of

SERVER = Path(__file__).parents[1] / "clients" / "reference_server.py"
POLICY: Json = {"version": "1", "default": "allow", "tools": {"count": {"action": "require_approval"}}}
in_both_eras = pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A server made with the official SDK, whose `count` reports progress of its own."""
    process = subprocess.Popen([sys.executable, str(SERVER), "--http"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout as said:
        yield said.readline().split()[-1]
    process.terminate()
    process.wait(20)


@asynccontextmanager
async def client(grant: Grant, mode: Any) -> AsyncIterator[Client]:
    headers = {"Authorization": f"Bearer {grant.token}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60) as http,
        Client(streamable_http_client(grant.url, http_client=http), mode=mode, cache=None) as connected,
    ):
        await connected.list_tools()  # a definition that becomes known between two calls would make them differ
        yield connected


@in_both_eras
async def test_a_client_sees_progress_while_it_waits_and_then_that_of_the_server(
    patient: Gateway, server: str, mode: str
) -> None:
    grant = patient.grant(patient.add_server(server), POLICY)
    seen: list[tuple[float, str | None]] = []

    async def notice(progress: float, total: float | None, message: str | None) -> None:
        seen.append((progress, message))

    async with client(grant, mode) as connected:
        call = asyncio.create_task(connected.call_tool("count", {"to": 3}, progress_callback=notice))
        approve(patient, await asked(grant))
        result = await call
    (approval,) = of(grant)
    assert (result.is_error, approval.state) == (False, "used")
    assert "counted to 3" in str(result.content)
    values = [value for value, _ in seen]
    assert values == sorted(set(values))
    assert approval.id in str(seen[0][1])
    assert values[-3:] == [1, 2, 3]


@in_both_eras
async def test_a_client_without_progress_gets_the_result_or_the_reason(
    patient: Gateway, server: str, mode: str
) -> None:
    grant = patient.grant(patient.add_server(server), POLICY)
    async with client(grant, mode) as connected:
        call = asyncio.create_task(connected.call_tool("count", {"to": 2}))
        approve(patient, await asked(grant))
        assert (await call).is_error is False
        call = asyncio.create_task(connected.call_tool("count", {"to": 2}))
        deny(patient, await asked(grant), "enough")
        refused = await call
    assert refused.is_error is True
    assert "enough" in str(refused.content)


@in_both_eras
async def test_a_client_that_gave_up_repeats_and_passes_once_and_only_once(
    patient: Gateway, server: str, mode: str
) -> None:
    grant = patient.grant(patient.add_server(server), POLICY)
    async with client(grant, mode) as connected:
        with pytest.raises(Exception, match=r"[Tt]imed out|[Tt]imeout"):
            await connected.call_tool("count", {"to": 2}, read_timeout_seconds=0.5)
        approval = await asked(grant)
        (gone,) = await patient.outcomes(grant.decisions()[-1])
        assert gone.result == "client_gone"
        approve(patient, approval)
        assert (await connected.call_tool("count", {"to": 2})).is_error is False
        with pytest.raises(Exception, match=r"[Tt]imed out|[Tt]imeout"):
            await connected.call_tool("count", {"to": 2}, read_timeout_seconds=0.5)
        await patient.outcomes(grant.decisions()[-1])
        await connected.list_tools()
    assert [one.state for one in of(grant)] == ["used", "pending"]
