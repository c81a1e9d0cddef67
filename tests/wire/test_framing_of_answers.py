"""Answers that could be framed in two ways are no answers; what follows a good one is never taken for the next."""

from __future__ import annotations

import asyncio

import pytest

from toolgate.wire.client import BadAnswer, Lost, PoolLimits, UpstreamError

from .conftest import Pooling, Script, Scripting
from .raw import QUICK, request_of

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKS = OK + b"Transfer-Encoding: chunked\r\n\r\n"

BAD: dict[str, bytes] = {
    "length and chunks": OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two different lengths": OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nab",
    "the same length twice": OK + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nab",
    "a list of lengths": OK + b"Content-Length: 2, 2\r\n\r\nab",
    "length with a plus": OK + b"Content-Length: +2\r\n\r\nab",
    "length empty": OK + b"Content-Length:\r\n\r\nab",
    "gzip before chunked": OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "identity": OK + b"Transfer-Encoding: identity\r\n\r\nab",
    "chunked in HTTP/1.0": CHUNKS.replace(b"1.1", b"1.0") + b"0\r\n\r\n",
    "a folded line": OK + b"Content-Length: 0\r\nX: a\r\n b\r\n\r\n",
    "lines that end in LF": OK + b"X: a\nContent-Length: 0\r\n\r\n",
    "a bare CR in a value": OK + b"X: a\rContent-Length: 0\r\n\r\n",
    "white space before the colon": OK + b"Content-Length : 0\r\n\r\n",
    "NUL in a value": OK + b"X: a\0b\r\nContent-Length: 0\r\n\r\n",
    "HTTP/2.0": b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.2": b"HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n",
    "ICY": b"ICY 200 OK\r\nContent-Length: 0\r\n\r\n",
    "no HTTP": b"hello\r\n\r\n",
    "an empty line first": b"\r\n" + OK + b"Content-Length: 0\r\n\r\n",
    "a status of two digits": b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
    "a status beyond 599": b"HTTP/1.1 600 OK\r\nContent-Length: 0\r\n\r\n",
    "a status below 100": b"HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n",
    "an upgrade": b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
    "a body behind 204": b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nab",
    "a body behind 100": b"HTTP/1.1 100 Continue\r\nContent-Length: 2\r\n\r\nab" + OK + b"Content-Length: 0\r\n\r\n",
    "interim answers without end": b"HTTP/1.1 102 Processing\r\n\r\n" * 9 + OK + b"Content-Length: 0\r\n\r\n",
    "a head too long": OK + b"X: " + b"a" * 40_000,
    "too many fields": OK + b"".join(b"X-%d: a\r\n" % n for n in range(300)) + b"\r\n",
    "chunk size with a plus": CHUNKS + b"+1\r\na\r\n0\r\n\r\n",
    "chunk size with a space": CHUNKS + b"1 \r\na\r\n0\r\n\r\n",
    "chunk data ended by LF": CHUNKS + b"1\r\na\n0\r\n\r\n",
    "chunk extension without end": CHUNKS + b"1;a=" + b"b" * 9000,
    "trailers without end": CHUNKS + b"0\r\n" + b"X: y\r\n" * 2000,
    "a length in the trailers": CHUNKS + b"0\r\nContent-Length: 5\r\n\r\n",
}

CUT: dict[str, bytes] = {
    "nothing at all": b"",
    "half a head": OK + b"Content-Le",
    "half a body": OK + b"Content-Length: 5\r\n\r\nab",
    "half a chunk": CHUNKS + b"5\r\nab",
    "chunks without the last": CHUNKS + b"2\r\nab\r\n",
    "an interim answer only": b"HTTP/1.1 100 Continue\r\n\r\n",
}

