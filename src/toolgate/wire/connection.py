"""One client's connection: reads requests, runs the handler on them one after the other, writes the answers."""

from __future__ import annotations

import asyncio
import math
from enum import IntEnum
from typing import TYPE_CHECKING, cast

from toolgate.wire.exchange import Exchange
from toolgate.wire.failures import Refused
from toolgate.wire.reading import CHUNKED
from toolgate.wire.rendering import status_line
from toolgate.wire.requests import RequestReader

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toolgate.wire.requests import RequestHead
    from toolgate.wire.server import Listener


class Phase(IntEnum):
    """What the next bytes of the client are."""

    HEAD = 0  # of a request
    BODY = 1  # of the request that the handler has
    HELD = 2  # requests that wait for the answer to the one before
    LEFTOVER = 3  # nothing that is read: our last byte is sent
    CLOSED = 4


class Connection(asyncio.Protocol):
    """The state of one client's connection; small, since there may be ten thousand of them."""

    __slots__ = (
        "_body_until",
        "_deadline",
        "_drained",
        "_exchange",
        "_flushed",
        "_held",
        "_left",
        "_listener",
        "_paused",
        "_phase",
        "_put",
        "_reader",
        "_stalled_since",
        "_task",
        "_transport",
        "_wake",
        "congested",
        "loop",
        "peer",
        "secure",
    )

    _transport: asyncio.Transport

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self.loop = listener.loop
        self._reader = RequestReader()
        self._phase = Phase.HEAD
        self._held = b""  # bytes not yet parsed
        self._left = 0  # of the body, where its length is known
        self._exchange: Exchange | None = None
        self._task: asyncio.Task[None] | None = None
        self._wake: asyncio.Future[Exchange] | None = None
        self._drained: asyncio.Future[None] | None = None
        self.congested = False
        self._paused = False
        self._deadline = math.inf
        self._body_until = math.inf
        self._put = self._flushed = 0
        self._stalled_since = 0.0
        self.peer = ""
        self.secure = False

    # --- what the transport calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        self.peer = peer[0] if isinstance(peer, tuple) else ""
        self.secure = transport.get_extra_info("sslcontext") is not None
        self._deadline = self.loop.time() + self._listener.limits.head_timeout
        if not self._listener.admit(self):
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._phase = Phase.CLOSED
        self._listener.forget(self)
        self._reader.release()
        self._abandon()
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)

    def eof_received(self) -> None:
        # Whoever hung up and whoever only shut his write side look alike, and the first must end the call at once.
        self._abandon()

    def pause_writing(self) -> None:
        self.congested = True

    def resume_writing(self) -> None:
        self.congested = False
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)

    def data_received(self, data: bytes) -> None:
        phase = self._phase
        try:
            if phase is Phase.HEAD:
                self._read_head(self._held + data if self._held else data)
            elif phase is Phase.BODY:
                self._read_body(data)
            elif phase is Phase.HELD:
                self._hold(self._held + data)
        except Refused as refusal:
            self._refuse(refusal)

    # --- reading

    def _read_head(self, data: bytes) -> None:
        limits = self._listener.limits
        end = data.find(b"\r\n\r\n") + 4
        if end < 4 or end > limits.head_bytes:
            if len(data) > limits.head_bytes:
                raise Refused(431, f"the head is longer than {limits.head_bytes} bytes")
            if not self._held:
                self._deadline = self.loop.time() + limits.head_timeout
            self._held = data
            return
        self._held = b""
        if end == len(data):
            self._begin(self._reader.begin(data, limits), b"")
        else:
            self._begin(self._reader.begin(data[:end], limits), data[end:])

    def _begin(self, head: RequestHead, rest: bytes) -> None:
        self._deadline = self._body_until = math.inf
        self._exchange = exchange = Exchange(self, head, self._listener.limits.held_bytes)
        self._left = head.length
        self._phase = Phase.BODY
        if head.length == 0 or rest:
            self._read_body(rest)
        if self._task is None:
            self._task = self.loop.create_task(self._run(exchange))
            self._task.add_done_callback(self._ended)
        elif self._wake is not None:
            self._wake.set_result(exchange)
            self._wake = None

    def _read_body(self, data: bytes) -> None:
        reader = self._reader
        exchange = self._exchange
        assert exchange is not None
        rest = b""
        if self._left == CHUNKED:
            reader.feed_chunks(data)
        elif self._left:
            if len(data) > self._left:
                data, rest = data[: self._left], data[self._left :]
            self._left -= len(data)
            reader.feed(data)
        else:
            data, rest = b"", data
        if data:
            exchange.push(reader.take())
        if reader.done:
            self._phase = Phase.HELD
            self._deadline = math.inf
            exchange.complete()
            if rest:
                self._hold(rest)
        elif exchange.received > exchange.allowed:
            self._pause()
        elif exchange.body_awaited:
            self._deadline = min(self._body_until, self.loop.time() + self._listener.limits.body_stall)

    def _hold(self, data: bytes) -> None:
        self._held = data
        if len(data) > self._listener.limits.held_bytes:
            self._pause()

    def _pause(self) -> None:
        if not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def _resume(self) -> None:
        if self._paused:
            self._paused = False
            self._transport.resume_reading()

    # --- the handler

    async def _run(self, exchange: Exchange) -> None:
        handler = self._listener.handler
        while True:
            try:
                await handler(exchange)
            finally:
                alive = self._end(exchange)
            if not alive:
                return
            if self.congested:
                await self.drained()
            exchange = self._next() or await self._wait()

    def _end(self, exchange: Exchange) -> bool:
        """Close the books of an exchange; tells whether another may follow."""
        self._exchange = None
        if self._phase >= Phase.LEFTOVER:
            return False
        if not exchange.started:
            exchange.respond(500)
            self._hang_up()
        elif not exchange.finished:
            self._transport.abort()
        elif self._phase is Phase.HELD and exchange.head.keep_alive:
            self._phase = Phase.HEAD
            self._deadline = self.loop.time() + self._listener.limits.idle_timeout
            return True
        else:
            self._hang_up()
        return False

    def _next(self) -> Exchange | None:
        """Begin the request that already waits, if there is a whole head of one."""
        data, self._held = self._held, b""
        self._resume()
        if data:
            self.data_received(data)
        return self._exchange

    async def _wait(self) -> Exchange:
        self._wake = self.loop.create_future()
        return await self._wake

    def _abandon(self) -> None:
        """Cancel the handler, unless the client has its answer: then the handler may end in peace."""
        if self._task is not None and (self._exchange is None or not self._exchange.finished):
            self._task.cancel()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._task = None
        if not task.cancelled() and (error := task.exception()) is not None:
            self.loop.call_exception_handler({"message": "a handler failed", "exception": error, "protocol": self})
        if self._phase < Phase.LEFTOVER:
            self._transport.abort()

    # --- endings

    def _refuse(self, refusal: Refused) -> None:
        """Answer, if nothing was answered yet, and end the connection: what follows cannot be trusted."""
        if self._exchange is not None and self._exchange.started:
            self._transport.abort()
        else:
            body = f"{refusal.cause}\n".encode()
            fields = b"connection: close\r\ncontent-type: text/plain\r\ncontent-length: %d\r\n\r\n" % len(body)
            self.put(status_line(refusal.status) + self._listener.date + fields + body)
            self._hang_up()
        if self._task is not None:
            self._task.cancel()

    def _hang_up(self) -> None:
        """Send our end and read on for a while: closing at once could destroy the answer (RFC 9112 section 9.6)."""
        self._phase = Phase.LEFTOVER
        self._held = b""
        self._deadline = self.loop.time() + self._listener.limits.linger
        self._resume()
        if self._transport.can_write_eof():
            self._transport.write_eof()
        else:
            self._transport.close()

    def retire(self) -> None:
        """End the connection as soon as it has nothing to do."""
        if self._phase is Phase.HEAD:
            self._hang_up()

    def abort(self) -> None:
        """End the connection now."""
        self._transport.abort()

    def look(self, now: float) -> None:
        """Enforce the timeouts; called every tick."""
        size = self._transport.get_write_buffer_size()
        if size and self._put - size == self._flushed:
            if now - self._stalled_since >= self._listener.limits.write_stall:
                self._transport.abort()
            return
        self._flushed = self._put - size
        self._stalled_since = now
        if now >= self._deadline and not size:
            self._expire()

    def _expire(self) -> None:
        if self._phase is Phase.BODY or self._held:
            self._refuse(Refused(408, "the request did not come in time"))
        elif self._phase is Phase.HEAD:
            self._hang_up()
        else:
            self._transport.abort()

    # --- what the exchange calls

    def own_fields(self, exchange: Exchange) -> bytes:
        """Give the fields of an answer that belong to the connection, and decide whether it stays open."""
        head = exchange.head
        if not exchange.body_complete or self._listener.closing or self._reader.excess:
            head.keep_alive = False
        if not head.keep_alive:
            return self._listener.date + b"connection: close\r\n"
        return self._listener.date + b"connection: keep-alive\r\n" if head.old else self._listener.date

    def put(self, data: bytes) -> None:
        """Write bytes."""
        self._put += len(data)
        self._transport.write(data)

    def put_all(self, parts: Sequence[bytes]) -> None:
        """Write several buffers in one call, without joining them."""
        self._put += sum(map(len, parts))
        self._transport.writelines(parts)

    async def drained(self) -> None:
        """Wait until the client has taken enough of what was written."""
        self._drained = self.loop.create_future()
        await self._drained

    def body_wanted(self) -> None:
        """Expect bytes of the body from now on."""
        limits = self._listener.limits
        now = self.loop.time()
        if self._body_until == math.inf:
            self._body_until = now + limits.body_timeout
        self._deadline = min(self._body_until, now + limits.body_stall)
        self._resume()
