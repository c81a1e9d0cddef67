"""One admitted message to its upstream and the answer back: streamed, except what must be read whole."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Final

from toolgate.audit.records import Result
from toolgate.gateway import answers
from toolgate.gateway.access import Access
from toolgate.gateway.enforcement import Call, Ending, Enforcement
from toolgate.gateway.inspection import Exchanged, Inspected, Inspector
from toolgate.gateway.replies import NotUnderstood
from toolgate.gateway.seals import Session
from toolgate.gateway.sessions import OpenSession, Sessions
from toolgate.gateway.streams import Stream, Streams
from toolgate.policy.decision import Subject
from toolgate.protocol.sse import Event, SseParser
from toolgate.wire.client import BadAnswer, Response, TimedOut, UpstreamError
from toolgate.wire.server import Exchange

Header = tuple[bytes, bytes]

_FORWARDED: Final = frozenset(
    {
        b"accept",
        b"content-type",
        b"last-event-id",
        b"mcp-method",
        b"mcp-name",
        b"mcp-protocol-version",
        b"traceparent",
        b"tracestate",
    }
)
"""Request headers that go upstream; everything else stays here (CVE-2026-110279)."""
_PARAM: Final = b"mcp-param-"
_RETURNED: Final = (b"cache-control", b"retry-after", b"allow")
_UNCHANGED: Final = frozenset({400, 404, 405, 429})
"""Statuses that a client must see as they are: dual-era clients read the server's era from them."""
_NEVER_RUN: Final = frozenset({405, 429})
_STREAM: Final = (
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
)
_PEEK_LIMIT: Final = 1024 * 1024
"""An answer that nothing forces to be read whole is looked into up to this size, and only passed on beyond it."""


@dataclass(slots=True)
class Passage:
    """One exchange through the gateway: who, what was asked (None for a GET stream), what was learned of the answer."""

    exchange: Exchange
    access: Access
    subject: Subject
    call: Call | None
    session: OpenSession | None = None
    extra: tuple[Header, ...] = ()
    seen: Exchanged = field(default_factory=Exchanged)

    @property
    def method(self) -> str:
        """The method of the client's message, "" for a GET stream."""
        return self.call.message.method if self.call is not None else ""

    @property
    def expects_answer(self) -> bool:
        """Whether the client waits for an answer to an id."""
        return self.call is not None and self.call.message.kind == "request"

    @property
    def wants_body(self) -> bool:
        """Whether the body of a 200 matters: not to a notification, an answer or the end of a session."""
        return self.expects_answer or self.exchange.method == "GET"


