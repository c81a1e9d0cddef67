"""The answer of a stdio server as streamable HTTP would give it: JSON when the answer comes first, else a stream."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final, Protocol

from toolgate.upstream.stdio_messages import Id
from toolgate.wire.client import BadAnswer, UpstreamError
from toolgate.wire.headers import Headers

Fields = dict[bytes, bytes]

_JSON: Final = b"application/json"
_EVENTS: Final = b"text/event-stream"
_STATUS: Final = {
    -32700: 400,
    -32600: 400,
    -32602: 400,
    -32020: 400,
    -32021: 400,
    -32022: 400,
    -32601: 404,
}
"""The HTTP status of an error in revision 2026-07-28; before it, an error is an answer like others."""


class Owner(Protocol):
    """Who must know what becomes of an answer."""

    def left(self, answer: StdioAnswer) -> None:
        """The client no longer waits; the answer had not ended."""

    def relieved(self, answer: StdioAnswer) -> None:
        """Everything that had come so far was read."""


class StdioAnswer:
    """One answer, or the stream of a session (`id` None). Its owner pushes lines, its reader takes a body."""

    def __init__(self, owner: Owner, place: str, id_: Id | None, fields: Fields, *, stateless: bool = False) -> None:
        self.id = id_
        self.status = 200
        self.body_complete: bytes | None = None
        self.code: int | None = None
        """That of a JSON-RPC error, once it came."""
        self.said = False
        """Whether the server heard of the request."""
        self.unread = 0
        """Bytes that came and were not read yet."""
        self._owner = owner
        self._place = place
        self._fields = fields
        self._stateless = stateless
        self._headers: Headers | None = None
        self._parts: deque[bytes] = deque()
        self._done = False
        self._failure: UpstreamError | None = None
        self._news = asyncio.Event()

    @property
    def headers(self) -> Headers:
        """The fields of the head; known from the first message on."""
        assert self._headers is not None
        return self._headers

    @property
    def started(self) -> bool:
        """Whether the head is known."""
        return self._headers is not None

    # --- for the owner

    def push(self, line: bytes, *, last: bool = False, code: int | None = None) -> None:
        """Take one message; `last` is the answer itself, and `code` that of an error."""
        if self._done:
            return
        self.code = code
        if last and self._headers is None:
            if self._stateless and code is not None:
                self.status = _STATUS.get(code, 200)
            self.body_complete = line
            self._add(line)
        else:
            self._add(_event(line))
        self._begin(_JSON if self.body_complete is not None else _EVENTS)
        self._done = last
        self._news.set()

    def open(self) -> None:
        """Begin a stream before anything has come."""
        self._begin(_EVENTS)

    def finish(self) -> None:
        """End a stream as it stands."""
        self._done = True
        self._news.set()

    def fail(self, failure: UpstreamError) -> None:
        """Note that the rest will not come; what came can still be read."""
        if not self._done:
            self._failure = failure
            self.finish()

    def _begin(self, kind: bytes) -> None:
        if self._headers is None:
            self._headers = Headers({b"content-type": kind, **self._fields})

    def _add(self, data: bytes) -> None:
        self._parts.append(data)
        self.unread += len(data)

    # --- for the reader

    async def begun(self) -> None:
        """Wait for the head; raises what failed before it."""
        while self._headers is None:
            if self._failure is not None:
                raise self._failure
            await self._wait()

    async def read(self, limit: int) -> bytes:
        """The rest of the body; raises BadAnswer beyond `limit` bytes."""
        parts, size = [], 0
        while data := await self.chunk():
            parts.append(data)
            size += len(data)
            if size > limit:
                self.close()
                raise BadAnswer(self._place, f"the answer is longer than {limit} bytes")
        return b"".join(parts)

    async def chunk(self) -> bytes:
        """What has come since the last call, waiting for the first byte; `b""` at the end. Raises what failed."""
        while not self._parts:
            if self._failure is not None:
                raise self._failure
            if self._done:
                return b""
            await self._wait()
        data = b"".join(self._parts)
        self._parts.clear()
        self.unread = 0
        self._owner.relieved(self)
        return data

    async def _wait(self) -> None:
        self._news.clear()
        await self._news.wait()

    def close(self) -> None:
        """Stop waiting; the server is told where it had not answered yet."""
        if not self._done:
            self._done = True
            self._owner.left(self)
        self._news.set()


class Immediate:
    """An answer that no server has to be asked for."""

    def __init__(self, status: int, body: bytes = b"", fields: Fields | None = None) -> None:
        self.status = status
        self.headers = Headers({**({b"content-type": _JSON} if body else {}), **(fields or {})})
        self.body_complete: bytes | None = body
        self._rest = body

    async def read(self, limit: int) -> bytes:
        """The body, however small `limit` is: it is a sentence."""
        del limit
        return await self.chunk()

    async def chunk(self) -> bytes:
        """The body once, then `b""`."""
        rest, self._rest = self._rest, b""
        return rest

    def close(self) -> None:
        """Nothing is open."""


def _event(line: bytes) -> bytes:
    """A message as an event. A carriage return, which JSON allows between tokens, would end the line there."""
    return b"event: message\ndata: " + (line.replace(b"\r", b" ") if b"\r" in line else line) + b"\n\n"
