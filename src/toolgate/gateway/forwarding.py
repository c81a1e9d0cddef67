"""One admitted message to its upstream and the answer back: streamed, except what must be read whole."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from toolgate.audit.records import Result
from toolgate.gateway import answers
from toolgate.gateway.call import Denial
from toolgate.gateway.cleaning import cap_of, error_page, filter_for, must_be_whole, rules_for, too_long
from toolgate.gateway.enforcement import Enforcement
from toolgate.gateway.events import EventRelay
from toolgate.gateway.inspection import Inspected, Inspector
from toolgate.gateway.passage import Passage
from toolgate.gateway.replies import NotUnderstood
from toolgate.gateway.sessions import Sessions
from toolgate.gateway.stopped import SENT_BEFORE, UnderWay, stop_verdict
from toolgate.gateway.unauthorized import Unauthorized
from toolgate.protocol.hidden_text import NoJson
from toolgate.protocol.sse import EventTooLong
from toolgate.upstream.interface import Answer
from toolgate.wire.client import BadAnswer, TimedOut, UpstreamError

_UNCHANGED: Final = frozenset({400, 404, 405, 429})
"""Statuses that a client must see as they are: dual-era clients read the server's era from them. For a GET also 409: a
server that has a stream open for the session already is no failure."""
_NEVER_RUN: Final = frozenset({405, 429})
_PEEK_LIMIT: Final = 1024 * 1024
"""An answer that nothing forces to be read whole is looked into up to this size, and only passed on beyond it."""


class Forwarding:
    """Carries admitted messages. One per process. `timeout` is in seconds, `answer_limit` in bytes."""

    def __init__(
        self,
        inspector: Inspector,
        enforcement: Enforcement,
        sessions: Sessions,
        relay: EventRelay,
        unauthorized: Unauthorized,
        under_way: UnderWay,
        *,
        timeout: float,
        answer_limit: int,
    ) -> None:
        self._inspector = inspector
        self._enforcement = enforcement
        self._sessions = sessions
        self._events = relay
        self._unauthorized = unauthorized
        self._under_way = under_way
        self._timeout = timeout
        self._answer_limit = answer_limit

    async def carry(self, passage: Passage, body: bytes) -> None:
        """Send, relay the answer, complete the record.

        A client that hangs up, and a stop of the grant or the server, end the upstream exchange at once.
        """
        started = time.perf_counter_ns()
        call, ending = passage.call, passage.ending
        self._under_way.begin(call.access)
        try:
            if call.access.stopped:  # after it was judged
                ending.not_run = True
                self._stopped(passage)
                return
            response = await call.access.upstream.send(
                passage.head.verb, passage.request_headers(), body, self._timeout
            )
            try:
                ending.status = response.status
                await self._relay(passage, response)
            finally:
                response.close()
        except UpstreamError as error:
            self._failed(passage, error)
        except (NotUnderstood, NoJson, EventTooLong) as error:
            self._fail(passage, "error", f"the answer of the server {error.cause}")
        except asyncio.CancelledError:
            if self._under_way.was_stopped():
                self._stopped(passage)
                return
            if not ending.answered:  # a client that has its answer may leave the rest of the stream
                ending.result = "client_gone"
            raise
        finally:
            self._under_way.end()
            await self._enforcement.complete(call, ending, (time.perf_counter_ns() - started) // 1000)

    async def _relay(self, passage: Passage, response: Answer) -> None:
        status = response.status
        kind = response.headers.get(b"content-type") or b""
        if status in {202, 204} or (status == 200 and not passage.wants_body):
            passage.ending.result = "result"
            accepted = 202 if passage.head.verb == "POST" else status
            passage.exchange.respond(accepted, passage.answer_headers(response, self._sessions))
        elif status == 200 and kind.startswith(b"application/json"):
            if response.body_complete is not None:
                self._respond(passage, response, response.body_complete)
            else:
                await self._relay_json(passage, response)
        elif status == 200 and kind.startswith(b"text/event-stream"):
            await self._events.relay(passage, response)
        elif status in _UNCHANGED or (status == 409 and passage.head.verb == "GET"):
            await self._relay_refusal(passage, response, kind)
        elif status in {401, 403}:
            self._fail(
                passage, "error", self._unauthorized.cause(passage.call, response, passage.ending), {"status": status}
            )
        else:
            cause = f"the server answered with HTTP status {status} and `{kind.decode('latin-1')}`"
            self._fail(passage, "error", cause, {"status": status})

    def _respond(self, passage: Passage, response: Answer, body: bytes) -> None:
        """A whole JSON answer, inspected."""
        inspected = self._look(passage, body)
        if passage.expects_answer and not inspected.answer:
            raise NotUnderstood("is not the answer to the request")
        self._pass(passage, response, inspected)

    def _pass(self, passage: Passage, response: Answer, inspected: Inspected) -> None:
        headers = passage.answer_headers(response, self._sessions) + answers.JSON_HEADERS
        passage.exchange.respond(200, headers, inspected.body)

    async def _relay_json(self, passage: Passage, response: Answer) -> None:
        """A JSON answer that comes in parts: read whole where it must be, else only up to the limit of a look."""
        must, cap = self._must_be_whole(passage), cap_of(passage.call, rules_for(passage.call))
        limit = self._answer_limit if must else _PEEK_LIMIT
        parts, size = [], 0
        while chunk := await response.chunk():
            parts.append(chunk)
            size += len(chunk)
            if passage.expects_answer and cap is not None and size > cap.bytes:
                inspected = self._inspector.withhold(passage.call, passage.ending, too_long(cap))
                self._pass(passage, response, inspected)
                return
            if size > limit:
                if must:
                    raise BadAnswer("server", f"the answer is longer than {limit} bytes")
                await self._stream_rest(passage, response, parts)
                return
        self._respond(passage, response, b"".join(parts))

    def _must_be_whole(self, passage: Passage) -> bool:
        """Everything that is filtered, sealed or settled; a plain result of the handshake era is none of it."""
        call = passage.call
        plain = call.message.method == "tools/call" and not call.modern
        return not plain or any(charge.settle for charge in call.charges) or must_be_whole(call)

    async def _stream_rest(self, passage: Passage, response: Answer, head: list[bytes]) -> None:
        """A long answer that needs no more than its hidden characters taken out: passed on as it comes."""
        passage.ending.result = "result"
        exchange, taking = passage.exchange, filter_for(passage.call)
        exchange.start(200, passage.answer_headers(response, self._sessions) + answers.JSON_HEADERS)
        chunk = b"".join(head)
        while chunk:
            text = taking.feed(chunk)
            passage.ending.removed = taking.removed
            if text:
                await exchange.write(text)
            chunk = await response.chunk()
        await exchange.write(taking.end())
        passage.ending.removed = taking.removed
        exchange.finish()

    async def _relay_refusal(self, passage: Passage, response: Answer, kind: bytes) -> None:
        """The server's own 400, 404, 405 or 429: its status unchanged, its body where no rule speaks against it."""
        body = await response.read(self._answer_limit)
        ending = passage.ending
        ending.result = "rpc_error"
        ending.not_run = response.status in _NEVER_RUN
        if kind.startswith(b"application/json"):
            try:
                body = self._look(passage, body).body
            except NotUnderstood:
                ending.result = "error"  # some servers answer these statuses with JSON that is no JSON-RPC
                body = error_page(body, passage.call, ending)
        else:
            body = error_page(body, passage.call, ending)
        headers = passage.answer_headers(response, self._sessions)
        passage.exchange.respond(response.status, (*headers, (b"content-type", kind)) if kind else headers, body)

    def _look(self, passage: Passage, raw: bytes) -> Inspected:
        return self._inspector.inspect(raw, passage.call, passage.ending)

    def _failed(self, passage: Passage, error: UpstreamError) -> None:
        passage.ending.not_run = not error.sent
        result: Result = "timeout" if isinstance(error, TimedOut) else "lost" if error.sent else "unreachable"
        self._fail(passage, result, f"{error.place}: {error.cause}")

    def _fail(self, passage: Passage, result: Result, cause: str, data: dict[str, object] | None = None) -> None:
        """The upstream failed: an error to the pending request, because other statuses end sessions or start OAuth."""
        passage.ending.result = result
        body = answers.error(passage.call.message.id, answers.UPSTREAM_FAILED, f"upstream failed: {cause}", data)
        self._give_up(passage, 502, body)

    def _stopped(self, passage: Passage) -> None:
        """The grant or the server is stopped: who still waits for the answer is told, anything else is cut."""
        call, ending = passage.call, passage.ending
        if not ending.answered:
            ending.result = "stopped"
        verdict = stop_verdict(call.access)
        if verdict is None:  # resumed already, or of a server that moved before
            passage.exchange.abort()
            return
        body = answers.refusal(call, Denial(verdict, hint="" if ending.not_run else SENT_BEFORE))
        if passage.in_events and passage.expects_answer and not ending.answered:
            self._events.end(passage, body)
        else:
            self._give_up(passage, 503, body)

    def _give_up(self, passage: Passage, status: int, body: bytes) -> None:
        """Answer with `body` as far as somebody waits for one; `status` is for what is no request of JSON-RPC."""
        exchange, extra = passage.exchange, passage.head.extra
        if exchange.started:
            exchange.abort()
        elif passage.head.verb == "POST" and not passage.expects_answer:
            exchange.respond(202, extra)  # nobody waits for an answer; the record says what happened
        else:
            exchange.respond(200 if passage.expects_answer else status, (*answers.JSON_HEADERS, *extra), body)
