"""The MCP endpoint over HTTP: hygiene, identity, reading, sessions; then enforcement and forwarding.

Both eras share the endpoint: `initialize`, sessions, GET and DELETE of the handshake era, and the single POSTs of
revision 2026-07-28. Nothing is translated between them.
"""

from __future__ import annotations

import asyncio
import sys
import time
import traceback
from typing import Final

from toolgate.gateway import answers, hygiene, retries
from toolgate.gateway.access import Access
from toolgate.gateway.enforcement import UNKNOWN, Call, Denial, Enforcement
from toolgate.gateway.failures import Failures
from toolgate.gateway.forwarding import Forwarding, Passage
from toolgate.gateway.hygiene import Allowed, Header, Refused
from toolgate.gateway.seals import Seals
from toolgate.gateway.sessions import OpenSession, Sessions
from toolgate.gateway.tasks import Tasks
from toolgate.gateway.view import GatewayView
from toolgate.keys import token_digest
from toolgate.policy.decision import Verdict
from toolgate.protocol import strict_json
from toolgate.protocol.headers import check_headers
from toolgate.protocol.malformed import Malformed
from toolgate.protocol.messages import Message, classify
from toolgate.wire.failures import BodyTooLarge
from toolgate.wire.server import Exchange

_LONG_BODY: Final = 32 * 1024
_CHALLENGE: Final = (b"www-authenticate", b"Bearer")
_STALE: Final = Verdict("deny", "(store)", "The gateway could not read its database for too long.")
_NOT_OWN_TASK: Final = -32602


