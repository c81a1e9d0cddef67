"""Streams of events from a server to a client: each passed on as soon as it is whole, rewritten only where it must."""

from __future__ import annotations

import asyncio
from typing import Final

from toolgate.gateway import answers
from toolgate.gateway.call import Ending
from toolgate.gateway.enforcement import Enforcement
from toolgate.gateway.event_answer import STREAM_HEADERS
from toolgate.gateway.inspection import Inspector
from toolgate.gateway.passage import Passage
from toolgate.gateway.sessions import Sessions
from toolgate.gateway.streams import Stream, Streams
from toolgate.policy.decision import Verdict
from toolgate.protocol.messages import Message
from toolgate.protocol.sse import Event, SseParser
from toolgate.upstream.interface import Answer
from toolgate.wire.client import UpstreamError

_ANSWER_TIMEOUT: Final = 30.0
"""Seconds for telling a server that its request was refused."""


class EventRelay:
    """Relays the streams of this process. An event is bounded by `event_limit` bytes."""

    def __init__(
        self,
        inspector: Inspector,
        enforcement: Enforcement,
        sessions: Sessions,
        streams: Streams,
        *,
        event_limit: int,
    ) -> None:
        self._inspector = inspector
        self._enforcement = enforcement
        self._sessions = sessions
        self._streams = streams
        self._event_limit = event_limit
        self._refusals: set[asyncio.Task[None]] = set()

    async def relay(self, passage: Passage, response: Answer) -> None:
        """Pass the whole stream on; raises what ends it early."""
        if passage.call.message.method != "initialize":
            self._start(passage, response)
        with self._streams.opened(self._stream(passage)):
            await self._pump(passage, response)
        passage.exchange.finish()

    async def _pump(self, passage: Passage, response: Answer) -> None:
        """Pass events on. Those of a handshake wait for its answer, which decides the session id in the head."""
        parser = SseParser(self._event_limit)
        exchange = passage.exchange
        held: list[bytes] = []
        while chunk := await response.chunk():
            for event in parser.feed(chunk):
                piece = await self._event(passage, event)
                if piece is not None:
                    held.append(piece)
            if held and not exchange.started and passage.ending.answered:
                self._start(passage, response)
            if held and exchange.started:
                await exchange.write(b"".join(held))
                held.clear()
        if not exchange.started:
            self._start(passage, response)
            await exchange.write(b"".join(held))

    def end(self, passage: Passage, answer: bytes) -> None:
        """End a stream that began, before its server does, with this for the answer to the request."""
        passage.exchange.write_soon(b"event: message\ndata: " + answer + b"\n\n")
        passage.exchange.finish()

    def _start(self, passage: Passage, response: Answer) -> None:
        passage.in_events = True
        passage.exchange.start(200, (*passage.answer_headers(response, self._sessions), *STREAM_HEADERS))

    async def _event(self, passage: Passage, event: Event) -> bytes | None:
        """The bytes of one event for the client; None when it may not have it."""
        if not event.data:
            return event.raw
        call = passage.call
        inspected = self._inspector.inspect(event.data, call, passage.ending)
        if inspected.asked is not None and not await self._may_ask(passage, inspected.asked, inspected.refused):
            return None
        if inspected.refused is not None:
            return None
        return event.raw if inspected.body is event.data else event.replaced(inspected.body)

    async def _may_ask(self, passage: Passage, asked: Message, refused: Verdict | None) -> bool:
        """A request of the server is a message like the client's: judged and recorded before it is passed on.

        `refused` is why it may not pass, however it is judged.
        """
        call = passage.call
        asking = self._enforcement.call_of(call.access, call.subject, asked, revision=call.revision)
        asking.by_server = True
        refusing = self._enforcement.admit(asking) if refused is None else self._enforcement.refuse(asking, refused)
        denial = await refusing
        if denial is None:
            await self._enforcement.complete(asking, Ending(result="result"), 0)
            return True
        body = answers.refused_method(asked.id, asked.method, denial.verdict, asking.id)
        task = asyncio.create_task(self._refuse(passage, body))
        self._refusals.add(task)
        task.add_done_callback(self._refusals.discard)
        return False

    async def _refuse(self, passage: Passage, body: bytes) -> None:
        """Tell the server that its request was refused, in the client's place; it would wait for ever otherwise."""
        headers = [h for h in passage.request_headers() if h[0] not in {b"content-type", b"last-event-id"}]
        headers.append((b"content-type", b"application/json"))
        try:
            response = await passage.call.access.upstream.send("POST", headers, body, _ANSWER_TIMEOUT)
        except UpstreamError:
            return  # the stream that asked fails in the same way, and that is recorded
        response.close()

    def _stream(self, passage: Passage) -> Stream:
        """A stream is told of changed tools where the client listens and the server declared that lists change."""
        message = passage.call.message
        listens = message.method == "subscriptions/listen"
        if passage.head.verb == "GET":
            told = passage.session is not None and passage.session.session.list_changed
        else:
            told = listens
        subscription = message.id if listens else None
        return Stream(passage.call.access.grant_id, passage.exchange, tells_changes=told, subscription=subscription)
