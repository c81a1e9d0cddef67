"""The MCP endpoint over HTTP: hygiene, identity, reading, sessions; then enforcement and forwarding.

Both eras share the endpoint: `initialize`, sessions, GET and DELETE of the handshake era, and the single POSTs of
revision 2026-07-28. Nothing is translated between them.
"""

from __future__ import annotations

import asyncio
import sys
import time
import traceback
from dataclasses import dataclass, replace
from typing import Final

from toolgate.background import in_turns
from toolgate.gateway import answers
from toolgate.gateway.access import Access
from toolgate.gateway.call import Call, Denial, Tell
from toolgate.gateway.continuing import continued, owns_task
from toolgate.gateway.enforcement import Enforcement
from toolgate.gateway.entrance import Entrance
from toolgate.gateway.event_answer import EventAnswer, may_stream
from toolgate.gateway.forwarding import Forwarding
from toolgate.gateway.hygiene import Refused, Screened, Screening
from toolgate.gateway.passage import Passage
from toolgate.gateway.seals import Seals
from toolgate.gateway.sessions import OpenSession, Sessions
from toolgate.gateway.tasks import Tasks
from toolgate.gateway.view import GatewayView
from toolgate.policy.decision import Verdict
from toolgate.protocol import strict_json
from toolgate.protocol.headers import check_headers
from toolgate.protocol.malformed import Malformed
from toolgate.protocol.messages import Message, classify
from toolgate.settings import Settings
from toolgate.wire.failures import BodyTooLarge
from toolgate.wire.server import Exchange

_PROBES: Final = frozenset({"/healthz", "/readyz"})
_UNREAD: Final = frozenset({400, 403, 404, 405, 415})
"""What a request is refused with before it has a decision of its own to be recorded."""
_LONGEST: Final = 30 * 86_400.0
"""Seconds after which a stream under an access token ends, however long the token holds."""
_STALE: Final = Verdict("deny", "(store)", "The gateway could not read its database for too long.")


_UNREADABLE: Final = Message("request", None, "", {}, {})


@dataclass(slots=True)
class Attempt:
    """A request whose grant is known; `call` as soon as it was read."""

    exchange: Exchange
    head: Screened
    access: Access
    call: Call | None = None
    told: EventAnswer | None = None

    async def tell(self, notification: bytes) -> None:
        """Send this while the call is held: the first one begins the answer, as a stream of events."""
        call = self.call
        if self.told is None:
            if call is None or not may_stream(self.exchange, call.message):
                return
            self.told = EventAnswer(self.exchange, call.message.id, self.head.extra)
        self.told.tell(notification)

    @property
    def answering(self) -> Exchange | EventAnswer:
        """What takes the answer."""
        return self.told or self.exchange