class Forwarding:
    """Carries admitted messages. One per process."""

    def __init__(
        self,
        inspector: Inspector,
        enforcement: Enforcement,
        sessions: Sessions,
        streams: Streams,
        *,
        timeout: float,
        answer_limit: int,
    ) -> None:
        self._inspector = inspector
        self._enforcement = enforcement
        self._sessions = sessions
        self._streams = streams
        self._timeout = timeout
        self._answer_limit = answer_limit
        self._replies: set[asyncio.Task[None]] = set()

    async def carry(self, passage: Passage, verb: str, body: bytes) -> None:
        """Send, relay the answer, complete the record. A client that hangs up ends the upstream exchange at once."""
        started = time.perf_counter_ns()
        ending = passage.seen.ending
        try:
            await self._exchange(passage, verb, body)
        except asyncio.CancelledError:
            ending.result = "client_gone"
            raise
        finally:
            if passage.call is not None:
                took = (time.perf_counter_ns() - started) // 1000
                await self._enforcement.complete(passage.call, ending, took)

    async def _exchange(self, passage: Passage, verb: str, body: bytes) -> None:
        headers = self._request_headers(passage)
        try:
            response = await passage.access.server.upstream.send(verb, headers, body, self._timeout)
        except UpstreamError as error:
            self._failed(passage, error)
            return
        try:
            passage.seen.ending.status = response.status
            await self._relay(passage, response)
        except UpstreamError as error:
            self._failed(passage, error)
        except NotUnderstood as error:
            self._fail(passage, "error", f"the answer of the server {error.cause}")
        finally:
            response.close()

    async def _relay(self, passage: Passage, response: Response) -> None:
        status = response.status
        kind = response.headers.get(b"content-type") or b""
        if status in {202, 204} or (status == 200 and not passage.wants_body):
            passage.seen.ending.result = "result"
            accepted = 202 if passage.exchange.method == "POST" else status
            passage.exchange.respond(accepted, self._headers(passage, response))
        elif status == 200 and kind.startswith(b"application/json"):
            await self._relay_json(passage, response)
        elif status == 200 and kind.startswith(b"text/event-stream"):
            await self._relay_events(passage, response)
        elif status in _UNCHANGED:
            await self._relay_refusal(passage, response)
        else:
            cause = f"the server answered with HTTP status {status} and `{kind.decode('latin-1')}`"
            self._fail(passage, "error", cause, {"status": status})

    async def _relay_refusal(self, passage: Passage, response: Response) -> None:
        """The server's own 400, 404, 405 or 429, unchanged."""
        body = await response.read(self._answer_limit)
        ending = passage.seen.ending
        ending.result = "rpc_error"
        ending.not_run = response.status in _NEVER_RUN
        kind = response.headers.get(b"content-type") or b""
        if kind.startswith(b"application/json"):
            try:
                self._look(passage, body)
            except NotUnderstood:
                ending.result = "error"  # some servers answer these statuses with JSON that is no JSON-RPC
        passage.exchange.respond(response.status, (*self._headers(passage, response), (b"content-type", kind)), body)

    async def _relay_json(self, passage: Passage, response: Response) -> None:
        body = response.body_complete
        if body is None:
            body, whole = await self._gather(response, self._whole_limit(passage))
            if not whole:
                await self._stream_rest(passage, response, body)
                return
        inspected = self._look(passage, body)
        if passage.expects_answer and not inspected.answer:
            raise NotUnderstood("is not the answer to the request")
        headers = (*self._headers(passage, response), (b"content-type", b"application/json"))
        passage.exchange.respond(200, headers, inspected.body)

    def _whole_limit(self, passage: Passage) -> int:
        """How much must be read before anything may pass: all of what is filtered, sealed or settled."""
        call = passage.call
        streams = call is not None and call.message.method == "tools/call" and not call.modern
        settles = call is not None and any(charge.settle for charge in call.charges)
        return _PEEK_LIMIT if streams and not settles else self._answer_limit

    async def _gather(self, response: Response, limit: int) -> tuple[bytes, bool]:
        parts, size = [], 0
        while chunk := await response.chunk():
            parts.append(chunk)
            size += len(chunk)
            if size > limit:
                return b"".join(parts), False
        return b"".join(parts), True

    async def _stream_rest(self, passage: Passage, response: Response, head: bytes) -> None:
        """A long answer that nothing has to change: passed on as it comes, with what was read so far first."""
        if self._whole_limit(passage) == self._answer_limit:
            raise BadAnswer("server", f"the answer is longer than {self._answer_limit} bytes")
        passage.seen.ending.result = "result"
        exchange = passage.exchange
        exchange.start(200, (*self._headers(passage, response), (b"content-type", b"application/json")))
        await exchange.write(head)
        while chunk := await response.chunk():
            await exchange.write(chunk)
        exchange.finish()

    async def _relay_events(self, passage: Passage, response: Response) -> None:
        """A stream of events, each passed on as soon as it is whole; only those that must change are rewritten."""
        parser = SseParser(self._answer_limit)
        if passage.method != "initialize":
            self._start_stream(passage, response)
        with self._streams.opened(self._stream(passage)):
            await self._pump(passage, response, parser)
        passage.exchange.finish()

    async def _pump(self, passage: Passage, response: Response, parser: SseParser) -> None:
        """Pass events on. Those of a handshake wait for its answer, which decides the session id in the head."""
        held: list[bytes] = []
        while chunk := await response.chunk():
            for event in parser.feed(chunk):
                piece = await self._event(passage, event)
                if piece is not None:
                    held.append(piece)
            if held and not passage.exchange.started and passage.seen.answered:
                self._start_stream(passage, response)
            if held and passage.exchange.started:
                await passage.exchange.write(b"".join(held))
                held.clear()
        if not passage.exchange.started:
            self._start_stream(passage, response)
            await passage.exchange.write(b"".join(held))

    def _start_stream(self, passage: Passage, response: Response) -> None:
        passage.exchange.start(200, (*self._headers(passage, response), *_STREAM))

    async def _event(self, passage: Passage, event: Event) -> bytes | None:
        """The bytes of one event for the client; None when it may not have it."""
        if not event.data:
            return event.raw
        inspected = self._look(passage, event.data)
        if inspected.asked is not None and not await self._may_ask(passage, inspected):
            return None
        return event.raw if inspected.body is event.data else event.replaced(inspected.body)

    def _look(self, passage: Passage, raw: bytes) -> Inspected:
        return self._inspector.inspect(raw, passage.access, passage.call, passage.seen)

    async def _may_ask(self, passage: Passage, inspected: Inspected) -> bool:
        """A request of the server is a message like the client's: judged and recorded before it is passed on."""
        assert inspected.asked is not None
        asking = self._enforcement.call_of(passage.access, passage.subject, inspected.asked)
        denial = await self._enforcement.admit(asking)
        if denial is None:
            await self._enforcement.complete(asking, Ending(result="result"), 0)
            return True
        body = answers.refused_method(asking.message.id, asking.message.method, denial.verdict, asking.id)
        task = asyncio.create_task(self._answer_server(passage, body))
        self._replies.add(task)
        task.add_done_callback(self._replies.discard)
        return False

    async def _answer_server(self, passage: Passage, body: bytes) -> None:
        """Tell the server that its request was refused, in the client's place; it would wait for ever otherwise."""
        headers = [h for h in self._request_headers(passage) if h[0] not in {b"content-type", b"last-event-id"}]
        headers.append((b"content-type", b"application/json"))
        try:
            response = await passage.access.server.upstream.send("POST", headers, body, self._timeout)
        except UpstreamError:
            return  # the stream that asked fails in the same way, and that is recorded
        response.close()

    def _stream(self, passage: Passage) -> Stream:
        """A stream is told of changed tools where the client listens and the server declared that lists change."""
        subscription = None
        if passage.exchange.method == "GET":
            told = passage.session is not None and passage.session.session.list_changed
        else:
            told = passage.method == "subscriptions/listen"
            subscription = passage.call.message.id if told and passage.call is not None else None
        return Stream(passage.access.grant_id, passage.exchange, tells_changes=told, subscription=subscription)

    def _request_headers(self, passage: Passage) -> list[Header]:
        headers = [
            (name, value) for name, value in passage.exchange.headers if name in _FORWARDED or name.startswith(_PARAM)
        ]
        if passage.session is not None:
            headers.append((b"mcp-session-id", passage.session.session.upstream_id.encode("ascii")))
        return headers

    def _headers(self, passage: Passage, response: Response) -> list[Header]:
        """Response headers by allow-list; the upstream's session id leaves only sealed."""
        headers = [(name, value) for name in _RETURNED if (value := response.headers.get(name)) is not None]
        headers += passage.extra
        session = response.headers.get(b"mcp-session-id")
        if session is not None:
            headers.append((b"mcp-session-id", self._client_session(passage, session)))
        return headers

    def _client_session(self, passage: Passage, upstream_id: bytes) -> bytes:
        text, seen = upstream_id.decode("ascii", "replace"), passage.seen
        agreed = Session(text, seen.revision, seen.list_changed)
        return self._sessions.client_id(text, passage.access, passage.session, agreed)

    def _failed(self, passage: Passage, error: UpstreamError) -> None:
        ending = passage.seen.ending
        ending.not_run = not error.sent
        result: Result = "timeout" if isinstance(error, TimedOut) else "lost" if error.sent else "unreachable"
        self._fail(passage, result, f"{error.place}: {error.cause}")

    def _fail(self, passage: Passage, result: Result, cause: str, data: dict[str, object] | None = None) -> None:
        """The upstream failed: an error to the pending request, because other statuses end sessions or start OAuth."""
        passage.seen.ending.result = result
        exchange = passage.exchange
        if exchange.started:
            exchange.abort()
            return
        if passage.expects_answer:
            assert passage.call is not None
            body = answers.error(passage.call.message.id, answers.UPSTREAM_FAILED, f"upstream failed: {cause}", data)
            exchange.respond(200, (*answers.JSON_HEADERS, *passage.extra), body)
        elif passage.call is not None:
            exchange.respond(202, passage.extra)  # nobody waits for an answer; the record says what happened
        else:
            exchange.respond(502, (*answers.JSON_HEADERS, *passage.extra), answers.error(None, 1002, cause, data))
