"""One connection to a server: one exchange at a time."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, cast

from toolgate.wire.answers import AnswerReader, promised_idle
from toolgate.wire.failures import BadAnswer, Lost, Refused, TimedOut, UpstreamError
from toolgate.wire.reading import CHUNKED, UNTIL_CLOSE
from toolgate.wire.response import Response

if TYPE_CHECKING:
    from toolgate.wire.answers import AnswerHead
    from toolgate.wire.client import Pool

_JOINED = 16 * 1024  # up to this many bytes one copy is cheaper than one more buffer in the system call
_INTERIM = 8  # `1xx` answers put up with before the real one


class Link(asyncio.Protocol):
    """The state of one connection to a server; small, since there may be ten thousand of them."""

    __slots__ = (
        "_held",
        "_interim",
        "_left",
        "_method",
        "_paused",
        "_pool",
        "_reader",
        "_response",
        "_transport",
        "_waiter",
        "deadline",
        "idle_for",
        "keep_alive",
        "loop",
        "place",
        "usable",
    )

    _transport: asyncio.Transport

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.loop = pool.loop
        self.place = pool.place
        self._reader = AnswerReader()
        self._held = b""  # the beginning of a head
        self._interim = 0
        self._left = 0  # of the body, where its length is known
        self._method = ""
        self._paused = False
        self._waiter: asyncio.Future[Response] | None = None  # for the head of an answer
        self._response: Response | None = None  # whose body is coming
        self.deadline = math.inf  # of what is awaited; of the idle time in the pool
        self.idle_for = pool.limits.idle_timeout
        self.keep_alive = True
        self.usable = False

    # --- what the transport calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.usable = True
        self._pool.joined(self)

    def data_received(self, data: bytes) -> None:
        try:
            if self._response is not None:
                self._read_body(self._response, data)
            elif self._waiter is not None:
                self._read_head(self._held + data if self._held else data)
            else:
                # Nobody asked: whatever this answers would be taken for the answer to the next request.
                self.abort()
        except Refused as refusal:
            self._fail(BadAnswer(self.place, refusal.cause))

    def eof_received(self) -> None:
        self.usable = False
        if self._response is not None and self._left == UNTIL_CLOSE:
            self._complete(self._response)

    def connection_lost(self, exc: Exception | None) -> None:
        self.usable = False
        self._fail(Lost(self.place, "the connection ended before the answer was whole"))
        self._reader.release()
        self._pool.left(self)

    # --- the request

    def send(self, head: bytes, body: bytes, method: str, deadline: float) -> asyncio.Future[Response]:
        """Send a request; the future brings the answer as soon as its head has come."""
        self._method = method
        self.deadline = deadline
        self._waiter = waiter = self.loop.create_future()
        if len(body) <= _JOINED:
            self._transport.write(head + body)
        else:
            self._transport.writelines((head, body))
        return waiter

    # --- the answer

    def _read_head(self, data: bytes) -> None:
        limits = self._pool.limits
        end = data.find(b"\r\n\r\n") + 4
        if end < 4 or end > limits.head_bytes:
            if len(data) > limits.head_bytes:
                raise Refused(431, f"the head of the answer is longer than {limits.head_bytes} bytes")
            self._held = data
            return
        self._held = b""
        head = self._reader.begin(data[:end], self._method, limits)
        rest = data[end:]
        if head.status < 200:
            self._skip(rest)
        else:
            self._begin(head, rest)

    def _skip(self, rest: bytes) -> None:
        self._interim += 1
        if self._interim > _INTERIM:
            raise Refused(400, "too many interim answers")
        if rest:
            self._read_head(rest)

    def _begin(self, head: AnswerHead, rest: bytes) -> None:
        self._interim = 0
        self._left = head.length
        # An answer that is ahead of its request comes from a server that will not read the rest of it.
        self.keep_alive = head.keep_alive and not self._transport.get_write_buffer_size()
        if (promised := promised_idle(head.headers)) is not None:
            self.idle_for = min(promised - 1, self._pool.limits.idle_timeout_max)
        response = Response(head.status, head.headers, self, self.deadline)
        self.deadline = math.inf
        waiter, self._waiter = self._waiter, None
        self._response = response
        if rest or head.length == 0:
            self._read_body(response, rest)
        if self._response is None:
            response.arrived()
        assert waiter is not None
        if not waiter.done():
            waiter.set_result(response)

    def _read_body(self, response: Response, data: bytes) -> None:
        reader = self._reader
        if self._left == CHUNKED:
            reader.feed_chunks(data)
        elif self._left == UNTIL_CLOSE:
            reader.feed(data)
        else:
            self._read_counted(data)
        unread = response.push(body) if (body := reader.take()) else 0
        if reader.done:
            self._complete(response)
        elif unread > self._pool.limits.held_bytes and not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def _read_counted(self, data: bytes) -> None:
        if len(data) > self._left:
            self.keep_alive = False
            data = data[: self._left]
        self._left -= len(data)
        if data:
            self._reader.feed(data)

    def _complete(self, response: Response) -> None:
        self._response = None
        self.deadline = math.inf
        response.complete()
        self.resume()
        if self.usable and self.keep_alive and not self._reader.excess and self.idle_for > 0:
            self._pool.freed(self)
        else:
            self.abort()

    # --- endings

    def _fail(self, failure: UpstreamError) -> None:
        waiter, self._waiter = self._waiter, None
        response, self._response = self._response, None
        self.abort()
        if waiter is not None and not waiter.done():
            waiter.set_exception(failure)
        if response is not None:
            response.fail(failure)

    def abort(self) -> None:
        """Cut the connection."""
        self.usable = False
        self._transport.abort()

    def resume(self) -> None:
        """Read on, after a pause because nobody took what had come."""
        if self._paused:
            self._paused = False
            self._transport.resume_reading()

    def look(self, now: float) -> None:
        """Enforce the deadline; called every tick."""
        if now >= self.deadline:
            self._fail(TimedOut(self.place, "no whole answer in time", sent=True))
