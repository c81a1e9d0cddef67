"""Mutated bytes in random splits: nothing hangs or crashes, and h11 sees every message that we see, alike."""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Iterator

import h11
import pytest

from toolgate.wire.client import PoolLimits, UpstreamError
from toolgate.wire.server import Exchange, ServerLimits

from .conftest import Pooling, Scripting, Serving
from .raw import PATIENCE, QUICK, request_of

SEEDS = [
    b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST /b?c HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
    b"POST /d HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;a=b\r\n!\r\n0\r\nX: y\r\n\r\n",
    b"POST /e HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\nGET /f HTTP/1.1\r\n\r\n..",
    b"GET /g HTTP/1.0\r\n\r\n",  # h11 keeps no such connection alive: the difference would drown others
    b"POST /h HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok",
    b"GET /i HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
]
ANSWERS = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;a=b\r\n!\r\n0\r\nX: y\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nuntil the end",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n",
]
PIECES = [
    b"\r\n",
    b"\n",
    b"\r",
    b" ",
    b"\t",
    b"\0",
    b":",
    b",",
    b";",
    b"0",
    b"+",
    b"\x0b",
    b"\xa0",
    b"\r\n ",
    b"\r\n\r\n",
    b"Content-Length: 3\r\n",
    b"Content-Length: 0, 5\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: x, chunked\r\n",
    b"transfer-encoding:\tchunked \r\n",
    b"Host: b\r\n",
    b"Connection: close\r\n",
    b"0\r\n\r\n",
    b"GET /z HTTP/1.1\r\nHost: z\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
]


def mutated(chance: random.Random, seeds: list[bytes]) -> bytes:
    data = bytearray(b"".join(chance.choices(seeds, k=chance.randint(1, 3))))
    for _ in range(chance.randint(0, 4)):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(4):
            case 0:
                data[at:at] = chance.choice(PIECES)
            case 1:
                del data[at : at + chance.randint(1, 4)]
            case 2:
                data[at : at + 1] = bytes([chance.randrange(256)])
            case _:
                data[at:at] = data[max(0, at - chance.randint(1, 30)) : at]
    return bytes(data)


def split(chance: random.Random, data: bytes) -> list[bytes]:
    cuts = sorted(chance.randrange(len(data) + 1) for _ in range(chance.choice([0, 1, 2, 8])))
    return [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True) if a < b]


Seen = tuple[bytes, bytes, bytes]
OURS = "127.0.0.9" if sys.platform == "linux" else "127.0.0.1"
"""Where our bytes come from: another test's gateway may still ask for the server that had this port before."""


def seen_by_h11(data: bytes) -> list[Seen]:
    """Give the requests that h11 reads before it refuses or runs out of bytes; the last may want its body."""
    peer = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
    seen: list[Seen] = []
    peer.receive_data(data)
    try:
        for event in _events(peer):
            match event:
                case h11.Request():
                    seen.append((bytes(event.method), bytes(event.target), b""))
                case h11.Data():
                    method, target, body = seen[-1]
                    seen[-1] = (method, target, body + bytes(event.data))
                case h11.EndOfMessage():
                    _answer(peer)
                    if peer.our_state is not h11.DONE:
                        break
                    peer.start_next_cycle()
    except h11.RemoteProtocolError:
        pass
    return seen


def _events(peer: h11.Connection) -> Iterator[object]:
    while True:
        event = peer.next_event()
        if event in (h11.NEED_DATA, h11.PAUSED) or isinstance(event, h11.ConnectionClosed):
            return
        yield event


def _answer(peer: h11.Connection) -> None:
    peer.send(h11.Response(status_code=200, headers=[("content-length", "0")]))
    peer.send(h11.EndOfMessage())


async def _seen_by_us(served: Serving, chance: random.Random, rounds: int) -> None:
    seen: list[Seen] = []

    async def handler(exchange: Exchange) -> None:
        body = await exchange.body(1 << 20)
        target = f"{exchange.path}?{exchange.query}" if exchange.query else exchange.path
        if exchange.peer == OURS:
            seen.append((exchange.method.encode(), target.encode(), body))
        exchange.respond(200)

    quick = ServerLimits(head_timeout=0.1, body_stall=0.1, idle_timeout=0.1, linger=0.1, tick=QUICK)
    listener = await served(handler, quick)
    for _ in range(rounds):
        data = mutated(chance, SEEDS)
        seen.clear()
        await _deliver(listener.port, split(chance, data))
        wanted = seen_by_h11(data)
        # h11 keeps an empty query's question mark, and we do not: nothing else may differ.
        wanted = [(method, target.removesuffix(b"?"), body) for method, target, body in wanted]
        assert seen == wanted[: len(seen)], data


async def _deliver(port: int, pieces: list[bytes]) -> None:
    async with asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(OURS, 0))
        try:
            for piece in pieces:
                if not writer.transport.is_closing():
                    writer.write(piece)
                    await asyncio.sleep(0)
            while await reader.read(65536):
                pass
        except ConnectionError:
            pass
        finally:
            writer.transport.abort()


async def test_every_request_that_we_see_h11_sees_too(served: Serving) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    await asyncio.gather(*[_seen_by_us(served, random.Random(chance.random()), 15) for _ in range(20)])


@pytest.mark.nightly
async def test_every_request_that_we_see_h11_sees_too_in_the_long_form(served: Serving) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    await asyncio.gather(*[_seen_by_us(served, random.Random(chance.random()), 1000) for _ in range(50)])


def answer_by_h11(data: bytes) -> tuple[int, bytes] | None:
    """Give the answer that h11 reads, None where it reads no whole one."""
    peer = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20)
    peer.send(h11.Request(method="POST", target="/", headers=[("host", "a"), ("content-length", "2")]))
    peer.send(h11.Data(data=b"{}"))
    peer.send(h11.EndOfMessage())
    peer.receive_data(data)
    status, body = 0, b""
    try:
        while True:
            event = peer.next_event()
            match event:
                case h11.Response():
                    status = event.status_code
                case h11.Data():
                    body += bytes(event.data)
                case h11.EndOfMessage():
                    return status, body
                case h11.NEED_DATA if peer.their_state is h11.SEND_BODY:
                    peer.receive_data(b"")
                case h11.NEED_DATA | h11.PAUSED | h11.ConnectionClosed():
                    return None
    except h11.RemoteProtocolError:
        return None


async def _answers(scripted: Scripting, pooled: Pooling, chance: random.Random, rounds: int) -> None:
    data = b""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        for piece in split(chance, data):
            if not writer.transport.is_closing():
                writer.write(piece)
                await asyncio.sleep(0)

    port = await scripted(script)
    for _ in range(rounds):
        data = mutated(chance, ANSWERS)
        pool = pooled(port, PoolLimits(tick=QUICK))
        async with asyncio.timeout(PATIENCE):
            try:
                response = await pool.send("POST", "/", [], b"{}", timeout=5)
                read = (response.status, await response.read(1 << 20))
            except UpstreamError:
                continue
        assert read == answer_by_h11(data), data


async def test_every_answer_that_we_read_h11_reads_too(scripted: Scripting, pooled: Pooling) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    await asyncio.gather(*[_answers(scripted, pooled, random.Random(chance.random()), 15) for _ in range(20)])


@pytest.mark.nightly
async def test_every_answer_that_we_read_h11_reads_too_in_the_long_form(scripted: Scripting, pooled: Pooling) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    await asyncio.gather(*[_answers(scripted, pooled, random.Random(chance.random()), 1000) for _ in range(20)])