class Endpoint:
    """Handles every request of the data plane. One per process."""

    def __init__(
        self,
        allowed: Allowed,
        view: GatewayView,
        enforcement: Enforcement,
        forwarding: Forwarding,
        seals: Seals,
        sessions: Sessions,
        tasks: Tasks,
        failures: Failures,
        *,
        body_limit: int,
    ) -> None:
        self._allowed = allowed
        self._view = view
        self._enforcement = enforcement
        self._forwarding = forwarding
        self._seals = seals
        self._sessions = sessions
        self._tasks = tasks
        self._failures = failures
        self._body_limit = body_limit

    async def __call__(self, exchange: Exchange) -> None:
        """Serve one request; a `Refused` from any step is its answer."""
        try:
            await self._serve(exchange)
        except Refused as refused:
            body = answers.error(None, answers.GATEWAY_FAILED, f"{refused.cause}; {refused.mend}".rstrip("; "))
            exchange.respond(refused.status, (*answers.JSON_HEADERS, *refused.headers), body)

    async def _serve(self, exchange: Exchange) -> None:
        hygiene.check_verb(exchange)
        origin = self._allowed.check(exchange)
        server_id = hygiene.server_id(exchange)
        if exchange.method == "OPTIONS":
            exchange.respond(204, hygiene.preflight_headers(origin) if origin is not None else ())
            return
        if exchange.method == "POST":
            hygiene.check_body_headers(exchange)
        access = self._identify(exchange)
        if access.server_id != server_id:
            raise Refused(404, "there is no such server for this grant")
        extra = hygiene.cors_headers(origin) if origin is not None else ()
        if exchange.method == "POST":
            await self._post(exchange, access, extra)
        else:
            await self._stream_or_delete(exchange, access, extra)

    def _identify(self, exchange: Exchange) -> Access:
        """The access of the bearer token; raises Refused (401, or 429 for an address that fails too often)."""
        token = hygiene.bearer_token(exchange)
        access = self._view.access(token_digest(token)) if token is not None else None
        if access is not None:
            return access
        reason = "no token" if token is None else "unknown, expired or revoked token"
        wait = self._failures.count(exchange.peer, reason)
        if wait:
            raise Refused(429, "too many requests without a valid token", headers=((b"retry-after", b"%d" % wait),))
        raise Refused(401, f"{reason}", "send a grant token as `Authorization: Bearer`", (_CHALLENGE,))

    async def _post(self, exchange: Exchange, access: Access, extra: tuple[Header, ...]) -> None:
        try:
            body = await exchange.body(self._body_limit)
        except BodyTooLarge:
            await self._malformed(access, Malformed("body", f"is longer than {self._body_limit} bytes"))
            raise Refused(413, f"the body is longer than {self._body_limit} bytes") from None
        session = self._sessions.named_by(exchange, access)
        try:
            call = await self._read(exchange, access, session, body)
            body = self._continued(call, body)
        except Malformed as malformed:
            decision = await self._malformed(access, malformed)
            text = answers.error(
                malformed.id, malformed.code, str(malformed), {"decision": decision, **(malformed.data or {})}
            )
            exchange.respond(400, (*answers.JSON_HEADERS, *extra), text)
            return
        passage = Passage(exchange, access, call.subject, call, session, extra)
        await self._enforce(passage, body)

    async def _read(self, exchange: Exchange, access: Access, session: OpenSession | None, body: bytes) -> Call:
        """Steps 3 and 4: one strict reading, and in revision 2026-07-28 the headers against it."""
        value = strict_json.read(body) if len(body) <= _LONG_BODY else await _read_in_slices(body)
        message = classify(value)
        era = check_headers(exchange.headers, message, _schema(access, message))
        revision = era.revision or (session.session.revision if session is not None else "")
        subject = session.subject if session is not None else access.subject
        return self._enforcement.call_of(access, subject, message, revision=revision, modern=era.modern)

    def _continued(self, call: Call, body: bytes) -> bytes:
        """The body to forward: for the retry of an unfinished request with the server's own state in it."""
        if not call.modern:
            return body
        state = retries.open_retry(self._seals, call, time.time())
        if state is None:
            return body
        call.round = state.round
        return retries.restored(body, str(call.message.params["requestState"]), state.inner)

    async def _enforce(self, passage: Passage, body: bytes) -> None:
        """START of the path of a call: whatever goes wrong from here on is a denial with a record."""
        call, exchange = passage.call, passage.exchange
        assert call is not None
        try:
            denial = await self._admit(call)
            if denial is None:
                await self._forwarding.carry(passage, "POST", body)
                return
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - the one place: an unforeseen fault denies, and is recorded
            traceback.print_exception(error, file=sys.stderr)
            verdict = Verdict("deny", "(error)", f"The gateway failed: {type(error).__name__}.")
            denial = await self._enforcement.refuse(call, verdict)
            if exchange.started:
                exchange.abort()
                return
        self._respond_denied(passage, call, denial)

    async def _admit(self, call: Call) -> Denial | None:
        if not self._view.fresh:
            return await self._enforcement.refuse(call, _STALE)
        if call.message.method.startswith("tasks/") and not self._owns_task(call):
            verdict = Verdict("deny", "(method)", "This grant has no such task.")
            return await self._enforcement.refuse(call, verdict)
        return await self._enforcement.admit(call)

    def _owns_task(self, call: Call) -> bool:
        """Whether the task of a `tasks/*` request is the grant's own; `tasks/list` names none and is filtered."""
        if call.message.method == "tasks/list":
            return True
        task = call.message.params.get("taskId")
        return isinstance(task, str) and self._tasks.owned(call.access.server_id, task, call.access.grant_id)

    def _respond_denied(self, passage: Passage, call: Call, denial: Denial) -> None:
        message, verdict = call.message, denial.verdict
        headers = (*answers.JSON_HEADERS, *passage.extra)
        if message.kind != "request":
            passage.exchange.respond(202, passage.extra)
        elif message.method != "tools/call":
            passage.exchange.respond(200, headers, answers.refused_method(message.id, message.method, verdict, call.id))
        elif not verdict.visible or verdict.rule == UNKNOWN:
            passage.exchange.respond(200, headers, answers.unknown_tool(message.id, call.tool, modern=call.modern))
        else:
            text = answers.denial(message.id, call.tool, verdict, call.id, modern=call.modern, full=denial.limit)
            passage.exchange.respond(200, headers, text)

    async def _stream_or_delete(self, exchange: Exchange, access: Access, extra: tuple[Header, ...]) -> None:
        """GET (the stream of the handshake era) and DELETE (end of a session): a record, then on to the server."""
        session = self._sessions.named_by(exchange, access)
        message = Message("notification", None, f"HTTP {exchange.method}", {}, {})
        subject = session.subject if session is not None else access.subject
        revision = session.session.revision if session is not None else ""
        call = self._enforcement.call_of(access, subject, message, revision=revision, modern=False)
        denial = await self._enforcement.admit_stream(call) if self._view.fresh else Denial(_STALE)
        if denial is not None:
            raise Refused(503, denial.verdict.message)
        passage = Passage(exchange, access, subject, call, session, extra)
        await self._forwarding.carry(passage, exchange.method, b"")

    async def _malformed(self, access: Access, malformed: Malformed) -> str:
        message = Message("request", malformed.id, "", {}, {})
        call = self._enforcement.call_of(access, access.subject, message)
        await self._enforcement.refuse(call, Verdict("deny", "(malformed)", str(malformed)))
        return call.id


def _schema(access: Access, message: Message) -> object:
    return access.tools.schema_of(message.name) if message.method == "tools/call" else None


async def _read_in_slices(body: bytes) -> object:
    """A long body, read so that other calls go on meanwhile."""
    reading = strict_json.read_slowly(body)
    while True:
        try:
            next(reading)
        except StopIteration as done:
            return done.value
        await asyncio.sleep(0)
