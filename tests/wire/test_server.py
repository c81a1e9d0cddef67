"""How connections of clients behave, each behaviour a row of docs/http.md."""

from __future__ import annotations

import asyncio
import socket

import pytest

from toolgate.wire.connection import Connection
from toolgate.wire.server import BodyTooLarge, Exchange, Listener, ServerLimits

from .conftest import Pooling, Serving
from .raw import LAST, PATIENCE, QUICK, echo, post, said, until


class Watched:
    """A handler that waits, and notes how it ended."""

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self.go = asyncio.Event()
        self.cancelled = asyncio.Event()

    async def __call__(self, exchange: Exchange) -> None:
        self.began.set()
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        exchange.respond(200)


async def within(event: asyncio.Event) -> None:
    async with asyncio.timeout(PATIENCE):
        await event.wait()


# --- one after the other


async def test_a_connection_serves_many_requests(served: Serving) -> None:
    listener = await served()
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    for n in range(5):
        writer.write(post(b"%d" % n))
        answer = await reader.readuntil(b"|%d" % n)
        assert b"connection:" not in answer
    assert listener.connections == 1
    writer.close()


async def test_pipelined_requests_are_answered_in_order(served: Serving) -> None:
    wait = {"0": 3, "1": 2, "2": 1}

    async def slower_first(exchange: Exchange) -> None:
        for _ in range(wait.get(exchange.query, 0)):
            await asyncio.sleep(0)
        await echo(exchange)

    burst = b"".join(b"GET /x?%d HTTP/1.1\r\nHost: a\r\n\r\n" % n for n in range(50))
    answer = await said((await served(slower_first)).port, burst + LAST)
    assert [int(part.split(b" ")[0].split(b"|")[0]) for part in answer.split(b"GET /x ")[1:]] == list(range(50))


async def test_pipelined_bodies_stay_with_their_requests(served: Serving) -> None:
    answer = await said((await served()).port, post(b"one") + post(b"") + post(b"three") + LAST)
    assert [part.split(b"HTTP")[0] for part in answer.split(b"POST /x |")[1:]] == [b"one", b"", b"three"]


async def test_pipelined_requests_wait_in_bounded_memory(served: Serving) -> None:
    handler = Watched()
    listener = await served(handler, ServerLimits(held_bytes=1000))
    connection = await _flooded(listener, handler, post() + post(b"x" * 65536) * 200)
    assert 1000 < len(connection._held) < 1_000_000


async def _flooded(listener: Listener, handler: Watched, flood: bytes) -> Connection:
    """Send a flood until the connection reads no more."""
    with socket.create_connection(("127.0.0.1", listener.port)) as client:
        client.setblocking(False)
        sending = asyncio.create_task(asyncio.get_running_loop().sock_sendall(client, flood))
        await within(handler.began)
        (connection,) = listener._connections
        await until(lambda: connection._paused)
        sending.cancel()
        await asyncio.wait([sending])
        return connection


async def test_what_comes_behind_chunks_in_one_read_is_asked_for_again(served: Serving) -> None:
    chunks = b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"
    answer = await said((await served()).port, chunks + LAST)
    assert answer.endswith(b"POST /x |a")
    assert b"\r\nconnection: close\r\n" in answer