GOOD: dict[str, tuple[bytes, int, bytes]] = {
    "a length": (OK + b"Content-Length: 2\r\n\r\nab", 200, b"ab"),
    "chunks": (CHUNKS + b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", 200, b"abc"),
    "trailers, which are dropped": (CHUNKS + b"1\r\na\r\n0\r\nX: y\r\n\r\n", 200, b"a"),
    "until the connection closes": (OK + b"\r\nabc", 200, b"abc"),
    "HTTP/1.0": (b"HTTP/1.0 200 OK\r\n\r\nabc", 200, b"abc"),
    "no reason": (b"HTTP/1.1 200\r\nContent-Length: 1\r\n\r\na", 200, b"a"),
    "an empty reason": (b"HTTP/1.1 200 \r\nContent-Length: 1\r\n\r\na", 200, b"a"),
    "204": (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
    "304 with the length of what is not sent": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", 304, b""),
    "behind interim answers": (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n"
        + OK
        + b"Content-Length: 1\r\n\r\na",
        200,
        b"a",
    ),
    "an upgrade merely offered": (OK + b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 1\r\n\r\na", 200, b"a"),
}


def once(answer: bytes, *, cut: bool) -> Script:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(answer)
        await writer.drain()
        if not cut:
            await reader.read()

    return script


@pytest.mark.parametrize("name", BAD)
async def test_a_doubtful_answer_is_a_bad_answer(scripted: Scripting, pooled: Pooling, name: str) -> None:
    pool = pooled(await scripted(once(BAD[name], cut=False)))
    with pytest.raises(BadAnswer) as caught:
        await (await pool.send("POST", "/", [], b"{}", timeout=5)).read(1 << 20)
    assert caught.value.sent
    assert pool.idle == 0


@pytest.mark.parametrize("name", CUT)
async def test_an_answer_that_is_cut_off_is_lost(scripted: Scripting, pooled: Pooling, name: str) -> None:
    pool = pooled(await scripted(once(CUT[name], cut=True)))
    with pytest.raises(Lost) as caught:
        await (await pool.send("POST", "/", [], b"{}", timeout=5)).read(1 << 20)
    assert caught.value.sent


@pytest.mark.parametrize("name", GOOD)
async def test_a_plain_answer_is_read(scripted: Scripting, pooled: Pooling, name: str) -> None:
    answer, status, body = GOOD[name]
    pool = pooled(await scripted(once(answer, cut="close" in name or name == "HTTP/1.0")))
    response = await pool.send("POST", "/", [], b"{}", timeout=5)
    assert (response.status, await response.read(1 << 20)) == (status, body)


@pytest.mark.parametrize("name", GOOD)
async def test_an_answer_means_the_same_however_it_is_split(scripted: Scripting, pooled: Pooling, name: str) -> None:
    answer, status, body = GOOD[name]

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        for n in range(len(answer)):
            writer.write(answer[n : n + 1])
            await writer.drain()
            await asyncio.sleep(0)

    response = await pooled(await scripted(script)).send("POST", "/", [], b"{}", timeout=5)
    assert (response.status, await response.read(1 << 20)) == (status, body)


async def test_the_answer_to_head_has_no_body(scripted: Scripting, pooled: Pooling) -> None:
    pool = pooled(await scripted(once(OK + b"Content-Length: 5\r\n\r\n", cut=False)))
    response = await pool.send("HEAD", "/", [], timeout=5)
    assert response.body_complete == b""
    assert pool.idle == 1


async def test_the_same_head_is_read_by_the_method_that_asked(scripted: Scripting, pooled: Pooling) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            asked = await request_of(reader)
            writer.write(OK + b"Content-Length: 2\r\n\r\n" + (b"" if asked.startswith(b"HEAD") else b"ab"))

    pool = pooled(await scripted(script))
    bodies = [(await pool.send(method, "/", [], timeout=5)).body_complete for method in ("GET", "HEAD", "GET", "HEAD")]
    assert bodies == [b"ab", b"", b"ab", b""]
    assert pool.connections == 1


@pytest.mark.parametrize("extra", [b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison", b"x", b"\r\n"])
@pytest.mark.parametrize(
    "answer", [OK + b"Content-Length: 2\r\n\r\nab", CHUNKS + b"2\r\nab\r\n0\r\n\r\n", OK + b"Content-Length: 0\r\n\r\n"]
)
async def test_bytes_behind_an_answer_are_not_the_next_answer(
    scripted: Scripting, pooled: Pooling, answer: bytes, extra: bytes
) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await request_of(reader)
            writer.write(answer + extra)

    pool = pooled(await scripted(script))
    for _ in range(3):
        body = await (await pool.send("POST", "/", [], b"{}", timeout=5)).read(100)
        assert b"poison" not in body
        assert body in (b"ab", b"")


async def test_unsolicited_bytes_close_an_idle_connection(scripted: Scripting, pooled: Pooling) -> None:
    speak = asyncio.Event()
    gone = asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(OK + b"Content-Length: 0\r\n\r\n")
        await speak.wait()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")
        try:
            assert await reader.read() == b""
        finally:
            gone.set()

    pool = pooled(await scripted(script))
    await pool.send("POST", "/", [], b"{}", timeout=5)
    assert pool.idle == 1
    speak.set()
    async with asyncio.timeout(5):
        await gone.wait()
    assert pool.idle == 0


async def test_the_limits_of_an_answers_head_are_settings(scripted: Scripting, pooled: Pooling) -> None:
    answer = OK + b"Content-Length: 0\r\nX: y\r\n\r\n"
    port = await scripted(once(answer, cut=False))
    for limits in (PoolLimits(head_bytes=20, tick=QUICK), PoolLimits(header_count=1, tick=QUICK)):
        with pytest.raises(UpstreamError):
            await pooled(port, limits).send("GET", "/", [], timeout=5)
