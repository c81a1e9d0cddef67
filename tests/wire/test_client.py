"""How connections to servers behave, each behaviour a row of docs/http.md."""

from __future__ import annotations

import asyncio
import contextlib
import random
import ssl

import pytest

from toolgate.wire.client import (
    BadAnswer,
    ConnectFailed,
    Lost,
    Origin,
    Pool,
    PoolFull,
    PoolLimits,
    TimedOut,
    UpstreamError,
)
from toolgate.wire.server import Exchange

from .conftest import Pooling, Scripting, Serving
from .raw import PATIENCE, QUICK, request_of, until

EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class Counting:
    """A server's script: the same answer to every request; counts connections, keeps requests."""

    def __init__(self, answer: bytes = EMPTY, *, most: int = 1 << 30) -> None:
        self.answer = answer
        self.most = most  # requests on one connection
        self.connections = 0
        self.requests: list[bytes] = []
        self.lost = asyncio.Event()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            for _ in range(self.most):
                self.requests.append(await request_of(reader))
                writer.write(self.answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            self.lost.set()


class Silent:
    """A server's script: reads a request, says the beginning of an answer, and waits for the client to go."""

    def __init__(self, beginning: bytes = b"") -> None:
        self.beginning = beginning
        self.asked = asyncio.Event()
        self.left = asyncio.Event()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(self.beginning)
        self.asked.set()
        with contextlib.suppress(ConnectionError):
            await reader.read()
        self.left.set()


async def within(event: asyncio.Event) -> None:
    async with asyncio.timeout(PATIENCE):
        await event.wait()


async def emptied(pool: Pool) -> None:
    await until(lambda: not pool.connections)


# --- the request


async def test_a_request_is_sent_with_our_own_framing(scripted: Scripting, pooled: Pooling) -> None:
    peer = Counting()
    port = await scripted(peer)
    await pooled(port).send("POST", "/mcp?a=b", [(b"accept", b"application/json")], b"{}", timeout=5)
    assert peer.requests == [
        b"POST /mcp?a=b HTTP/1.1\r\nhost: localhost:%d\r\naccept-encoding: identity\r\n"
        b"accept: application/json\r\ncontent-length: 2\r\n\r\n{}" % port
    ]


async def test_a_get_has_no_body(scripted: Scripting, pooled: Pooling) -> None:
    peer = Counting()
    await pooled(await scripted(peer)).send("GET", "/", [], timeout=5)
    assert b"content-length" not in peer.requests[0]


@pytest.mark.parametrize(
    "field",
    [
        (b"x", b"a\r\nb: c"),
        (b"x", b"a\nb"),
        (b"x", b"a\0"),
        (b"host", b"b"),
        (b"transfer-encoding", b"chunked"),
        (b"content-length", b"9"),
        (b"connection", b"close"),
        (b"expect", b"100-continue"),
        (b"accept-encoding", b"gzip"),
        (b"upgrade", b"h2c"),
    ],
)
async def test_a_field_that_could_split_the_request_is_not_sent(
    scripted: Scripting, pooled: Pooling, field: tuple[bytes, bytes]
) -> None:
    peer = Counting()
    pool = pooled(await scripted(peer))
    with pytest.raises(ValueError, match="field"):
        await pool.send("POST", "/", [field], timeout=5)
    assert (peer.requests, pool.connections) == ([], 0)


@pytest.mark.parametrize("target", ["", "a", "http://b/", "/a b", "/a\r\nb", "/a#b", "/é", "//\n"])
async def test_a_target_that_could_split_the_request_is_not_sent(pooled: Pooling, target: str) -> None:
    with pytest.raises(ValueError, match="origin form"):
        await pooled(1).send("GET", target, [], timeout=5)


async def test_a_large_body_arrives_whole(served: Serving, pooled: Pooling) -> None:
    body = bytes(range(256)) * 20_000
    response = await pooled((await served()).port).send("PUT", "/x", [], body, timeout=PATIENCE)
    assert await response.read(1 << 24) == b"PUT /x |" + body


# --- the answer


async def test_a_whole_answer_needs_no_further_wait(served: Serving, pooled: Pooling) -> None:
    pool = pooled((await served()).port)
    response = await pool.send("POST", "/x", [], b"ab", timeout=5)
    assert response.body_complete == b"POST /x |ab"
    assert await response.read(100) == await response.chunk() == b"POST /x |ab"
    assert await response.chunk() == b""
    assert pool.idle == 1


async def test_a_whole_answer_in_chunks_needs_no_further_wait(scripted: Scripting, pooled: Pooling) -> None:
    peer = Counting(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n")
    pool = pooled(await scripted(peer))
    response = await pool.send("POST", "/x", [], b"ab", timeout=5)
    assert response.body_complete == b"abc"
    assert pool.idle == 1


async def test_a_stream_arrives_chunk_by_chunk(served: Serving, pooled: Pooling) -> None:
    go = asyncio.Semaphore(0)

    async def handler(exchange: Exchange) -> None:
        exchange.start(200)
        for n in range(3):
            await go.acquire()
            await exchange.write(b"data: %d\n\n" % n)
        await go.acquire()
        exchange.finish()

    pool = pooled((await served(handler)).port)
    response = await pool.send("GET", "/x", [], timeout=5)
    assert response.body_complete is None
    for n in range(3):
        go.release()
        assert await response.chunk() == b"data: %d\n\n" % n
    go.release()
    assert await response.chunk() == b""
    assert pool.idle == 1


async def test_a_redirect_is_an_answer_like_any_other(scripted: Scripting, pooled: Pooling) -> None:
    peer = Counting(b"HTTP/1.1 307 Temporary Redirect\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n")
    response = await pooled(await scripted(peer)).send("POST", "/", [], b"{}", timeout=5)
    assert (response.status, len(peer.requests)) == (307, 1)


async def test_an_answer_beyond_the_readers_limit_is_refused(served: Serving, pooled: Pooling) -> None:
    async def large(exchange: Exchange) -> None:
        exchange.respond(200, [], b"x" * 1_000_000)

    pool = pooled((await served(large)).port)
    for limit in (100, 500_000):
        response = await pool.send("GET", "/", [], timeout=5)
        with pytest.raises(BadAnswer):
            await response.read(limit)
    await emptied(pool)


async def test_an_answer_nobody_reads_stops_the_reading(served: Serving, pooled: Pooling) -> None:
    written = 0

    async def endless(exchange: Exchange) -> None:
        nonlocal written
        exchange.start(200)
        while True:
            await exchange.write(b"x" * 65536)
            written += 65536

    pool = pooled((await served(endless)).port, PoolLimits(held_bytes=1000, tick=QUICK))
    response = await pool.send("GET", "/", [], timeout=5)
    link = response._link
    await until(lambda: link._paused)
    async with asyncio.timeout(PATIENCE):
        before = written
        assert response._size < 1_000_000
        for _ in range(1000):
            assert await response.chunk()
        assert written > before
    response.close()


async def test_fields_of_the_answer_are_read_in_lower_case(scripted: Scripting, pooled: Pooling) -> None:
    peer = Counting(b"HTTP/1.1 200 OK\r\nX-Y: 1 \r\nSet-Cookie: a\r\nx-y:\t2\r\nContent-Length: 0\r\n\r\n")
    headers = (await pooled(await scripted(peer)).send("GET", "/", [], timeout=5)).headers
    assert headers.get(b"x-y") == b"1, 2"
    assert headers.getall(b"x-y") == [b"1", b"2"]
    assert headers.get(b"missing") is None
    assert headers.getall(b"missing") == []
    assert sorted(headers) == [(b"content-length", b"0"), (b"set-cookie", b"a"), (b"x-y", b"1"), (b"x-y", b"2")]
    assert (len(headers), headers.count(b"x-y"), b"set-cookie" in headers) == (4, 2, True)


# --- connections that are kept


async def test_a_connection_is_used_again(scripted: Scripting, pooled: Pooling) -> None:
    peer = Counting()
    pool = pooled(await scripted(peer))
    for _ in range(5):
        await pool.send("POST", "/", [], b"{}", timeout=5)
    assert (peer.connections, len(peer.requests)) == (1, 5)


async def test_the_connection_used_last_is_taken_first(served: Serving, pooled: Pooling) -> None:
    pool = pooled((await served()).port)
    await asyncio.gather(*[pool.send("GET", "/", [], timeout=5) for _ in range(3)])
    last = pool._idle[-1]
    await pool.send("GET", "/", [], timeout=5)
    assert pool._idle[-1] is last


async def test_an_idle_connection_is_closed_before_its_server_would(scripted: Scripting, pooled: Pooling) -> None:
    peer = Counting()
    pool = pooled(await scripted(peer), PoolLimits(idle_timeout=0.05, tick=QUICK))
    await pool.send("GET", "/", [], timeout=5)
    await within(peer.lost)
    assert pool.connections == 0
    assert PoolLimits().idle_timeout < 5


@pytest.mark.parametrize(("promise", "idle_for"), [(b"timeout=20, max=5", 19), (b"timeout=2", 1), (b"timeout=900", 60)])
async def test_the_idle_time_that_a_server_promises_is_honoured(
    scripted: Scripting, pooled: Pooling, promise: bytes, idle_for: int
) -> None:
    pool = pooled(await scripted(Counting(EMPTY[:-2] + b"Keep-Alive: " + promise + b"\r\n\r\n")))
    await pool.send("GET", "/", [], timeout=5)
    assert pool._idle[0].idle_for == idle_for


@pytest.mark.parametrize(
    "answer",
    [
        EMPTY[:-2] + b"Connection: close\r\n\r\n",
        EMPTY.replace(b"1.1", b"1.0"),
        EMPTY[:-2] + b"Keep-Alive: timeout=1\r\n\r\n",
    ],
)
async def test_a_connection_that_will_close_is_not_used_again(
    scripted: Scripting, pooled: Pooling, answer: bytes
) -> None:
    peer = Counting(answer)
    pool = pooled(await scripted(peer))
    for _ in range(2):
        await pool.send("GET", "/", [], timeout=5)
    assert peer.connections == 2


async def test_a_kept_connection_that_was_closed_is_replaced(scripted: Scripting, pooled: Pooling) -> None:
    peer = Counting(most=1)
    pool = pooled(await scripted(peer))
    for _ in range(3):
        await pool.send("POST", "/", [], b"{}", timeout=5)
        await emptied(pool)
    assert (peer.connections, len(peer.requests)) == (3, 3)


async def test_a_request_is_never_sent_twice(scripted: Scripting, pooled: Pooling) -> None:
    requests: list[bytes] = []

    async def one_then_none(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await request_of(reader))
        writer.write(EMPTY)
        requests.append(await request_of(reader))

    pool = pooled(await scripted(one_then_none))
    await pool.send("POST", "/", [], b"1", timeout=5)
    with pytest.raises(Lost) as caught:
        await pool.send("POST", "/", [], b"2", timeout=5)
    assert caught.value.sent
    assert [request[-1:] for request in requests] == [b"1", b"2"]


async def test_an_answer_before_the_request_was_sent_is_read_and_the_connection_closed(
    scripted: Scripting, pooled: Pooling
) -> None:
    closed = asyncio.Event()

    async def early(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno")
        with contextlib.suppress(ConnectionError):
            await reader.read(-1)
        closed.set()

    pool = pooled(await scripted(early))
    response = await pool.send("POST", "/", [], b"x" * 20_000_000, timeout=PATIENCE)
    assert (response.status, await response.read(10)) == (413, b"no")
    await within(closed)
    assert pool.connections == 0


# --- who gets a connection


async def test_the_pool_queues_beyond_its_connections(served: Serving, pooled: Pooling) -> None:
    running = most = 0

    async def handler(exchange: Exchange) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.001)
        running -= 1
        exchange.respond(200)

    pool = pooled((await served(handler)).port, PoolLimits(connections=3))
    answers = await asyncio.gather(*[pool.send("GET", "/", [], timeout=PATIENCE) for _ in range(60)])
    assert [answer.status for answer in answers] == [200] * 60
    assert (most, pool.connections) == (3, 3)


async def test_a_full_queue_refuses_at_once(scripted: Scripting, pooled: Pooling) -> None:
    peer = Silent()
    pool = pooled(await scripted(peer), PoolLimits(connections=1, queue=1, tick=QUICK))
    calls = [asyncio.create_task(pool.send("GET", "/", [], timeout=PATIENCE)) for _ in range(2)]
    await within(peer.asked)
    with pytest.raises(PoolFull) as caught:
        await pool.send("GET", "/", [], timeout=PATIENCE)
    assert not caught.value.sent
    for call in calls:
        call.cancel()
    await asyncio.wait(calls)


async def test_the_queue_has_a_timeout_of_its_own(scripted: Scripting, pooled: Pooling) -> None:
    peer = Silent()
    pool = pooled(await scripted(peer), PoolLimits(connections=1, queue_timeout=0.05, tick=QUICK))
    first = asyncio.create_task(pool.send("GET", "/", [], timeout=PATIENCE))
    await within(peer.asked)
    with pytest.raises(PoolFull) as full:
        await pool.send("GET", "/", [], timeout=PATIENCE)
    with pytest.raises(TimedOut) as late:
        await pool.send("GET", "/", [], timeout=0.01)
    assert not full.value.sent
    assert not late.value.sent
    first.cancel()
    await asyncio.wait([first])


async def test_a_cancelled_call_gives_its_turn_on(served: Serving, pooled: Pooling) -> None:
    pool = pooled((await served()).port, PoolLimits(connections=1, tick=QUICK))
    for leave_after in range(8):
        calls = [asyncio.create_task(pool.send("GET", "/", [], timeout=PATIENCE)) for _ in range(4)]
        for _ in range(leave_after):
            await asyncio.sleep(0)
        calls[0].cancel()
        calls[1].cancel()
        done = await asyncio.gather(*calls, return_exceptions=True)
        assert [getattr(answer, "status", None) for answer in done[2:]] == [200, 200]
    assert pool.connections <= 1
    assert pool._opening == 0


async def test_calls_that_are_cancelled_at_any_moment_harm_no_other(served: Serving, pooled: Pooling) -> None:
    pool = pooled((await served()).port, PoolLimits(connections=4, tick=QUICK))
    chance = random.Random(7)

    async def called(n: int) -> bytes | None:
        return (await pool.send("POST", "/x", [], b"%d" % n, timeout=PATIENCE)).body_complete

    for _ in range(60):
        calls = [asyncio.create_task(called(n)) for n in range(12)]
        for call in chance.sample(calls, 6):
            for _ in range(chance.randrange(3)):
                await asyncio.sleep(0)
            call.cancel()
        for n, answer in enumerate(await asyncio.gather(*calls, return_exceptions=True)):
            assert isinstance(answer, asyncio.CancelledError) or answer == b"POST /x |%d" % n
    assert pool.connections <= 4
    assert (pool._opening, len(pool._queue)) == (0, 0)


async def test_calls_that_gave_up_do_not_fill_the_queue(scripted: Scripting, pooled: Pooling) -> None:
    peer = Silent()
    pool = pooled(await scripted(peer), PoolLimits(connections=1, queue=1, tick=QUICK))
    first = asyncio.create_task(pool.send("GET", "/", [], timeout=PATIENCE))
    await within(peer.asked)
    for _ in range(3):
        with pytest.raises(TimedOut):
            await pool.send("GET", "/", [], timeout=0.01)
        waiting = asyncio.create_task(pool.send("GET", "/", [], timeout=PATIENCE))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
    first.cancel()
    await asyncio.wait([first])


# --- opening


async def test_the_next_address_is_tried(served: Serving, pooled: Pooling) -> None:
    pool = pooled((await served()).port, addresses=("127.0.0.2", "::1", "127.0.0.1"))
    assert (await pool.send("GET", "/", [], timeout=5)).status == 200


async def test_a_server_that_cannot_be_reached_fails_fast_for_a_while(pooled: Pooling, unused_port: int) -> None:
    pool = pooled(unused_port, PoolLimits(backoff=0.05, tick=QUICK))

    async def cause() -> str:
        with pytest.raises(ConnectFailed) as caught:
            await pool.send("GET", "/", [], timeout=5)
        assert not caught.value.sent
        return caught.value.cause

    assert (await cause()).startswith("127.0.0.1: ")
    assert await cause() == "it could not be reached a moment ago"
    async with asyncio.timeout(PATIENCE):
        while "a moment ago" in await cause():
            await asyncio.sleep(QUICK)
    assert pool.connections == 0


@pytest.fixture
async def unused_port() -> int:
    server = await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", 0)
    port = int(server.sockets[0].getsockname()[1])
    server.close()
    await server.wait_closed()
    return port


async def test_connecting_has_a_timeout(scripted: Scripting) -> None:
    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    port = await scripted(mute)
    origin = Origin("https", "localhost", port, ("127.0.0.1",), ssl.create_default_context())
    pool = Pool(origin, PoolLimits(connect_timeout=0.05, backoff=0, tick=QUICK))
    with pytest.raises(ConnectFailed):
        await pool.send("GET", "/", [], timeout=5)
    with pytest.raises(TimedOut) as caught:
        await pool.send("GET", "/", [], timeout=0.02)
    assert not caught.value.sent
    await emptied(pool)
    await pool.close()


# --- endings


async def test_an_answer_that_does_not_come_times_out(scripted: Scripting, pooled: Pooling) -> None:
    peer = Silent()
    pool = pooled(await scripted(peer))
    with pytest.raises(TimedOut) as caught:
        await pool.send("POST", "/", [], b"{}", timeout=0.05)
    assert caught.value.sent
    await within(peer.left)
    assert pool.connections == 0


async def test_a_body_that_does_not_come_times_out_when_read_whole(scripted: Scripting, pooled: Pooling) -> None:
    peer = Silent(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab")
    response = await pooled(await scripted(peer)).send("POST", "/", [], b"{}", timeout=1.0)
    with pytest.raises(TimedOut) as caught:
        await response.read(100)
    assert caught.value.sent
    await within(peer.left)


async def test_an_open_stream_has_no_timeout(served: Serving, pooled: Pooling) -> None:
    async def handler(exchange: Exchange) -> None:
        exchange.start(200)
        await asyncio.sleep(0.2)
        await exchange.write(b"late")
        exchange.finish()

    limits = PoolLimits(idle_timeout=0.05, tick=QUICK)
    response = await pooled((await served(handler)).port, limits).send("GET", "/", [], timeout=1.0)
    assert await response.chunk() == b"late"


async def test_cancelling_a_call_cuts_its_connection_at_once(scripted: Scripting, pooled: Pooling) -> None:
    peer = Silent()
    pool = pooled(await scripted(peer))
    call = asyncio.create_task(pool.send("POST", "/", [], b"{}", timeout=PATIENCE))
    await within(peer.asked)
    call.cancel()
    await within(peer.left)
    await emptied(pool)


async def test_cancelling_a_read_cuts_its_connection_at_once(scripted: Scripting, pooled: Pooling) -> None:
    peer = Silent(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab")
    response = await pooled(await scripted(peer)).send("POST", "/", [], b"{}", timeout=PATIENCE)
    reading = asyncio.create_task(response.read(100))
    await asyncio.sleep(0)
    reading.cancel()
    await within(peer.left)


async def test_closing_an_answer_that_is_not_whole_cuts_its_connection(scripted: Scripting, pooled: Pooling) -> None:
    peer = Silent(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n")
    pool = pooled(await scripted(peer))
    response = await pool.send("POST", "/", [], b"{}", timeout=PATIENCE)
    assert await response.chunk() == b"ab"
    response.close()
    response.close()
    await within(peer.left)
    assert await response.chunk() == b""
    await emptied(pool)


async def test_what_came_before_a_loss_can_be_read(scripted: Scripting, pooled: Pooling) -> None:
    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n")

    pool = pooled(await scripted(cut))
    response = await pool.send("GET", "/", [], timeout=5)
    await emptied(pool)
    assert await response.chunk() == b"ab"
    with pytest.raises(Lost):
        await response.chunk()


async def test_closing_the_pool_ends_everything(scripted: Scripting, pooled: Pooling) -> None:
    peer = Silent()
    pool = pooled(await scripted(peer), PoolLimits(connections=1))
    calls = [asyncio.create_task(pool.send("GET", "/", [], timeout=PATIENCE)) for _ in range(2)]
    await within(peer.asked)
    await pool.close()
    ended = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(end) for end in ended] == [Lost, PoolFull]
    assert [end.sent for end in ended if isinstance(end, UpstreamError)] == [True, False]
    with pytest.raises(PoolFull):
        await pool.send("GET", "/", [], timeout=5)
    assert pool.connections == 0


async def test_an_origin_names_its_authority() -> None:
    assert Origin("http", "a", 80, ()).authority == "a"
    assert Origin("http", "a", 443, ()).authority == "a:443"
    assert Origin("https", "a", 443, ()).authority == "a"
    assert Origin("http", "::1", 8080, ()).authority == "[::1]:8080"


async def test_a_scheme_and_its_tls_go_together() -> None:
    with pytest.raises(ValueError, match="TLS"):
        Pool(Origin("https", "a", 443, ("127.0.0.1",)))
