"""One client's connection: reads requests, runs the handler on them one after the other, writes the answers."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, cast

from toolgate.wire.bodies import Body, Counted, body_of
from toolgate.wire.exchange import Exchange
from toolgate.wire.failures import Refused
from toolgate.wire.rendering import status_line
from toolgate.wire.requests import read_request

if TYPE_CHECKING:
    from collections.abc import Sequence

    from toolgate.wire.requests import RequestHead
    from toolgate.wire.server import Listener


# What the next bytes of the client are. (Plain numbers: an enumeration's member costs more than the comparison.)
_HEAD = 0  # of a request
_BODY = 1  # of the request that the handler has
_HELD = 2  # requests that wait for the answer to the one before
_LEFTOVER = 3  # nothing that is read: our last byte is sent
_CLOSED = 4


class Connection(asyncio.Protocol):
    """The state of one client's connection; small, since there may be ten thousand of them."""

    __slots__ = (
        "_body",
        "_body_until",
        "_deadline",
        "_drained",
        "_exchange",
        "_flushed",
        "_held",
        "_listener",
        "_paused",
        "_phase",
        "_put",
        "_seen",
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
        self._phase = _HEAD
        self._held = b""  # bytes not yet parsed
        self._body: Body | None = None  # of the exchange, while it is coming
        self._seen: tuple[bytes, RequestHead] | None = None  # the last head: most clients repeat theirs
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
        """Begin to read."""
        self._transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        self.peer = peer[0] if isinstance(peer, tuple) else ""
        self.secure = transport.get_extra_info("sslcontext") is not None
        self._deadline = self.loop.time() + self._listener.limits.head_timeout
        if not self._listener.admit(self):
            self._transport.abort()

    def connection_lost(self, _exc: Exception | None) -> None:
        """End whatever waits for the client."""
        self._phase = _CLOSED
        self._listener.forget(self)
        self._abandon()
        self.resume_writing()

    def eof_received(self) -> None:
        """Take the end of what the client sends for its end."""
        # Whoever hung up and whoever only shut his write side look alike, and the first must end the call at once.
        self._phase = _CLOSED
        self._abandon()

    def pause_writing(self) -> None:
        """Note that the client takes less than it is sent."""
        self.congested = True

    def resume_writing(self) -> None:
        """Let the writer go on."""
        self.congested = False
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Read."""
        phase = self._phase
        try:
            if phase == _HEAD:
                self._read_head(self._held + data if self._held else data)
            elif phase == _BODY:
                self._read_body(data)
            elif phase == _HELD:
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
        whole = data[:end]
        seen = self._seen
        if seen is None or seen[0] != whole:
            self._seen = seen = (whole, read_request(whole, limits))
        self._begin(seen[1], data[end:])

    def _begin(self, head: RequestHead, rest: bytes) -> None:
        self._deadline = self._body_until = math.inf
        held = self._listener.limits.held_bytes
        if head.length == len(rest):
            self._phase = _HELD
            self._exchange = exchange = Exchange(self, head, held, rest)
        else:
            self._phase = _BODY
            self._exchange = exchange = Exchange(self, head, held, None)
            self._body = body_of(head.length)
            self._read_body(rest)
        if self._wake is not None:
            self._wake.set_result(exchange)
            self._wake = None
        elif self._task is None:
            self._task = self.loop.create_task(self._run(exchange))
            self._task.add_done_callback(self._ended)

    def _read_body(self, data: bytes) -> None:
        body = self._body
        exchange = self._exchange
        assert body is not None
        assert exchange is not None
        if part := body.feed(data):
            exchange.push(part)
        if body.done:
            self._body_done(body, exchange)
        elif exchange.received > exchange.allowed:
            self._pause()
        elif exchange.body_awaited:
            self._deadline = min(self._body_until, self.loop.time() + self._listener.limits.body_stall)

    def _body_done(self, body: Body, exchange: Exchange) -> None:
        self._phase = _HELD
        self._body = None
        self._deadline = math.inf
        if body.behind:
            if isinstance(body, Counted):
                self._hold(body.behind)
            else:
                exchange.keep_alive = False
        exchange.complete()

    def _hold(self, data: bytes) -> None:
        self._held = data
        if len(data) > self._listener.limits.held_bytes:
            self._pause()

    def _pause(self) -> None:
        if not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def _resume(self) -> None:
        if self._paused and self._phase != _CLOSED:
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
        if self._phase >= _LEFTOVER:
            return False
        if not exchange.started:
            exchange.respond(500)
            self._hang_up()
        elif not exchange.finished:
            self._transport.abort()
        elif self._phase == _HELD and exchange.keep_alive:
            self._phase = _HEAD
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
        if self._phase < _LEFTOVER:
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
        self._phase = _LEFTOVER
        self._held = b""
        self._deadline = self.loop.time() + self._listener.limits.linger
        self._resume()
        if self._transport.can_write_eof():
            self._transport.write_eof()
        else:
            self._transport.close()

    def retire(self) -> None:
        """End the connection as soon as it has nothing to do."""
        if self._phase == _HEAD:
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
        if now >= self._deadline and not size and self._phase != _CLOSED:
            self._expire()

    def _expire(self) -> None:
        if self._phase == _LEFTOVER:
            self._transport.abort()
        elif self._phase == _HEAD and not self._held:
            self._hang_up()
        elif self._exchange is None or self._exchange.body_awaited:
            self._refuse(Refused(408, "the request did not come in time"))

    # --- what the exchange calls

    def own_fields(self, exchange: Exchange) -> bytes:
        """Give the fields of an answer that belong to the connection, and decide whether it stays open."""
        if not exchange.body_complete or self._listener.closing:
            exchange.keep_alive = False
        if not exchange.keep_alive:
            return self._listener.date + b"connection: close\r\n"
        return self._listener.date + b"connection: keep-alive\r\n" if exchange.old else self._listener.date

    def put(self, data: bytes) -> None:
        """Write bytes, unless the client is gone."""
        if self._phase != _CLOSED:
            self._put += len(data)
            self._transport.write(data)

    def put_all(self, parts: Sequence[bytes]) -> None:
        """Write several buffers in one call, without joining them."""
        if self._phase != _CLOSED:
            self._put += sum(map(len, parts))
            self._transport.writelines(parts)

    @property
    def closing(self) -> bool:
        """Whether what is written goes nowhere."""
        return self._phase == _CLOSED or self._transport.is_closing()

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
