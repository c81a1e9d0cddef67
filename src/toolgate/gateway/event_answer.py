"""An answer that began as a stream of events while its call was held, and takes whatever comes later as events."""

from __future__ import annotations

from typing import Final

from toolgate.gateway import answers
from toolgate.gateway.replies import NotUnderstood, peek
from toolgate.protocol.malformed import MessageId
from toolgate.protocol.messages import Message
from toolgate.wire.rendering import Fields
from toolgate.wire.server import Exchange

STREAM_HEADERS: Final = (
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
)
_BEGINNING: Final = b"event: message\ndata: "
_END: Final = b"\n\n"
_NO_BREAKS: Final = bytes.maketrans(b"\r\n", b"  ")
"""Raw line breaks in JSON stand between its tokens only; in an event they would end the line."""


def may_stream(exchange: Exchange, message: Message) -> bool:
    """Whether the answer may begin before it is known: not where its head has to carry a session id."""
    accepted = exchange.headers.get(b"accept") or b""
    return b"text/event-stream" in accepted.lower() and message.method != "initialize"


class EventAnswer:
    """Stands in for the `Exchange` once the head of the stream is sent: every answer becomes an event of it.

    `started` speaks of the answer itself, which has not begun while only progress was told. Statuses and
    headers that come too late are left out; a refusal of the server without a message becomes an error to the request.
    """

    def __init__(self, exchange: Exchange, message_id: MessageId | None, extra: Fields) -> None:
        self._exchange = exchange
        self._id = message_id
        self._json = False
        self.started = False
        exchange.start(200, (*extra, *STREAM_HEADERS))

    def tell(self, notification: bytes) -> None:
        """Send one notification, without waiting for a client that does not read."""
        self._exchange.write_soon(_BEGINNING + notification + _END)

    def respond(self, status: int, headers: Fields = (), body: bytes = b"") -> None:  # noqa: ARG002 - as Exchange
        """Send a whole answer as the last event."""
        if status != 200 and not self._is_answer(body):
            cause = f"upstream failed: the server answered with HTTP status {status}"
            body = answers.error(self._id, answers.UPSTREAM_FAILED, cause, {"status": status})
        self.started = True
        self._exchange.write_soon(_BEGINNING + body.translate(_NO_BREAKS) + _END)
        self._exchange.finish()

    def _is_answer(self, body: bytes) -> bool:
        try:
            return peek(body).id == self._id
        except NotUnderstood:
            return False

    def start(self, status: int, headers: Fields = (), length: int | None = None) -> None:  # noqa: ARG002 - as Exchange
        """Begin an answer that `write` and `finish` go on with: events as they are, JSON as the data of one event."""
        self.started = True
        self._json = (b"content-type", b"application/json") in headers
        if self._json:
            self._exchange.write_soon(_BEGINNING)

    async def write(self, chunk: bytes) -> None:
        """Send a part of the answer; waits only while the client takes less than it is sent."""
        await self._exchange.write(chunk.translate(_NO_BREAKS) if self._json else chunk)

    def write_soon(self, chunk: bytes) -> None:
        """Send a part of a stream without waiting."""
        self._exchange.write_soon(chunk)

    def finish(self) -> None:
        """End the answer."""
        if self._json:
            self._exchange.write_soon(_END)
        self._exchange.finish()

    def abort(self) -> None:
        """Cut the connection at once, and with it the handler."""
        self._exchange.abort()
