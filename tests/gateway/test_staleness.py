"""A gateway that cannot read its database goes on for a while, then denies, and says so."""

from __future__ import annotations

import asyncio
from pathlib import Path

import aiohttp
import pytest

from .running import ALLOW_ALL, Gateway, Grant, Recorder

pytestmark = pytest.mark.slow


async def readiness(gateway: Gateway) -> int:
    async with (
        aiohttp.ClientSession() as client,
        client.get(f"http://127.0.0.1:{gateway.port}/readyz") as response,
    ):
        return response.status


async def until_denied(grant: Grant) -> str:
    async with asyncio.timeout(30):
        while not (answer := await grant.call("run")).denied:
            await asyncio.sleep(0.1)
    return answer.text


async def test_calls_are_denied_while_the_database_is_gone_and_pass_when_it_is_back(
    tmp_path: Path, recorder: Recorder
) -> None:
    gateway = await asyncio.to_thread(Gateway(tmp_path / "data", "--max-staleness", "1").start)
    try:
        grant = gateway.grant(gateway.add_server(recorder.url), ALLOW_ALL)
        assert not (await grant.call("run")).denied
        database, away = gateway.data / "toolgate.db", gateway.data / "away.db"
        database.rename(away)
        assert "database" in await until_denied(grant)
        assert grant.decisions()[-1].rule == "(store)"
        assert await readiness(gateway) == 503
        away.rename(database)
        async with asyncio.timeout(30):
            while (await grant.call("run")).denied:
                await asyncio.sleep(0.1)
        assert await readiness(gateway) == 200
    finally:
        await asyncio.to_thread(gateway.close)
