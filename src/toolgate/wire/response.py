"""An answer of a server, whose body may still be coming."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from toolgate.wire.failures import BadAnswer, UpstreamError
from toolgate.wire.headers import Headers

if TYPE_CHECKING:
    from toolgate.wire.link import Link


class Response:
    """Read it to its end or close it: until then it holds a connection.

    The connection goes back to the pool with the last byte of the body, whether that byte was asked for or not.
    """

    __slots__ = (
        "_deadline",
        "_done",
        "_failure",
        "_link",
        "_parts",
        "_size",
        "_waiter",
        "body_complete",
        "headers",
        "status",
    )

    def __init__(self, status: int, headers: Headers, link: Link, deadline: float) -> None:
        self.status = status
        self.headers = headers
        self.body_complete: bytes | None = None  # the whole body, if it came with the head
        self._link = link
        self._deadline = deadline
        self._parts: list[bytes] = []
        self._size = 0
        self._done = False
        self._failure: UpstreamError | None = None
        self._waiter: asyncio.Future[None] | None = None

    async def read(self, limit: int) -> bytes:
        """Give the rest of the body; the timeout of `send` covers it. Cancelling it cuts the connection.

        Raises TimedOut, Lost, BadAnswer (also beyond `limit` bytes).
        """
        if self.body_complete is not None and len(self.body_complete) <= limit:
            return self.body_complete
        if not self._done:
            self._link.deadline = self._deadline
        try:
            return await self._whole(limit)
        except asyncio.CancelledError:
            self.close()
            raise

    async def _whole(self, limit: int) -> bytes:
        parts: list[bytes] = []
        size = 0
        while data := await self.chunk():
            parts.append(data)
            size += len(data)
            if size > limit:
                self.close()
                raise BadAnswer(self._link.place, f"the answer is longer than {limit} bytes")
        return b"".join(parts)

    async def chunk(self) -> bytes:
        """Give what has come of the body since the last call, waiting for the first byte; `b""` at the end.

        No timeout: between two events of a stream may be hours. Raises Lost, BadAnswer.
        """
        while not self._parts:
            if self._failure is not None:
                raise self._failure
            if self._done:
                return b""
            self._waiter = self._link.loop.create_future()
            await self._waiter
        return self._take()

    def _take(self) -> bytes:
        parts = self._parts
        if self._size and not self._done:
            self._link.resume()
        self._size = 0
        if len(parts) == 1:
            return parts.pop()
        data = b"".join(parts)
        parts.clear()
        return data

    def close(self) -> None:
        """End the exchange: if the body has not wholly come, the connection is cut at once."""
        if not self._done:
            self._done = True
            self._link.abort()
            self._wake()

    def push(self, data: bytes) -> int:
        """Take bytes of the body from the connection; tells how many wait to be read."""
        self._parts.append(data)
        self._size += len(data)
        self._wake()
        return self._size

    def complete(self) -> None:
        """Note, for the connection, that the body is whole."""
        self._done = True
        self._wake()

    def arrived(self, body: bytes) -> None:
        """Note, for the connection, that the body (`body`, or what was pushed) came whole with the head."""
        self._done = True
        if body:
            self._parts.append(body)
        self.body_complete = self._parts[0] if self._parts else b""

    def fail(self, failure: UpstreamError) -> None:
        """Note, for the connection, that the rest of the body will not come; what came can still be read."""
        if not self._done:
            self._failure = failure
            self._done = True
            self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
