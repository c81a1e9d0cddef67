"""A server behind streamable HTTP that looks like a child: messages in as lines, messages out as lines.

Both eras: sessions, the GET stream, streams that are resumed and DELETE at the end; single exchanges that are closed to
cancel them since 2026-07-28. Messages that are no requests are delivered before the next message is begun.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final

import msgspec
from msgspec import UNSET, Raw, UnsetType

from toolgate.audit.records import Result
from toolgate.background import complain
from toolgate.protocol import strict_json
from toolgate.protocol.messages import Message, classify
from toolgate.protocol.sse import Event, EventTooLong, SseParser
from toolgate.upstream.address import parse_url
from toolgate.upstream.http import HttpUpstream
from toolgate.upstream.interface import Answer, Header, Upstream
from toolgate.upstream.lines import Failure, one_line
from toolgate.upstream.lines_headers import Session, headers_of, is_stateless
from toolgate.wire.failures import TimedOut, UpstreamError

_LIMIT: Final = 16 * 1024 * 1024
_TIMEOUT: Final = 300.0
_NOTICE_TIMEOUT: Final = 30.0
_RETRY: Final = 1.0
_LONGEST_RETRY: Final = 30.0
_ATTEMPTS: Final = 5
"""How often a broken stream is taken up again without anything new in it."""
_MOST_QUEUED: Final = 256
_NEVER_RUN: Final = frozenset({401, 405, 429})
_LISTENING: Final = (b"accept", b"text/event-stream")

_SESSION_ENDED: Final = Failure("error", "the server ended the session", status=404)


class _Outline(msgspec.Struct):
    """What tells an answer from other messages, and an error to be passed on."""

    id: int | float | str | None = None
    method: str | UnsetType = UNSET
    error: Raw | UnsetType = UNSET


class _Version(msgspec.Struct, rename="camel"):
    protocol_version: str = ""


class _Agreed(msgspec.Struct):
    result: _Version = msgspec.field(default_factory=_Version)


class SessionEnded(Exception):
    """The server no longer knows the session."""


class HttpLines:
    """Begins at once; make it inside a running loop.

    `received` gets every message of the server, `failed` the id of a request that will get none, `ended` (once) the
    status: 0 when it was closed here, 1 when the server ended the session. `schema_of` gives a tool's input schema.
    """

    def __init__(
        self,
        upstream: Upstream,
        schema_of: Callable[[str], object],
        *,
        received: Callable[[bytes], None],
        failed: Callable[[str | int, Failure], None],
        ended: Callable[[int], None],
    ) -> None:
        self._upstream = upstream
        self._schema_of = schema_of
        self._received = received
        self._failed = failed
        self._ended = ended
        self._session = Session()
        self._queue: asyncio.Queue[bytes] = asyncio.Queue()
        self._room = asyncio.Event()
        self._room.set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._exchanges: dict[str | int, asyncio.Task[None]] = {}
        self._listening: asyncio.Task[None] | None = None
        self._worker = asyncio.create_task(self._work())
        self._status: int | None = None

    def send(self, line: bytes) -> None:
        """Queue one message."""
        self._queue.put_nowait(line)
        if self._queue.qsize() >= _MOST_QUEUED:
            self._room.clear()

    async def drained(self) -> None:
        """Return when there is room in the queue."""
        await self._room.wait()

    def pause(self) -> None:
        """Read no further for now."""
        self._flowing.clear()

    def resume(self) -> None:
        """Read on."""
        self._flowing.set()

    async def close(self, grace: float) -> int:
        """Let what is under way end for `grace` seconds, end the session and every connection. May be called often."""
        if self._status is None and self._exchanges:
            await asyncio.wait(self._exchanges.values(), timeout=grace)
        await self._end(0)
        assert self._status is not None
        return self._status

    async def _end(self, status: int) -> None:
        if self._status is not None:
            return
        self._status = status
        mine = asyncio.current_task()
        tasks = [*self._exchanges.values(), self._worker, *([self._listening] if self._listening else [])]
        for task in tasks:
            if task is not mine:
                task.cancel()
        await asyncio.wait([task for task in tasks if task is not mine])
        if self._session.id and status == 0:
            await self._delete()
        await self._upstream.close()
        self._ended(status)

    async def _delete(self) -> None:
        try:
            (await self._upstream.send("DELETE", self._session.headers(), b"", _NOTICE_TIMEOUT)).close()
        except UpstreamError:
            return  # the session ends with the server's own patience

    # --- toward the server

    async def _work(self) -> None:
        """The root of the task that keeps the order of what is sent."""
        while True:
            line = await self._queue.get()
            if self._queue.qsize() < _MOST_QUEUED:
                self._room.set()
            try:
                await self._begin(classify(strict_json.read(line)), line)
            except Exception as error:  # noqa: BLE001 - one message must not keep the others from the server
                complain(f"a message did not reach the server: {type(error).__name__}: {error}")

    async def _begin(self, message: Message, line: bytes) -> None:
        if message.kind == "request":
            assert message.id is not None
            self._exchanges[message.id] = asyncio.create_task(self._exchange(message, message.id, line))
        elif message.method != "notifications/cancelled" or not self._closes(message):
            await self._deliver(message, line)

    def _closes(self, message: Message) -> bool:
        """Cancel an exchange by closing it, which is the way of the stateless era; before, the server is told too."""
        request = message.params.get("requestId")
        task = self._exchanges.get(request) if isinstance(request, str | int) else None
        if task is None or self._session.revision:
            return False
        task.cancel()
        return True

    async def _deliver(self, message: Message, line: bytes) -> None:
        """A notification, or an answer to the server."""
        headers = headers_of(message, self._session, None)
        try:
            answer = await self._upstream.send("POST", headers, line, _NOTICE_TIMEOUT)
        except UpstreamError as error:
            complain(f"`{message.method or 'an answer'}` did not reach the server: {error}")
            return
        answer.close()
        if answer.status >= 400:
            complain(f"`{message.method or 'an answer'}` was refused by the server with HTTP status {answer.status}")
        elif message.method == "notifications/initialized":
            self._listening = asyncio.create_task(self._listen())

    async def _exchange(self, message: Message, message_id: str | int, line: bytes) -> None:
        """One request to its answer; the root of its task."""
        try:
            failure = await self._outcome(message, line)
        finally:
            self._exchanges.pop(message_id, None)
        if failure is not None:
            self._failed(message_id, failure)
        if failure is _SESSION_ENDED:
            complain("the server ended the session; start anew")
            await self._end(1)

    async def _outcome(self, message: Message, line: bytes) -> Failure | None:
        try:
            return await self._ask(message, line)
        except UpstreamError as error:
            return _failure_of(error)
        except EventTooLong as error:
            return Failure("error", str(error))
        except SessionEnded:
            return _SESSION_ENDED
        except Exception as error:  # noqa: BLE001 - the root of this exchange: its client must not wait for ever
            complain(f"`{message.method}` failed: {type(error).__name__}: {error}")
            return Failure("error", f"the exchange failed: {type(error).__name__}")

    async def _ask(self, message: Message, line: bytes) -> Failure | None:
        schema = self._schema_of(message.name) if message.method == "tools/call" else None
        answer = await self._upstream.send("POST", headers_of(message, self._session, schema), line, _TIMEOUT)
        try:
            return await self._read(message, answer)
        finally:
            answer.close()

    # --- from the server

    async def _read(self, message: Message, answer: Answer) -> Failure | None:
        """Hand on what answers the request; why nothing did, else."""
        kind = answer.headers.get(b"content-type") or b""
        if answer.status == 200 and kind.startswith(b"text/event-stream"):
            return await self._read_stream(message, answer)
        if answer.status == 404 and self._session.id:
            raise SessionEnded
        body = answer.body_complete if answer.body_complete is not None else await answer.read(_LIMIT)
        if answer.status == 200 and kind.startswith(b"application/json"):
            self._note_handshake(message, answer, body)
            await self._hand_on(body)
            return None if _answers(body, message) else Failure("error", "the server did not answer the request")
        return await self._refused(message, answer, body)

    async def _refused(self, message: Message, answer: Answer, body: bytes) -> Failure | None:
        """An HTTP error: its JSON-RPC error is passed on under the id of the request, from which eras are told."""
        error = _outline(body).error
        if error is not UNSET and message.id is not None:
            await self._hand_on(msgspec.json.encode({"jsonrpc": "2.0", "id": message.id, "error": error}))
            return None
        wait = answer.headers.get(b"retry-after")
        later = f", retry after {wait.decode('latin-1')}" if wait else ""
        cause = f"the server answered with HTTP status {answer.status}{later}"
        return Failure("error", cause, not_run=answer.status in _NEVER_RUN, status=answer.status)

    def _note_handshake(self, message: Message, answer: Answer, body: bytes) -> None:
        if message.method == "initialize":
            self._session.id = answer.headers.get(b"mcp-session-id") or b""
            self._session.revision = _revision(body)

    async def _read_stream(self, message: Message, answer: Answer) -> Failure | None:
        """The events of a POST to the answer; where the stream breaks, it is taken up where it broke."""
        stream = _Stream()
        if message.method == "initialize":
            self._session.id = answer.headers.get(b"mcp-session-id") or b""
        try:
            answered = await self._events(stream, answer, message)
        except UpstreamError:
            if not stream.resumable:
                raise
            answered = False
        for _ in range(_ATTEMPTS):
            if answered or not stream.resumable or is_stateless(message):
                break
            await asyncio.sleep(stream.retry)
            answered = await self._take_up(stream, message)
        return None if answered else Failure("lost", "the server ended its stream without an answer")

    async def _take_up(self, stream: _Stream, message: Message | None) -> bool:
        """GET from where the stream broke; whether the request was answered in it."""
        headers: list[Header] = [_LISTENING, *self._session.headers()]
        if stream.last_id:
            headers.append((b"last-event-id", stream.last_id))
        answer = await self._upstream.send("GET", headers, b"", _TIMEOUT)
        try:
            if answer.status == 404 and self._session.id:
                raise SessionEnded
            kind = answer.headers.get(b"content-type") or b""
            if answer.status != 200 or not kind.startswith(b"text/event-stream"):
                stream.closed = True
                return False
            return await self._events(stream, answer, message)
        finally:
            answer.close()

    async def _events(self, stream: _Stream, answer: Answer, message: Message | None) -> bool:
        answered = False
        async for event in stream.events(answer):
            if not event.data:
                continue
            if message is not None and _answers(event.data, message):
                answered = True
                if message.method == "initialize":
                    self._session.revision = _revision(event.data)
            await self._hand_on(event.data)
        return answered

    async def _listen(self) -> None:
        """The server's own stream, opened again whenever it ends; the root of its task."""
        stream, wait = _Stream(), _RETRY
        while not stream.closed:
            before = stream.count
            try:
                await self._take_up(stream, None)
            except (UpstreamError, EventTooLong):
                pass  # tried again below: requests fail by themselves, and say why
            except SessionEnded:
                return  # the next request tells the client
            wait = stream.retry if stream.count > before else min(2 * wait, _LONGEST_RETRY)
            await asyncio.sleep(wait)

    async def _hand_on(self, data: bytes) -> None:
        await self._flowing.wait()
        self._received(one_line(data)[:-1])


