"""From the client to the server: every line read strictly, judged, recorded, and forwarded as it came."""

from __future__ import annotations

import asyncio
import sys
import time
import traceback
from dataclasses import replace
from typing import Final

from toolgate.background import in_turns
from toolgate.gateway import answers
from toolgate.gateway.call import Call, Denial, Ending
from toolgate.gateway.continuing import continued, owns_task
from toolgate.gateway.enforcement import judge
from toolgate.gateway.seals import Seals
from toolgate.gateway.stdio_between import Between
from toolgate.gateway.stdio_requests import Request
from toolgate.gateway.tasks import Tasks
from toolgate.policy.decision import Verdict
from toolgate.protocol import strict_json
from toolgate.protocol.headers import era_of_body
from toolgate.protocol.malformed import INVALID_PARAMS, INVALID_REQUEST, Malformed
from toolgate.protocol.messages import Message, classify

_UNREADABLE: Final = Message("request", None, "", {}, {})


class Upward:
    """The lines of one client."""

    def __init__(self, between: Between, seals: Seals, tasks: Tasks) -> None:
        self._between = between
        self._seals = seals
        self._tasks = tasks

    async def line(self, line: bytes) -> None:
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
        era = era_of_body(message, self._between.revision)
        subject = self._between.access.subject if era.modern else self._between.subject
        return self._between.enforcement.call_of(
            self._between.access, subject, message, revision=era.revision, modern=era.modern
        )

    async def _pass_on(self, call: Call, line: bytes) -> None:
        message = call.message
        if message.kind == "request":
            await self._question(call, line)
        elif message.kind == "notification":
            await self._notification(call, line)
        else:
            await self._client_answers(call, line)
        await self._between.server.drained()

    async def _question(self, call: Call, line: bytes) -> None:
        request = Request(call)
        self._between.requests.begin(request)
        if not call.arguments_digest and call.arguments:
            call.arguments_digest = await in_turns(self._between.enforcement.digest_slowly(call.arguments))
        judging = self._guarded(request, line)
        if self._may_wait(call):
            request.judging = asyncio.create_task(judging)
        else:
            await judging

    def _may_wait(self, call: Call) -> bool:
        """Whether judging may take longer than a moment: others go on meanwhile."""
        if call.message.method == "tools/call" and not self._between.definitions.known:
            return True
        return judge(call, time.time()).outcome == "wait"

    async def _guarded(self, request: Request, line: bytes) -> None:
        """The root of a request that others may pass: its faults are refusals too, and its id is free again."""
        try:
            await self._judge(request, line)
        except Malformed as malformed:
            self._between.requests.take(request.call.message.id)
            await self._refuse_malformed(malformed)
        except Exception as error:  # noqa: BLE001 - as in `line`
            await self._refuse_fault(request.call, error)

    async def _judge(self, request: Request, line: bytes) -> None:
        call = request.call
        if call.message.method == "tools/call":
            await self._between.definitions.wanted(call.message)
        line = continued(call, line, self._seals, self._between.enforcement.digests, self._tasks)
        denial = await self._admit(call)
        request.judging = None
        if denial is not None:
            self._between.requests.take(call.message.id)
            self._between.client.send(answers.refusal(call, denial))
        else:
            request.sent_at = time.perf_counter_ns()
            self._between.server.send(line)

    async def _admit(self, call: Call) -> Denial | None:
        if not owns_task(call, self._tasks):
            return await self._between.enforcement.refuse(call, answers.NOT_OWN)
        return await self._between.enforcement.admit(call, self._tell)

    async def _tell(self, notification: bytes) -> None:
        self._between.client.send(notification)

    async def _notification(self, call: Call, line: bytes) -> None:
        if await self._between.enforcement.admit(call) is not None:
            return
        if call.message.method != "notifications/cancelled" or await self._cancel(call.message):
            self._between.server.send(line)
        await self._between.enforcement.complete(call, Ending(result="result"), 0)

    async def _cancel(self, message: Message) -> bool:
        """End a request whose client no longer wants the answer; False where the server never heard of it."""
        message_id = message.params.get("requestId")
        if message_id is not None and type(message_id) not in {int, str}:
            raise Malformed(
                "message/params/requestId", "is no id", "name the request as it was sent", code=INVALID_PARAMS
            )
        request = self._between.requests.take(message_id)
        if request is None:
            return True
        if not request.sent:
            await self._between.give_up(request)
            return False
        assert request.call.message.id is not None
        self._between.requests.spend(request.call.message.id)
        await self._between.complete(request, "client_gone")
        return True

    async def _client_answers(self, call: Call, line: bytes) -> None:
        """What a server asked through us may be answered, once; a policy was asked when the question came."""
        message_id = call.message.id
        if message_id is None or message_id not in self._between.asked:
            raise Malformed("message/id", "answers what nobody asked", "leave it out", code=INVALID_REQUEST)
        if await self._between.enforcement.admit_stream(call) is None:
            self._between.asked.discard(message_id)
            self._between.server.send(line)
            await self._between.enforcement.complete(call, Ending(result="result"), 0)

    async def _refuse_malformed(self, malformed: Malformed) -> None:
        message = replace(_UNREADABLE, id=malformed.id)
        call = self._between.enforcement.call_of(self._between.access, self._between.access.subject, message)
        await self._between.enforcement.refuse(call, Verdict("deny", "(malformed)", str(malformed)))
        facts = {"decision": call.id, **(malformed.data or {})}
        taken = malformed.id is not None and self._between.requests.get(malformed.id) is not None
        self._between.client.send(answers.error(None if taken else malformed.id, malformed.code, str(malformed), facts))

    async def _refuse_fault(self, call: Call | None, error: Exception) -> None:
        traceback.print_exception(error, file=sys.stderr)
        verdict = Verdict("deny", "(error)", f"The gateway failed: {type(error).__name__}.")
        refused = call or self._between.enforcement.call_of(
            self._between.access, self._between.access.subject, _UNREADABLE
        )
        denial = await self._between.enforcement.refuse(refused, verdict)
        if refused.message.kind == "request":
            self._between.requests.take(refused.message.id)
            self._between.client.send(answers.refusal(refused, denial))


async def _read(line: bytes) -> Message:
    if len(line) <= strict_json.SHORT:
        return classify(strict_json.read(line))
    return classify(await in_turns(strict_json.read_slowly(line)))
