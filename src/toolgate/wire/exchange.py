"""One request and the answer to it, as the gateway sees them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from toolgate.wire.failures import BodyTooLarge
from toolgate.wire.rendering import CONTINUE, JOINED, LAST_CHUNK, Fields, answer_fields, status_line

if TYPE_CHECKING:
    from toolgate.wire.connection import Connection
    from toolgate.wire.requests import RequestHead


class Exchange:
    """A request whose head has come. Answer it by `respond`, or by `start`, `write`... and `finish`.

    The task that runs the handler is cancelled when the client hangs up (a client that only shuts its write side cannot
    be told from one) before the answer is finished, and when the rest of its body proves to be malformed or stalls.
    """

    __slots__ = (
        "_chunked",
        "_connection",
        "_expects",
        "_head",
        "_left",
        "_parts",
        "_waiter",
        "allowed",
        "body_complete",
        "finished",
        "headers",
        "keep_alive",
        "method",
        "old",
        "path",
        "query",
        "received",
        "started",
    )

    def __init__(self, connection: Connection, head: RequestHead, allowed: int, body: bytes | None) -> None:
        self._connection = connection
        self._head = head
        self._waiter: asyncio.Future[None] | None = None
        self._chunked = False
        self._left: int | None = None  # of an answer whose length was declared
        self._parts = [body] if body else []
        self.received = len(body) if body else 0  # bytes of the request's body
        self.allowed = allowed  # bytes of the body that may come before reading pauses
        self.body_complete = body is not None  # every byte of the body has arrived
        self.keep_alive = head.keep_alive
        self.old = head.old
        self._expects = head.expects
        self.method = head.method
        self.path = head.path
        self.query = head.query
        self.headers = head.headers
        self.started = False  # the head of the answer is on its way
        self.finished = False  # the whole answer is on its way

    @property
    def peer(self) -> str:
        """The address of the client (not of any proxy before it)."""
        return self._connection.peer

    @property
    def secure(self) -> bool:
        """Whether the connection is encrypted."""
        return self._connection.secure

    async def body(self, limit: int) -> bytes:
        """Give the whole body, without a pause when it has already come. Raises BodyTooLarge, then for good."""
        self.allowed = limit
        if self._head.length > limit or self.received > limit:
            raise BodyTooLarge(limit)
        while not self.body_complete:
            await self._more()
            if self.received > limit:
                raise BodyTooLarge(limit)
        parts = self._parts
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def _more(self) -> None:
        if self._expects and not self.received and not self.started:
            self._expects = False
            self._connection.put(CONTINUE)
        self._waiter = self._connection.loop.create_future()
        self._connection.body_wanted()
        await self._waiter

    def push(self, data: bytes) -> None:
        """Take bytes of the body from the connection."""
        self._parts.append(data)
        self.received += len(data)
        self._wake()

    def complete(self) -> None:
        """Note, for the connection, that the body is whole."""
        self.body_complete = True
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    @property
    def body_awaited(self) -> bool:
        """Whether the handler waits for bytes that the client owes."""
        return self._waiter is not None and not self._waiter.done()

    def respond(self, status: int, headers: Fields = (), body: bytes = b"") -> None:
        """Send a whole answer in one write. Header names in lower case; framing, `date`, `connection` are added."""
        fields = self._checked(status, headers)
        bodiless = status in (204, 304)
        if not bodiless:
            fields += b"content-length: %d\r\n" % len(body)
        head = self._begin(status, fields)
        if not body or bodiless or self.method == "HEAD":
            self._connection.put(head)
        elif len(body) <= JOINED:
            self._connection.put(head + body)
        else:
            self._connection.put_all((head, body))
        self.finished = True

    def start(self, status: int, headers: Fields = (), length: int | None = None) -> None:
        """Send the head of an answer that `write` and `finish` go on with; `length` where the whole is known.

        Without it the answer goes in chunks, to an HTTP/1.0 client until the connection closes.
        """
        fields = self._checked(status, headers)
        if length is not None:
            fields += b"content-length: %d\r\n" % length
            self._left = length
        elif self.old:
            self.keep_alive = False
        else:
            fields += b"transfer-encoding: chunked\r\n"
            self._chunked = self.method != "HEAD"
        self._connection.put(self._begin(status, fields))

    def _checked(self, status: int, headers: Fields) -> bytes:
        if self.started:
            raise RuntimeError("the request has an answer already")
        if not 200 <= status <= 599:
            raise ValueError(f"not the status of an answer: {status}")
        return answer_fields(headers)

    def _begin(self, status: int, fields: bytes) -> bytes:
        self.started = True
        return status_line(status) + self._connection.own_fields(self) + fields + b"\r\n"

    async def write(self, chunk: bytes) -> None:
        """Send a part of the answer; waits only while the client takes less than it is sent."""
        self.write_soon(chunk)
        if self._connection.congested:
            await self._connection.drained()
        elif self._connection.closing:
            # A transport that is cut takes everything without ever being full: a handler that only writes would never
            # wait, never be cancelled, and hold up every other call.
            await asyncio.sleep(0)

    def write_soon(self, chunk: bytes) -> None:
        """Send a part of the answer without waiting: for a few short ones that somebody else than the handler sends."""
        connection = self._connection
        if not self.started or self.finished:
            raise RuntimeError("the answer is not begun, or over")
        if self.method == "HEAD" or not chunk:
            return
        if self._left is not None:
            self._left -= len(chunk)
            if self._left < 0:
                raise RuntimeError("the answer is longer than declared")
        if not self._chunked:
            connection.put(chunk)
        elif len(chunk) <= JOINED:
            connection.put(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        else:
            connection.put_all((b"%x\r\n" % len(chunk), chunk, b"\r\n"))

    def abort(self) -> None:
        """Cut the connection at once, and with it the handler: the client can tell that the answer is not whole."""
        self._connection.abort()

    def finish(self) -> None:
        """End the answer begun by `start`. An answer that is not finished is cut off, so that the client can tell."""
        if not self.started or self.finished:
            raise RuntimeError("the answer is not begun, or over")
        if self._left and self.method != "HEAD":
            raise RuntimeError("the answer is shorter than declared")
        if self._chunked:
            self._connection.put(LAST_CHUNK)
        self.finished = True