def connect(
    url: str,
    headers: Sequence[tuple[str, str]],
    *,
    allow_private: bool,
    schema_of: Callable[[str], object],
    received: Callable[[bytes], None],
    failed: Callable[[str | int, Failure], None],
    ended: Callable[[int], None],
) -> HttpLines:
    """The lines of the server at a URL, reached when the first message is sent; raises AddressError for a bad URL."""
    upstream = HttpUpstream(parse_url(url, allow_private=allow_private), headers, allow_private=allow_private)
    return HttpLines(upstream, schema_of, received=received, failed=failed, ended=ended)


class _Stream:
    """A stream of events over all the connections that bring it."""

    def __init__(self) -> None:
        self.last_id = b""
        self.retry = _RETRY
        self.count = 0
        self.closed = False
        """Whether the server has no such stream (any more)."""

    @property
    def resumable(self) -> bool:
        """Whether the server can send what comes after the last event."""
        return bool(self.last_id) and not self.closed

    async def events(self, answer: Answer) -> AsyncIterator[Event]:
        """What one connection brings; raises UpstreamError, EventTooLong."""
        parser = SseParser(_LIMIT)
        while chunk := await answer.chunk():
            for event in parser.feed(chunk):
                self.count += 1
                if event.id is not None:
                    self.last_id = event.id
                if event.retry is not None:
                    self.retry = event.retry / 1000
                yield event


def _failure_of(error: UpstreamError) -> Failure:
    result: Result = "timeout" if isinstance(error, TimedOut) else "lost" if error.sent else "unreachable"
    return Failure(result, f"{error.place}: {error.cause}", not_run=not error.sent)


def _outline(body: bytes) -> _Outline:
    try:
        return msgspec.json.decode(body, type=_Outline)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _Outline()


def _answers(body: bytes, message: Message) -> bool:
    outline = _outline(body)
    return outline.method is UNSET and outline.id == message.id


def _revision(body: bytes) -> str:
    try:
        return msgspec.json.decode(body, type=_Agreed).result.protocol_version
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