async def test_a_client_that_reads_no_answers_is_served_no_further(served: Serving) -> None:
    calls = 0

    async def large(exchange: Exchange) -> None:
        nonlocal calls
        calls += 1
        exchange.respond(200, [], b"x" * 1_000_000)

    listener = await served(large, ServerLimits(write_stall=0.1, tick=QUICK))
    with socket.create_connection(("127.0.0.1", listener.port)) as client:
        client.sendall(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n" * 500)
        await until(lambda: calls and not listener.connections)
    assert calls < 50


# --- versions and the end of a connection


async def test_http_1_0_is_answered_and_closed(served: Serving) -> None:
    answer = await said((await served()).port, b"GET /a HTTP/1.0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nconnection: close\r\n" in answer


async def test_http_1_0_is_kept_alive_where_asked(served: Serving) -> None:
    again = b"GET /a HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"
    answer = await said((await served()).port, again, again, b"GET /b HTTP/1.0\r\n\r\n")
    assert answer.count(b"\r\nconnection: keep-alive\r\n") == 2
    assert answer.endswith(b"GET /b |")


async def test_connection_close_is_honoured(served: Serving) -> None:
    answer = await said((await served()).port, LAST + post(b"more"))
    assert answer.endswith(b"GET /last |")
    assert b"\r\nconnection: close\r\n" in answer


async def test_the_answer_to_head_has_the_length_and_no_body(served: Serving) -> None:
    answer = await said((await served()).port, b"HEAD /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert answer.endswith(b"\r\ncontent-length: 9\r\n\r\n")


@pytest.mark.parametrize("status", [204, 304])
async def test_statuses_without_a_body_have_none(served: Serving, status: int) -> None:
    async def handler(exchange: Exchange) -> None:
        exchange.respond(status, [], b"never")

    answer = await said((await served(handler)).port, LAST)
    assert b"content-length" not in answer
    assert answer.endswith(b"\r\n\r\n")


async def test_a_stream_is_chunked(served: Serving) -> None:
    answer = await said((await served(three)).port, LAST)
    assert b"\r\ntransfer-encoding: chunked\r\n" in answer
    assert answer.endswith(b"\r\n\r\n3\r\none\r\n3\r\ntwo\r\n%x\r\n%b\r\n0\r\n\r\n" % (40_000, b"x" * 40_000))


async def three(exchange: Exchange) -> None:
    exchange.start(200)
    for chunk in (b"one", b"", b"two", b"x" * 40_000):
        await exchange.write(chunk)
    exchange.finish()


async def test_a_stream_to_http_1_0_ends_with_the_connection(served: Serving) -> None:
    answer = await said((await served(three)).port, b"GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    assert b"chunked" not in answer
    assert b"\r\nconnection: close\r\n" in answer
    assert answer.endswith(b"\r\n\r\nonetwo" + b"x" * 40_000)


async def test_a_stream_of_known_length_declares_it(served: Serving) -> None:
    async def handler(exchange: Exchange) -> None:
        exchange.start(200, [], length=6)
        await exchange.write(b"one")
        await exchange.write(b"two")
        exchange.finish()

    answer = await said((await served(handler)).port, LAST)
    assert answer.endswith(b"\r\ncontent-length: 6\r\n\r\nonetwo")


async def test_the_head_of_a_stream_is_sent_at_once(served: Serving) -> None:
    go = asyncio.Event()

    async def handler(exchange: Exchange) -> None:
        exchange.start(200, [(b"content-type", b"text/event-stream")])
        await go.wait()
        await exchange.write(b"data: 1\n\n")
        exchange.finish()

    listener = await served(handler)
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    writer.write(LAST)
    async with asyncio.timeout(PATIENCE):
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 OK")
        go.set()
        assert await reader.read() == b"9\r\ndata: 1\n\n\r\n0\r\n\r\n"
    writer.close()


async def test_a_stream_that_its_handler_leaves_is_cut_off(served: Serving) -> None:
    async def handler(exchange: Exchange) -> None:
        exchange.start(200)
        await exchange.write(b"one")

    answer = await said((await served(handler)).port, LAST)
    assert b"0\r\n\r\n" not in answer


async def test_an_upgrade_is_ignored(served: Serving) -> None:
    offer = b"GET /a HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    answer = await said((await served()).port, offer + LAST)
    assert answer.count(b"HTTP/1.1 200 OK") == 2
    assert b"upgrade" not in answer.lower()


# --- bodies


async def test_100_continue_is_sent_only_when_the_body_is_asked_for(served: Serving) -> None:
    async def handler(exchange: Exchange) -> None:
        if exchange.path == "/x":
            await echo(exchange)
        else:
            exchange.respond(401)

    port = (await served(handler)).port
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = post(b"ab", b"Expect: 100-continue")[:-2]
    writer.write(head)
    async with asyncio.timeout(PATIENCE):
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"ab")
        await reader.readuntil(b"POST /x |ab")
        writer.write(head.replace(b"/x", b"/y"))
        answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b"\r\nconnection: close\r\n" in answer
    writer.close()


async def test_100_continue_is_not_sent_when_the_body_is_there_already(served: Serving) -> None:
    answer = await said((await served()).port, post(b"ab", b"Expect: 100-continue") + LAST)
    assert b"100 Continue" not in answer
    assert b"POST /x |ab" in answer


async def limited(exchange: Exchange) -> None:
    try:
        await exchange.body(10)
    except BodyTooLarge as error:
        exchange.respond(413, [], str(error).encode())
        return
    exchange.respond(200)


@pytest.mark.parametrize(
    "request_",
    [
        post(b"x" * 11, b"Connection: close"),
        b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000000\r\n\r\n",
        b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + b"5\r\nabcde\r\n" * 3,
        b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\nExpect: 100-continue\r\n\r\n",
    ],
)
async def test_a_body_beyond_the_cap_is_refused_without_reading_it(served: Serving, request_: bytes) -> None:
    answer = await said((await served(limited)).port, request_)
    assert answer.startswith(b"HTTP/1.1 413 ")


async def test_a_client_that_sends_on_after_the_refusal_still_reads_it(served: Serving) -> None:
    listener = await served(limited)
    answer = await said(listener.port, post(b"x" * 3_000_000))
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"<reset>" not in answer


async def test_a_body_at_the_cap_is_read(served: Serving) -> None:
    assert (await said((await served(limited)).port, post(b"x" * 10, b"Connection: close"))).startswith(
        b"HTTP/1.1 200 "
    )


async def test_a_body_nobody_reads_stops_the_reading(served: Serving) -> None:
    handler = Watched()
    listener = await served(handler, ServerLimits(held_bytes=1000))
    connection = await _flooded(listener, handler, post(b"x" * 50_000_000))
    assert connection._exchange is not None
    assert 1000 < connection._exchange.received < 1_000_000


async def test_a_handler_that_reads_late_gets_the_whole_body(served: Serving) -> None:
    handler = Watched()

    async def late(exchange: Exchange) -> None:
        handler.began.set()
        await handler.go.wait()
        await echo(exchange)

    listener = await served(late, ServerLimits(held_bytes=1000))
    call = asyncio.create_task(said(listener.port, post(b"x" * 2_000_000, b"Connection: close")))
    await within(handler.began)
    handler.go.set()
    assert (await call).endswith(b"|" + b"x" * 2_000_000)


async def test_writing_waits_for_a_slow_reader(served: Serving) -> None:
    written = 0
    done = asyncio.Event()

    async def handler(exchange: Exchange) -> None:
        nonlocal written
        exchange.start(200)
        for _ in range(1000):
            await exchange.write(b"x" * 65536)
            written += 65536
        exchange.finish()
        done.set()

    listener = await served(handler)
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port, limit=1024)
    writer.write(LAST)
    await reader.readuntil(b"\r\n\r\n")
    seen = -1
    while written != seen:
        seen = written
        await asyncio.sleep(0.1)
    assert written < 40_000_000
    async with asyncio.timeout(PATIENCE):
        while await reader.read(1 << 20):
            pass
        await done.wait()
    writer.close()


# --- clients that go away


@pytest.mark.parametrize("reset", [False, True])
async def test_a_client_that_hangs_up_cancels_the_handler(served: Serving, reset: bool) -> None:
    handler = Watched()
    listener = await served(handler)
    _, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    writer.write(post())
    await within(handler.began)
    if reset:
        writer.transport.abort()
    else:
        writer.close()
    await within(handler.cancelled)


async def test_a_client_that_shuts_its_write_side_counts_as_gone(served: Serving) -> None:
    handler = Watched()
    listener = await served(handler)
    _, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    writer.write(post())
    await within(handler.began)
    writer.write_eof()
    await within(handler.cancelled)
    writer.close()


async def test_a_client_that_hangs_up_in_its_body_cancels_the_handler(served: Serving) -> None:
    ended = asyncio.Event()

    async def handler(exchange: Exchange) -> None:
        try:
            await exchange.body(100)
        finally:
            ended.set()

    assert await said((await served(handler)).port, post(b"abc")[:-1], half_close=True) == b""
    await within(ended)


async def test_a_handler_that_has_answered_may_end_in_peace(served: Serving) -> None:
    hung_up = asyncio.Event()
    ended = asyncio.Event()

    async def handler(exchange: Exchange) -> None:
        exchange.respond(200)
        await hung_up.wait()
        ended.set()

    listener = await served(handler)
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    writer.write(post())
    await reader.readuntil(b"\r\n\r\n")
    writer.transport.abort()
    await until(lambda: not listener.connections)
    hung_up.set()
    await within(ended)


async def test_a_body_that_proves_malformed_cancels_its_handler(served: Serving) -> None:
    handler = Watched()
    listener = await served(handler)
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    writer.write(b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
    await within(handler.began)
    writer.write(b"zz\r\n")
    assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
    await within(handler.cancelled)
    writer.close()


# --- clients that are slow or stuck


async def test_a_head_that_does_not_come_is_given_up(served: Serving) -> None:
    listener = await served(limits=ServerLimits(head_timeout=0.05, tick=QUICK))
    assert (await said(listener.port, b"GET / HTTP/1.1\r\nHo")).startswith(b"HTTP/1.1 408 ")
    assert await said(listener.port) == b""


async def test_a_head_that_drips_is_given_up(served: Serving) -> None:
    listener = await served(limits=ServerLimits(head_timeout=0.1, tick=QUICK))
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    writer.write(b"GET / HTTP/1.1\r\nX: ")

    async def drip() -> None:
        while True:
            writer.write(b"x")
            await asyncio.sleep(QUICK)

    task = asyncio.create_task(drip())
    async with asyncio.timeout(PATIENCE):
        assert (await reader.read()).startswith(b"HTTP/1.1 408 ")
    task.cancel()
    writer.close()


@pytest.mark.parametrize(
    "limits", [ServerLimits(body_stall=0.05, tick=QUICK), ServerLimits(body_timeout=0.1, tick=QUICK)]
)
async def test_a_body_that_does_not_come_is_given_up(served: Serving, limits: ServerLimits) -> None:
    assert (await said((await served(limits=limits)).port, post(b"abc")[:-1])).startswith(b"HTTP/1.1 408 ")


async def test_a_body_that_drips_is_given_up(served: Serving) -> None:
    listener = await served(limits=ServerLimits(body_stall=1, body_timeout=0.1, tick=QUICK))
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    writer.write(post(b"x" * 100_000)[:-99_999])

    async def drip() -> None:
        while True:
            writer.write(b"x")
            await asyncio.sleep(QUICK)

    task = asyncio.create_task(drip())
    async with asyncio.timeout(PATIENCE):
        assert (await reader.read()).startswith(b"HTTP/1.1 408 ")
    task.cancel()
    writer.close()


async def test_an_idle_connection_is_closed_without_a_word(served: Serving) -> None:
    listener = await served(limits=ServerLimits(idle_timeout=0.05, tick=QUICK))
    answer = await said(listener.port, post(b"ab"))
    assert answer.endswith(b"|ab")


async def test_a_running_handler_is_not_a_slow_client(served: Serving) -> None:
    async def slow(exchange: Exchange) -> None:
        await asyncio.sleep(0.2)
        await echo(exchange)

    tight = ServerLimits(head_timeout=0.05, body_stall=0.05, body_timeout=0.05, idle_timeout=0.05, tick=QUICK)
    assert (await said((await served(slow, tight)).port, post(b"ab"))).endswith(b"|ab")


async def test_a_stuck_reader_is_cut_off(served: Serving) -> None:
    ended = asyncio.Event()

    async def handler(exchange: Exchange) -> None:
        exchange.start(200)
        try:
            while True:
                await exchange.write(b"x" * 65536)
        finally:
            ended.set()

    listener = await served(handler, ServerLimits(write_stall=0.1, tick=QUICK))
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port, limit=1024)
    writer.write(LAST)
    await reader.readuntil(b"\r\n\r\n")
    await within(ended)
    assert listener.connections == 0
    writer.close()


async def test_a_client_that_never_hangs_up_is_left_after_the_last_answer(served: Serving) -> None:
    listener = await served(limits=ServerLimits(linger=0.05, tick=QUICK))
    _, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    writer.write(LAST)
    await until(lambda: listener.connections)
    await until(lambda: not listener.connections)
    writer.close()


async def test_too_many_connections_are_turned_away(served: Serving) -> None:
    listener = await served(limits=ServerLimits(connections=2))
    kept = [await asyncio.open_connection("127.0.0.1", listener.port) for _ in range(2)]
    await until(lambda: listener.connections == 2)
    assert await said(listener.port) in (b"", b"<reset>")
    for _, writer in kept:
        writer.close()


# --- handlers that fail, and the end


async def test_a_handler_that_fails_is_answered_500_and_reported(served: Serving) -> None:
    reported: list[BaseException] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context["exception"]))

    async def handler(exchange: Exchange) -> None:
        raise LookupError("a secret")

    answer = await said((await served(handler)).port, post() + LAST)
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b"secret" not in answer
    assert answer.count(b"HTTP/1.1") == 1
    assert [type(error) for error in reported] == [LookupError]


