"""A request at a door arrives as it was given, with what the agent shows there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from toolgate.attacks.door import Door


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    """One behind which the head of each request is the body of its answer."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 202 Accepted\r\ncontent-length: %d\r\n\r\n" % len(head) + head)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield Door(f"http://127.0.0.1:{port}/mcp/", {"authorization": "Bearer shown"})


async def test_a_request_is_a_post_that_shows_what_the_agent_has(door: Door) -> None:
    said = await door.send(b"{}")
    assert said.status == 202
    assert said.body.startswith(b"POST /mcp/ HTTP/1.1\r\n")
    assert b"\r\ncontent-length: 2\r\n" in said.body
    assert said.body.endswith(b"\r\nauthorization: Bearer shown\r\n\r\n")


async def test_lines_take_the_place_of_the_usual_ones_and_of_what_the_agent_shows(door: Door) -> None:
    said = await door.send(b"", "PUT", ["Authorization: none", "Host: elsewhere"], "?tool=pay")
    assert said.body.startswith(b"PUT /mcp/?tool=pay HTTP/1.1\r\n")
    assert said.body.endswith(b"\r\nAuthorization: none\r\nHost: elsewhere\r\n\r\n")
    assert said.body.lower().count(b"\r\nauthorization:") == said.body.lower().count(b"\r\nhost:") == 1
