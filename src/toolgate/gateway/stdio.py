"""MCP over standard input and output: one client, one server, and every message between them judged.

Both directions keep their order, except that a call which waits (for a person, or for the definitions of the server's
tools) lets others pass. What nobody asked for reaches nobody.
"""

from __future__ import annotations

import asyncio
import secrets
import sys
import time
import traceback
from collections.abc import Awaitable
from dataclasses import replace
from typing import Final, Protocol

import msgspec

from toolgate.audit.records import Result
from toolgate.background import complain, in_turns
from toolgate.gateway import answers, replies
from toolgate.gateway.access import Access
from toolgate.gateway.call import Call, Denial, Ending
from toolgate.gateway.continuing import continued, owns_task
from toolgate.gateway.enforcement import Enforcement, judge
from toolgate.gateway.inspection import Inspector
from toolgate.gateway.replies import NotUnderstood, Reply
from toolgate.gateway.seals import Seals
from toolgate.gateway.stdio_definitions import Definitions
from toolgate.gateway.stdio_requests import Request, Requests
from toolgate.gateway.tasks import Tasks
from toolgate.policy.decision import Verdict
from toolgate.protocol import strict_json
from toolgate.protocol.headers import era_of_body
from toolgate.protocol.malformed import INVALID_PARAMS, INVALID_REQUEST, Malformed, MessageId
from toolgate.protocol.messages import Message, classify
from toolgate.protocol.revisions import SUBSCRIPTION_KEY
from toolgate.upstream.lines import Failure

_UNREADABLE: Final = Message("request", None, "", {}, {})
_LIST_CHANGED: Final = "notifications/tools/list_changed"
_SHOWN: Final = 200
_MOST_ASKED: Final = 1_000
"""Requests of a server that its client may leave open."""


class Lines(Protocol):
    """Something that takes messages one by one."""

    def send(self, line: bytes) -> None:
        """Queue one message."""


class Server(Lines, Protocol):
    """The server's end."""

    async def drained(self) -> None:
        """Return when it takes more."""