async def test_a_handler_that_does_not_answer_is_answered_500(served: Serving) -> None:
    async def handler(exchange: Exchange) -> None:
        await exchange.body(100)

    assert (await said((await served(handler)).port, post())).startswith(b"HTTP/1.1 500 ")


@pytest.mark.parametrize(
    "field",
    [
        (b"x", b"a\r\nset-cookie: b"),
        (b"x", b"a\nb"),
        (b"x", b"a\rb"),
        (b"x", b"a\0b"),
        (b"x\r\ny", b"a"),
        (b"content-length", b"5"),
        (b"transfer-encoding", b"chunked"),
        (b"connection", b"close"),
    ],
)
async def test_a_field_that_could_split_the_answer_is_not_sent(served: Serving, field: tuple[bytes, bytes]) -> None:
    refused: list[str] = []

    async def handler(exchange: Exchange) -> None:
        try:
            exchange.respond(200, [field])
        except ValueError as error:
            refused.append(str(error))
            exchange.respond(200)

    answer = await said((await served(handler)).port, LAST)
    assert len(refused) == 1
    assert answer.startswith(b"HTTP/1.1 200 OK\r\ndate: ")


async def test_a_handler_cannot_answer_twice(served: Serving) -> None:
    refused: list[str] = []

    async def handler(exchange: Exchange) -> None:
        exchange.respond(200)
        for again in (exchange.respond, exchange.start):
            with pytest.raises(RuntimeError) as caught:
                again(200)
            refused.append(str(caught.value))
        with pytest.raises(RuntimeError) as caught:
            exchange.finish()
        refused.append(str(caught.value))
        with pytest.raises(RuntimeError) as caught:
            await exchange.write(b"more")
        refused.append(str(caught.value))

    answer = await said((await served(handler)).port, LAST)
    assert answer.count(b"HTTP/1.1 200 OK") == 1
    assert answer.endswith(b"\r\n\r\n")
    assert len(refused) == 4


