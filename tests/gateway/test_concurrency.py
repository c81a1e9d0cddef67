"""One grant cannot take a server away from the others."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp

from .running import ALLOW_ALL, Gateway, Recorder
from .test_streams import Stream


async def test_a_grant_has_a_bounded_number_of_streams_and_others_are_untouched(
    tmp_path: Path, recorder: Recorder
) -> None:
    recorder.reply = Stream()
    gateway = await asyncio.to_thread(Gateway(tmp_path / "data", "--grant-concurrency", "3").start)
    try:
        server = gateway.add_server(recorder.url)
        greedy, other = gateway.grant(server, ALLOW_ALL), gateway.grant(server, ALLOW_ALL)
        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(aiohttp.ClientSession())
            for _ in range(3):
                response = await stack.enter_async_context(client.get(greedy.url, headers=greedy.headers()))
                assert response.status == 200
            refused = await greedy.call("run")
            assert (refused.status, refused.headers["retry-after"]) == (429, "1")
            async with client.get(other.url, headers=other.headers()) as response:
                assert response.status == 200
        async with asyncio.timeout(20), aiohttp.ClientSession() as client:
            while True:
                async with client.get(greedy.url, headers=greedy.headers()) as response:
                    if response.status == 200:
                        return
    finally:
        await asyncio.to_thread(gateway.close)
