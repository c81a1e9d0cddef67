"""From the server to the client: answers inspected, questions judged, and nothing that nobody asked for."""

from __future__ import annotations

import sys
import traceback
from typing import Final

import msgspec

from toolgate.background import complain
from toolgate.gateway import answers, replies
from toolgate.gateway.call import Denial, Ending
from toolgate.gateway.inspection import Inspected, Inspector
from toolgate.gateway.replies import NotUnderstood, Reply
from toolgate.gateway.stdio_between import Between
from toolgate.gateway.stdio_requests import Request
from toolgate.policy.decision import Verdict
from toolgate.protocol.hidden_text import without_in_plain
from toolgate.protocol.malformed import MessageId
from toolgate.protocol.messages import Message
from toolgate.upstream.lines import Failure

_SHOWN: Final = 200
_MOST_ASKED: Final = 1_000
"""Requests of a server that its client may leave open."""


class Downward:
    """The lines of one server."""

    def __init__(self, between: Between, inspector: Inspector) -> None:
        self._between = between
        self._inspector = inspector

    async def line(self, line: bytes) -> None:
        """One line of the server. What is no message, or answers nobody, is said aloud and goes no further."""
        try:
            reply = replies.peek(line)
            if reply.is_answer:
                await self._answer(line, reply)
            else:
                await self._unasked(line, reply)
        except NotUnderstood as error:
            await self._not_understood(line, error.cause)
        except Exception as error:  # noqa: BLE001 - as in the other direction: an unforeseen fault lets nothing through
            traceback.print_exception(error, file=sys.stderr)
            await self._not_understood(line, "could not be handled")

    async def _answer(self, line: bytes, reply: Reply) -> None:
        if self._between.definitions.is_ours(reply):
            self._between.definitions.answered(reply, line)
            return
        request = self._between.requests.get(reply.id)
        if request is None or not request.sent:
            if not self._between.requests.spent(reply.id):
                self._drop(line, "answers what nobody asked")
            return
        body = self._inspector.inspect(line, request.call, request.ending).body
        self._between.requests.take(reply.id)
        self._between.client.send(body)
        self._learn(request, body)
        await self._between.complete(request, request.ending.result)

    def _learn(self, request: Request, line: bytes) -> None:
        message, ending = request.call.message, request.ending
        if message.method == "initialize":
            self._between.revision = ending.agreed_revision
            self._between.tells_changes = ending.list_changed
        elif message.method == "tools/list" and ending.result == "result":
            self._between.definitions.saw(message.params.get("cursor"), line)

    async def _unasked(self, line: bytes, reply: Reply) -> None:
        ending = Ending(result="result")
        inspected = self._inspector.unasked(line, reply, self._between.access, ending)
        if inspected.asked is not None:
            await self._server_asks(inspected, inspected.asked, ending)
        elif inspected.refused is None:
            self._notified(inspected.body)

    async def _server_asks(self, inspected: Inspected, asked: Message, ending: Ending) -> None:
        """A request of the server is judged and recorded before the client sees it; a refused one is answered."""
        asking = self._between.enforcement.call_of(
            self._between.access, self._between.subject, asked, revision=self._between.revision
        )
        asking.by_server = True
        if inspected.refused is not None:
            denial: Denial | None = await self._between.enforcement.refuse(asking, inspected.refused)
        elif len(self._between.asked) < _MOST_ASKED:
            denial = await self._between.enforcement.admit(asking)
        else:
            verdict = Verdict("deny", "(error)", f"The client has not answered {_MOST_ASKED} requests yet.")
            denial = await self._between.enforcement.refuse(asking, verdict)
        if denial is not None:
            self._between.server.send(answers.refused_method(asked.id, asked.method, denial.verdict, asking.id))
            return
        assert asked.id is not None
        self._between.asked.add(asked.id)
        await self._between.enforcement.complete(asking, ending, 0)
        self._between.client.send(inspected.body)

    def _notified(self, line: bytes) -> None:
        if replies.peek(line).method == answers.LIST_CHANGED:
            self._between.definitions.forget()
        self._between.client.send(line)

    async def _not_understood(self, line: bytes, cause: str) -> None:
        """Where the line was to be an answer, its request fails; else it is noise."""
        request = self._between.requests.get(_id_of(line))
        if request is None or not request.sent:
            self._drop(line, cause)
        else:
            await self._between.fail(request, "error", f"the answer of the server {cause}")

    def _drop(self, line: bytes, cause: str) -> None:
        if line.strip():
            text = line[:_SHOWN].decode(errors="replace").strip() + ("..." if len(line) > _SHOWN else "")
            complain(f"a line of the server was dropped: it {cause}: {without_in_plain(text)}")

    async def failed(self, message_id: MessageId, failure: Failure) -> None:
        """The way to the server failed for one request (a server behind HTTP), the client's or our own."""
        self._between.definitions.failed(message_id)
        request = self._between.requests.get(message_id)
        if request is not None and request.sent:
            request.ending.not_run, request.ending.status = failure.not_run, failure.status
            await self._between.fail(request, failure.result, failure.cause)


class _Outline(msgspec.Struct):
    id: int | float | str | None = None


def _id_of(line: bytes) -> object:
    """The id in a line that is an object at least; None where it has none."""
    try:
        return msgspec.json.decode(line, type=_Outline).id
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