async def test_a_handler_that_only_writes_gives_way_when_its_client_is_gone(served: Serving) -> None:
    ended = asyncio.Event()

    async def handler(exchange: Exchange) -> None:
        exchange.start(200)
        exchange.abort()
        try:
            for _ in range(1_000_000):
                await exchange.write(b"x")
        except asyncio.CancelledError:
            ended.set()
            raise

    await said((await served(handler)).port, LAST)
    await within(ended)


async def test_another_task_may_write_to_a_stream_and_cut_it(served: Serving) -> None:
    streams: list[Exchange] = []
    ended = asyncio.Event()

    async def handler(exchange: Exchange) -> None:
        exchange.start(200)
        streams.append(exchange)
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    listener = await served(handler)
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    writer.write(LAST)
    await until(lambda: streams)
    streams[0].write_soon(b"data: 1\n\n")
    async with asyncio.timeout(PATIENCE):
        assert (await reader.readuntil(b"data: 1\n\n\r\n")).startswith(b"HTTP/1.1 200 OK")
        streams[0].abort()
        await ended.wait()
    writer.close()


async def test_an_answer_is_as_long_as_declared(served: Serving) -> None:
    asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)

    async def handler(exchange: Exchange) -> None:
        exchange.start(200, [], length=5)
        await exchange.write(b"abcdef" if exchange.path == "/long" else b"abc")
        exchange.finish()

    port = (await served(handler)).port
    for path in (b"/long", b"/short"):
        answer = await said(port, b"GET " + path + b" HTTP/1.1\r\nHost: a\r\n\r\n")
        assert len(answer.partition(b"\r\n\r\n")[2].removesuffix(b"<reset>")) < 5