class Conversation:
    """Everything between one client and one server. `complete` what is left by `end`."""

    def __init__(
        self,
        access: Access,
        enforcement: Enforcement,
        inspector: Inspector,
        seals: Seals,
        tasks: Tasks,
        client: Lines,
        server: Server,
    ) -> None:
        self._access = access
        self._enforcement = enforcement
        self._inspector = inspector
        self._seals = seals
        self._tasks = tasks
        self._client = client
        self._server = server
        self._definitions = Definitions(access, server.send)
        self._requests = Requests()
        self._asked: dict[MessageId, None] = {}
        self._session = secrets.token_hex(16)
        self._revision = ""
        self._tells_changes = False

    # --- from the client

    async def from_client(self, line: bytes) -> None:
        """One line of the client; returns when the next may be read. Whatever goes wrong is a refusal on record."""
        if not line.strip():
            return
        call: Call | None = None
        try:
            call = self._call(await _read(line))
            await self._pass_on(call, line)
        except Malformed as malformed:
            await self._refuse_malformed(malformed)
        except Exception as error:  # noqa: BLE001 - an unforeseen fault denies and is recorded, as over HTTP
            await self._refuse_fault(call, error)

    def _call(self, message: Message) -> Call:
        era = era_of_body(message, self._revision)
        subject = self._access.subject if era.modern else self._access.in_session(self._session)
        return self._enforcement.call_of(self._access, subject, message, revision=era.revision, modern=era.modern)

    async def _pass_on(self, call: Call, line: bytes) -> None:
        message = call.message
        if message.kind == "request":
            await self._question(call, line)
        elif message.kind == "notification":
            await self._notification(call, line)
        else:
            await self._client_answers(call, line)
        await self._server.drained()

    async def _question(self, call: Call, line: bytes) -> None:
        request = Request(call)
        self._requests.begin(request)
        if not call.arguments_digest and call.arguments:
            call.arguments_digest = await in_turns(self._enforcement.digest_slowly(call.arguments))
        judging = self._judge(request, line)
        if not self._may_wait(call):
            await judging
            return
        request.judging = asyncio.create_task(self._guarded(request, judging))

    def _may_wait(self, call: Call) -> bool:
        """Whether judging may take longer than a moment: others go on meanwhile."""
        if call.message.method == "tools/call" and not self._definitions.known:
            return True
        return judge(call, time.time()).outcome == "wait"

    async def _guarded(self, request: Request, judging: Awaitable[None]) -> None:
        """The root of a call that others pass: its faults are refusals too."""
        try:
            await judging
        except Malformed as malformed:
            self._requests.take(request.call.message.id)
            await self._refuse_malformed(malformed)
        except Exception as error:  # noqa: BLE001 - as in `from_client`
            await self._refuse_fault(request.call, error)

    async def _judge(self, request: Request, line: bytes) -> None:
        call = request.call
        if call.message.method == "tools/call":
            await self._definitions.wanted(call.message)
        line = continued(call, line, self._seals, self._tasks)
        denial = await self._admit(call)
        request.judging = None
        if denial is not None:
            self._requests.take(call.message.id)
            self._client.send(answers.refusal(call, denial))
        else:
            request.sent_at = time.perf_counter_ns()
            self._server.send(line)

    async def _admit(self, call: Call) -> Denial | None:
        if not owns_task(call, self._tasks):
            return await self._enforcement.refuse(call, Verdict("deny", "(method)", "This grant has no such task."))
        return await self._enforcement.admit(call, self._tell)

    async def _tell(self, notification: bytes) -> None:
        self._client.send(notification)

    async def _notification(self, call: Call, line: bytes) -> None:
        if await self._enforcement.admit(call) is not None:
            return
        if call.message.method != "notifications/cancelled" or await self._cancel(call.message):
            self._server.send(line)
        await self._enforcement.complete(call, Ending(result="result"), 0)

    async def _cancel(self, message: Message) -> bool:
        """End a request whose client no longer wants the answer; False where the server never heard of it."""
        message_id = message.params.get("requestId")
        if message_id is not None and type(message_id) not in {int, str}:
            raise Malformed(
                "message/params/requestId", "is no id", "name the request as it was sent", code=INVALID_PARAMS
            )
        request = self._requests.take(message_id)
        if request is None:
            return True
        if not request.sent:
            await self._give_up(request)
            return False
        assert request.call.message.id is not None
        self._requests.spend(request.call.message.id)
        await self._complete(request, "client_gone")
        return True

    async def _give_up(self, request: Request) -> None:
        """Judge no further a request that was not sent; the record of one that waited for a person ends by itself."""
        if request.judging is not None:
            request.judging.cancel()
            await asyncio.wait([request.judging])
        if not request.call.approval_id:
            verdict = Verdict("deny", "(error)", "It was taken back before it was sent.")
            await self._enforcement.refuse(request.call, verdict)

    async def _client_answers(self, call: Call, line: bytes) -> None:
        """What a server asked through us may be answered, once; a policy was asked when the question came."""
        message_id = call.message.id
        if message_id is None or message_id not in self._asked:
            raise Malformed("message/id", "answers what nobody asked", "leave it out", code=INVALID_REQUEST)
        if await self._enforcement.admit_stream(call) is None:
            del self._asked[message_id]
            self._server.send(line)
            await self._enforcement.complete(call, Ending(result="result"), 0)

    async def _refuse_malformed(self, malformed: Malformed) -> None:
        message = replace(_UNREADABLE, id=malformed.id)
        call = self._enforcement.call_of(self._access, self._access.subject, message)
        await self._enforcement.refuse(call, Verdict("deny", "(malformed)", str(malformed)))
        facts = {"decision": call.id, **(malformed.data or {})}
        taken = malformed.id is not None and self._requests.get(malformed.id) is not None
        self._client.send(answers.error(None if taken else malformed.id, malformed.code, str(malformed), facts))

    async def _refuse_fault(self, call: Call | None, error: Exception) -> None:
        traceback.print_exception(error, file=sys.stderr)
        verdict = Verdict("deny", "(error)", f"The gateway failed: {type(error).__name__}.")
        refused = call or self._enforcement.call_of(self._access, self._access.subject, _UNREADABLE)
        denial = await self._enforcement.refuse(refused, verdict)
        self._requests.take(refused.message.id)
        if refused.message.kind == "request":
            self._client.send(answers.refusal(refused, denial))

    # --- from the server

    async def from_server(self, line: bytes) -> None:
        """One line of the server. What is no message, or answers nobody, is said aloud and goes no further."""
        try:
            reply = replies.peek(line)
            if reply.is_answer:
                await self._answer(line, reply)
            elif reply.id is not msgspec.UNSET:
                await self._server_asks(line)
            else:
                self._notified(line, reply)
        except NotUnderstood as error:
            await self._not_understood(line, error)

    async def _answer(self, line: bytes, reply: Reply) -> None:
        if self._definitions.is_ours(reply):
            self._definitions.answered(reply, line)
            return
        request = self._requests.get(reply.id)
        if request is None or not request.sent:
            if not self._requests.spent(reply.id):
                self._drop(line, "answers what nobody asked")
            return
        body = self._inspector.inspect(line, request.call, request.ending).body
        self._requests.take(reply.id)
        self._client.send(body)
        self._learn(request, line)
        await self._complete(request, request.ending.result)

    def _learn(self, request: Request, line: bytes) -> None:
        message, ending = request.call.message, request.ending
        if message.method == "initialize":
            self._revision, self._tells_changes = ending.agreed_revision, ending.list_changed
        elif message.method == "tools/list" and ending.result == "result":
            self._definitions.saw(message.params.get("cursor"), line)

    async def _server_asks(self, line: bytes) -> None:
        """A request of the server is judged and recorded before the client sees it; a refused one is answered."""
        asked = replies.request_of(line)
        asking = self._enforcement.call_of(
            self._access, self._access.in_session(self._session), asked, revision=self._revision
        )
        asking.by_server = True
        if len(self._asked) < _MOST_ASKED:
            denial = await self._enforcement.admit(asking)
        else:
            verdict = Verdict("deny", "(error)", f"The client has not answered {_MOST_ASKED} requests yet.")
            denial = await self._enforcement.refuse(asking, verdict)
        if denial is not None:
            self._server.send(answers.refused_method(asked.id, asked.method, denial.verdict, asking.id))
            return
        assert asked.id is not None
        self._asked[asked.id] = None
        await self._enforcement.complete(asking, Ending(result="result"), 0)
        self._client.send(line)

    def _notified(self, line: bytes, reply: Reply) -> None:
        if reply.method == _LIST_CHANGED:
            self._definitions.forget()
        self._client.send(line)

    async def _not_understood(self, line: bytes, error: NotUnderstood) -> None:
        """Where the line was to be an answer, its request fails; else it is noise."""
        request = self._requests.get(_id_of(line))
        if request is None or not request.sent:
            self._drop(line, error.cause)
        else:
            await self._fail(request, "error", f"the answer of the server {error.cause}")

    def _drop(self, line: bytes, cause: str) -> None:
        if line.strip():
            text = line[:_SHOWN].decode(errors="replace").strip() + ("..." if len(line) > _SHOWN else "")
            complain(f"a line of the server was dropped: it {cause}: {text}")

    async def failed(self, message_id: MessageId, failure: Failure) -> None:
        """The way to the server failed for one request (a server behind HTTP)."""
        request = self._requests.get(message_id)
        if request is not None and request.sent:
            request.ending.not_run, request.ending.status = failure.not_run, failure.status
            await self._fail(request, failure.result, failure.cause)

    async def _fail(self, request: Request, result: Result, cause: str) -> None:
        """Answer in the server's place, and complete the record."""
        message_id = request.call.message.id
        self._requests.take(message_id)
        self._client.send(answers.error(message_id, answers.UPSTREAM_FAILED, f"upstream failed: {cause}"))
        await self._complete(request, result)

    async def _complete(self, request: Request, result: Result) -> None:
        request.ending.result = result
        await self._enforcement.complete(request.call, request.ending, request.took)

    # --- both

    def tell_tools_changed(self) -> None:
        """The policy changed, so the tools may look different: said where the client listens for that."""
        message: dict[str, object] = {"jsonrpc": "2.0", "method": _LIST_CHANGED}
        if self._tells_changes:
            self._client.send(msgspec.json.encode(message))
        for request in self._requests.all():
            if request.sent and request.call.message.method == "subscriptions/listen":
                subscribed = {**message, "params": {"_meta": {SUBSCRIPTION_KEY: request.call.message.id}}}
                self._client.send(msgspec.json.encode(subscribed))

    async def settled(self, seconds: float) -> None:
        """Give calls that wait to be judged so long to get on their way; those that wait for a person get nothing."""
        waiting = [request for request in self._requests.all() if not request.call.approval_id]
        judging = [request.judging for request in waiting if request.judging is not None]
        if judging:
            await asyncio.wait(judging, timeout=seconds)

    async def end(self, result: Result, cause: str) -> None:
        """Nothing more will come from the server: answer and record what is under way."""
        self._definitions.close()
        for request in self._requests.all():
            if request.sent:
                await self._fail(request, result, cause)
            else:
                self._requests.take(request.call.message.id)
                await self._give_up(request)
                body = answers.error(request.call.message.id, answers.UPSTREAM_FAILED, f"upstream failed: {cause}")
                self._client.send(body)


class _Outline(msgspec.Struct):
    id: int | float | str | None = None


async def _read(line: bytes) -> Message:
    if len(line) <= strict_json.SHORT:
        return classify(strict_json.read(line))
    return classify(await in_turns(strict_json.read_slowly(line)))


def _id_of(line: bytes) -> object:
    """The id in a line that is an object at least; None where it has none."""
    try:
        return msgspec.json.decode(line, type=_Outline).id
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
