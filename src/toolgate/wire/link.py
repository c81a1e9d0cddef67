"""One connection to a server: one exchange at a time."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, cast

from toolgate.wire.answers import read_answer
from toolgate.wire.bodies import Body, UntilClose, body_of
from toolgate.wire.failures import BadAnswer, Lost, Refused, TimedOut, UpstreamError
from toolgate.wire.keepalive import keep_alive
from toolgate.wire.rendering import JOINED
from toolgate.wire.response import Response

if TYPE_CHECKING:
    from toolgate.wire.answers import AnswerHead
    from toolgate.wire.client import Pool

_INTERIM = 8  # `1xx` answers put up with before the real one


class Link(asyncio.Protocol):
    """The state of one connection to a server; small, since there may be ten thousand of them."""

    __slots__ = (
        "_body",
        "_forsaken",
        "_held",
        "_interim",
        "_method",
        "_paused",
        "_pool",
        "_response",
        "_seen",
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
        self._seen: tuple[bytes, str, AnswerHead] | None = None  # the last head, its method: most servers repeat theirs
        self._held = b""  # the beginning of a head
        self._interim = 0
        self._body: Body | None = None
        self._method = ""
        self._paused = False
        self._waiter: asyncio.Future[Response] | None = None  # for the head of an answer
        self._response: Response | None = None  # whose body is coming
        self.deadline = math.inf  # of what is awaited; of the idle time in the pool
        self.idle_for = pool.limits.idle_timeout
        self.keep_alive = True
        self.usable = False
        self._forsaken = False

    # --- what the transport calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Join the pool."""
        self._transport = cast("asyncio.Transport", transport)
        if self._forsaken:
            self._transport.abort()
            return
        self.usable = True
        keep_alive(transport.get_extra_info("socket"))
        self._pool.joined(self)

    def data_received(self, data: bytes) -> None:
        """Read."""
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
        """Take the end of what the server sends for its end."""
        self.usable = False
        if self._response is not None and isinstance(self._body, UntilClose):
            self._complete(self._response)

    def connection_lost(self, _exc: Exception | None) -> None:
        """Leave the pool, and fail what waits for the server."""
        self.usable = False
        self._fail(Lost(self.place, "the connection ended before the answer was whole"))
        self._pool.left(self)

    # --- the request

    def send(self, head: bytes, body: bytes, method: str, deadline: float) -> asyncio.Future[Response]:
        """Send a request; the future brings the answer as soon as its head has come."""
        self._method = method
        self.deadline = deadline
        self._waiter = waiter = self.loop.create_future()
        if len(body) <= JOINED:
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
        whole = data[:end]
        seen = self._seen
        if seen is None or seen[0] != whole or seen[1] != self._method:
            self._seen = seen = (whole, self._method, read_answer(whole, self._method, limits))
        head = seen[2]
        if head.status < 200:
            self._skip(data[end:])
        else:
            self._begin(head, data[end:])

    def _skip(self, rest: bytes) -> None:
        self._interim += 1
        if self._interim > _INTERIM:
            raise Refused(400, "too many interim answers")
        if rest:
            self._read_head(rest)

    def _begin(self, head: AnswerHead, rest: bytes) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is None or waiter.done():
            # The call was cancelled in this turn of the loop, and will cut the connection: nobody else may get it.
            self.abort()
            return
        self._interim = 0
        # An answer that is ahead of its request comes from a server that will not read the rest of it.
        self.keep_alive = head.keep_alive and not self._transport.get_write_buffer_size()
        if head.idle is not None:
            self.idle_for = min(head.idle - 1, self._pool.limits.idle_timeout_max)
        response = Response(head.status, head.headers, self, self.deadline)
        self.deadline = math.inf
        waiter.set_result(response)
        if head.length == len(rest):
            response.arrived(rest)
            self._over()
        else:
            self._response = response
            self._body = body = body_of(head.length)
            self._read_body(response, rest)
            if body.done:
                response.arrived(b"")

    def _read_body(self, response: Response, data: bytes) -> None:
        body = self._body
        assert body is not None
        part = body.feed(data)
        unread = response.push(part) if part else 0
        if body.done:
            self.keep_alive = self.keep_alive and not body.behind
            self._complete(response)
        elif unread > self._pool.limits.held_bytes and not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def _complete(self, response: Response) -> None:
        self._response = self._body = None
        response.complete()
        self.resume()
        self._over()

    def _over(self) -> None:
        self.deadline = math.inf
        if self.usable and self.keep_alive and self.idle_for > 0:
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

    def forsake(self) -> None:
        """Give up a connect that failed or was cancelled: the loop may never tell that the connection is lost."""
        self._forsaken = True
        self.usable = False
        self._pool.left(self)

    def resume(self) -> None:
        """Read on, after a pause because nobody took what had come."""
        if self._paused and self.usable:
            self._paused = False
            self._transport.resume_reading()

    def look(self, now: float) -> None:
        """Enforce the deadline; called every tick."""
        if now >= self.deadline and self.usable:
            self._fail(TimedOut(self.place, "no whole answer in time", sent=True))