class Endpoint:
    """Handles every request of the data plane. One per process."""

    def __init__(
        self,
        screening: Screening,
        view: GatewayView,
        enforcement: Enforcement,
        forwarding: Forwarding,
        seals: Seals,
        sessions: Sessions,
        tasks: Tasks,
        entrance: Entrance,
        *,
        settings: Settings,
    ) -> None:
        self._screening = screening
        self._view = view
        self._enforcement = enforcement
        self._forwarding = forwarding
        self._seals = seals
        self._sessions = sessions
        self._tasks = tasks
        self._entrance = entrance
        self._body_limit = settings.body_limit
        self._grant_concurrency = settings.grant_concurrency

    async def __call__(self, exchange: Exchange) -> None:
        """Serve one request; a `Refused` from any step is its answer."""
        if exchange.path in _PROBES:
            self._probe(exchange)
            return
        try:
            head = self._screening.of(exchange)
            if head.verb == "OPTIONS":
                exchange.respond(204, head.extra)
                return
            access = self._identify(head)
            if access is None:
                await self._introduce(exchange, head)
            else:
                await self._guard(Attempt(exchange, head, access))
        except Refused as refused:
            if refused.status == 404 and self._entrance.answers(exchange):
                return
            body = answers.error(None, answers.GATEWAY_FAILED, f"{refused.cause}; {refused.mend}".rstrip("; "))
            exchange.respond(refused.status, (*answers.JSON_HEADERS, *refused.headers), body)
            if refused.status in _UNREAD:
                self._entrance.failures.note(exchange.peer, refused.cause)

    def _probe(self, exchange: Exchange) -> None:
        """`/healthz` and `/readyz`, for load balancers that know no token and no name: they say nothing else."""
        fault = "" if exchange.path == "/healthz" else self._enforcement.fault or self._view.fault
        body = answers.plain_status("alive" if exchange.path == "/healthz" else "ready", fault)
        exchange.respond(503 if fault else 200, answers.JSON_HEADERS, body)

    def _identify(self, head: Screened) -> Access | None:
        """The access of a grant's own token; raises Refused (404) for another server."""
        access = self._view.access(head.digest) if head.digest is not None else None
        if access is not None and access.server_id != head.server_id:
            raise Refused(404, "there is no such server for this grant")
        return access

    async def _introduce(self, exchange: Exchange, head: Screened) -> None:
        """The path of a request without such a token: refused, unless another one leads to a grant until it ends."""
        access, until = await self._entrance.admit(exchange, head)
        attempt = Attempt(exchange, head, access)
        left = min(max(0.0, until - time.time()), _LONGEST)
        end = asyncio.get_running_loop().call_later(left, lambda: self._entrance.ended(access, attempt.answering))
        try:
            await self._guard(attempt)
        finally:
            end.cancel()

    async def _guard(self, attempt: Attempt) -> None:
        """The path of a request with a grant: whatever goes wrong on it is a denial with a record."""
        access = attempt.access
        if access.under_way >= self._grant_concurrency:
            raise Refused(429, "too many requests of this grant are under way", headers=((b"retry-after", b"1"),))
        access.under_way += 1
        try:
            if attempt.head.verb == "POST":
                await self._post(attempt)
            else:
                await self._stream_or_delete(attempt)
        except Refused:
            raise
        except Malformed as malformed:
            await self._respond_malformed(attempt, malformed)
        except Exception as error:  # noqa: BLE001 - the one place: an unforeseen fault denies, and is recorded
            await self._respond_fault(attempt, error)
        finally:
            access.under_way -= 1

    async def _post(self, attempt: Attempt) -> None:
        head, access = attempt.head, attempt.access
        body = await self._body(attempt)
        session = self._sessions.open(head.session, access)
        value = (
            strict_json.read(body) if len(body) <= strict_json.SHORT else await in_turns(strict_json.read_slowly(body))
        )
        call = attempt.call = self._call(attempt, session, value)
        if not call.arguments_digest and call.arguments:
            call.arguments_digest = await in_turns(self._enforcement.digest_slowly(call.arguments))
        body = continued(call, body, self._seals, self._enforcement.digests, self._tasks)
        denial = await self._admit(call, attempt.tell)
        if denial is None:
            await self._forwarding.carry(Passage(attempt.answering, head, call, session), body)
        else:
            _respond_denied(attempt, call, denial)

    async def _body(self, attempt: Attempt) -> bytes:
        try:
            return await attempt.exchange.body(self._body_limit)
        except BodyTooLarge:
            await self._malformed(attempt.access, Malformed("body", f"is longer than {self._body_limit} bytes"))
            raise Refused(413, f"the body is longer than {self._body_limit} bytes") from None

    def _call(self, attempt: Attempt, session: OpenSession | None, value: object) -> Call:
        """Steps 3 and 4 on what was read: the envelope, and in revision 2026-07-28 the headers against the body."""
        access, message = attempt.access, classify(value)
        era = attempt.head.era
        if era is None or "_meta" in message.params:
            schema = access.tools.schema_of(message.name) if message.method == "tools/call" else None
            era = check_headers(attempt.exchange.headers, message, schema)
        if session is None:
            return self._enforcement.call_of(access, access.subject, message, revision=era.revision, modern=era.modern)
        revision = era.revision or session.session.revision
        return self._enforcement.call_of(access, session.subject, message, revision=revision, modern=era.modern)

    async def _admit(self, call: Call, tell: Tell) -> Denial | None:
        if not self._view.fresh:
            return await self._enforcement.refuse(call, _STALE)
        if not owns_task(call, self._tasks):
            return await self._enforcement.refuse(call, answers.NOT_OWN)
        return await self._enforcement.admit(call, tell)

    async def _stream_or_delete(self, attempt: Attempt) -> None:
        """GET (the stream of the handshake era) and DELETE (end of a session): a record, then on to the server."""
        head, access = attempt.head, attempt.access
        session = self._sessions.open(head.session, access)
        message = Message("notification", None, f"HTTP {head.verb}", {}, {})
        subject = session.subject if session is not None else access.subject
        revision = session.session.revision if session is not None else ""
        call = attempt.call = self._enforcement.call_of(access, subject, message, revision=revision)
        denial = await self._enforcement.admit_stream(call) if self._view.fresh else Denial(_STALE)
        if denial is not None:
            raise Refused(503, denial.verdict.message)
        await self._forwarding.carry(Passage(attempt.exchange, head, call, session), b"")

    async def _respond_malformed(self, attempt: Attempt, malformed: Malformed) -> None:
        decision = await self._malformed(attempt.access, malformed)
        facts = {"decision": decision, **(malformed.data or {})}
        text = answers.error(malformed.id, malformed.code, str(malformed), facts)
        attempt.exchange.respond(400, answers.JSON_HEADERS + attempt.head.extra, text)

    async def _respond_fault(self, attempt: Attempt, error: Exception) -> None:
        traceback.print_exception(error, file=sys.stderr)
        exchange, access = attempt.answering, attempt.access
        verdict = Verdict("deny", "(error)", f"The gateway failed: {type(error).__name__}.")
        call = attempt.call or self._enforcement.call_of(access, access.subject, _UNREADABLE)
        denial = await self._enforcement.refuse(call, verdict)
        if exchange.started:
            exchange.abort()
        else:
            _respond_denied(attempt, call, denial)

    async def _malformed(self, access: Access, malformed: Malformed) -> str:
        message = replace(_UNREADABLE, id=malformed.id)
        call = self._enforcement.call_of(access, access.subject, message)
        await self._enforcement.refuse(call, Verdict("deny", "(malformed)", str(malformed)))
        return call.id


def _respond_denied(attempt: Attempt, call: Call, denial: Denial) -> None:
    message, exchange, extra = call.message, attempt.answering, attempt.head.extra
    headers = answers.JSON_HEADERS + extra
    if message.kind != "request":
        exchange.respond(202, extra)
    else:
        exchange.respond(200, headers, answers.refusal(call, denial))
