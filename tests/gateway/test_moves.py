"""A server that moves under an open stream: agents keep their address, nothing goes to the old place any more."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from toolgate.store import servers
from toolgate.store.database import writing
from toolgate.store.servers import Registration

from .running import ALLOW_ALL, Gateway, Recorder, plain
from .test_streams import Stream


def move(gateway: Gateway, server_id: str, url: str) -> None:
    with writing(gateway.engine, "test") as change:
        servers.amend(change, server_id, Registration(url), None)
    gateway.settle()


async def test_a_server_that_moves_is_reached_at_its_new_place_and_streams_to_the_old_one_end(
    gateway: Gateway, recorder: Recorder
) -> None:
    recorder.reply = stream = Stream()
    server_id = gateway.add_server(recorder.url)
    grant = gateway.grant(server_id, ALLOW_ALL)
    elsewhere = await Recorder(plain).start()
    try:
        async with (
            aiohttp.ClientSession() as client,
            client.get(grant.url, headers=grant.headers()) as response,
            asyncio.timeout(20),
        ):
            await stream.opened.wait()
            await asyncio.to_thread(move, gateway, server_id, elsewhere.url)
            with pytest.raises(aiohttp.ClientPayloadError):
                await response.content.read()
            await recorder.hung_up.wait()
        before = len(recorder.received)
        assert (await grant.call("run")).status == 200
        assert (len(elsewhere.calls), len(recorder.received)) == (1, before)
    finally:
        await elsewhere.stop()