@pytest.mark.parametrize("status", [99, 101, 199, 600])
async def test_only_statuses_of_answers_are_sent(served: Serving, status: int) -> None:
    async def handler(exchange: Exchange) -> None:
        with pytest.raises(ValueError, match="status"):
            exchange.respond(status)
        exchange.respond(200)

    assert (await said((await served(handler)).port, LAST)).startswith(b"HTTP/1.1 200 OK")


async def test_a_peer_that_vanishes_is_probed_for(served: Serving, pooled: Pooling) -> None:
    listener = await served()
    pool = pooled(listener.port)
    await pool.send("GET", "/", [], timeout=5)
    (connection,) = listener._connections
    for side in (connection._transport, pool._idle[0]._transport):
        known = side.get_extra_info("socket")
        assert known.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1


async def test_closing_lets_running_exchanges_end(served: Serving) -> None:
    handler = Watched()
    listener = await served(handler)
    call = asyncio.create_task(said(listener.port, post()))
    await within(handler.began)
    closing = asyncio.create_task(listener.close(PATIENCE))
    await asyncio.sleep(0)
    handler.go.set()
    answer = await call
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert b"\r\nconnection: close\r\n" in answer
    await closing


async def test_closing_cuts_off_what_does_not_end_in_time(served: Serving) -> None:
    handler = Watched()
    listener = await served(handler)
    call = asyncio.create_task(said(listener.port, post()))
    await within(handler.began)
    await listener.close(0.05)
    await within(handler.cancelled)
    assert await call in (b"", b"<reset>")
