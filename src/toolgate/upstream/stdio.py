"""A stdio server as an upstream: streamable HTTP in front of processes that speak over standard input and output.

Handshake era: `initialize` starts a process for its session alone. Revision 2026-07-28: processes are shared, each
request goes to one on which its id is free, because ids are never renumbered. Nothing is translated between the eras.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from toolgate.protocol.malformed import INVALID_REQUEST, PARSE_ERROR
from toolgate.protocol.revisions import STATELESS
from toolgate.upstream.interface import Answer, Header
from toolgate.upstream.stdio_answer import Immediate
from toolgate.upstream.stdio_children import ChildLimits, Children
from toolgate.upstream.stdio_conversation import Conversation
from toolgate.upstream.stdio_dialogue import SessionDialogue, SharedDialogue
from toolgate.upstream.stdio_messages import Glance, Id, Noise, glance

_SESSION: Final = b"mcp-session-id"
_VERSION: Final = b"mcp-protocol-version"
_STATELESS: Final = frozenset(name.encode() for name in STATELESS)
_FORSAKEN: Final = 100
"""Ids that nobody waits for any more, after which a shared process gets no further requests."""


class StdioUpstream:
    """One server that is started as a command. `environment` is all that its processes see of ours."""

    def __init__(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], limits: ChildLimits | None = None
    ) -> None:
        self.children = Children(name, command, environment, limits or ChildLimits(), self._gone)
        self._sessions: dict[str, Conversation] = {}
        self._shared: list[Conversation] = []
        self._choosing = asyncio.Lock()

    async def send(self, method: str, headers: Sequence[Header], body: bytes, timeout: float) -> Answer:
        """One exchange, as the interface says. `timeout` ends with the first message for this request."""
        fields = dict(headers)
        session = fields.get(_SESSION, b"").decode("latin-1")
        if method == "POST":
            deadline = asyncio.get_running_loop().time() + timeout
            return await self._post(session, fields.get(_VERSION) in _STATELESS, body, deadline)
        if not session:
            return _refusal(405, INVALID_REQUEST, "there is nothing but POST without a session", allow=b"POST")
        conversation = self._sessions.get(session)
        if conversation is None:
            return _unknown_session()
        return self._listen(conversation) if method == "GET" else self._delete(session, conversation)

    async def _post(self, session: str, stateless: bool, body: bytes, deadline: float) -> Answer:
        try:
            message = glance(body)
        except Noise as noise:
            return _refusal(400, PARSE_ERROR, f"the body {noise.cause}")
        if message.method == "initialize" and not session:
            return await self._initialize(message, body, deadline)
        if stateless or message.stateless:
            return await self._without_session(message, body, deadline)
        if not session:
            return _refusal(400, INVALID_REQUEST, "there is no session: send `initialize` first", message.id)
        conversation = self._sessions.get(session)
        if conversation is None:
            return _unknown_session(message.id)
        return await self._in_session(conversation, message, body, deadline)

    # --- the handshake era

    async def _initialize(self, message: Glance, body: bytes, deadline: float) -> Answer:
        conversation = await self.children.start(SessionDialogue())
        session = secrets.token_urlsafe(24)
        self._sessions[session] = conversation
        try:
            answer = conversation.reserve(message, {_SESSION: session.encode()})
            await conversation.ask(answer, body, deadline)
        except BaseException:
            self._delete(session, conversation)
            raise
        if answer.code is not None:
            self._delete(session, conversation)
        return answer

    async def _in_session(self, conversation: Conversation, message: Glance, body: bytes, deadline: float) -> Answer:
        if message.kind == "request":
            if not conversation.dialogue.takes(message):
                cause = f"the id {message.id!r} or its progress token is in use by another request"
                return _refusal(400, INVALID_REQUEST, cause, message.id)
            return await conversation.ask(conversation.reserve(message), body, deadline)
        if message.cancels is not None:
            conversation.cancel(message.cancels)
        await conversation.tell(body, deadline)
        return Immediate(202)

    def _listen(self, conversation: Conversation) -> Answer:
        dialogue = conversation.dialogue
        assert isinstance(dialogue, SessionDialogue)
        if dialogue.listener is not None:
            return _refusal(409, INVALID_REQUEST, "the session has its one stream already")
        return conversation.listen(dialogue)

    def _delete(self, session: str, conversation: Conversation) -> Answer:
        self._sessions.pop(session, None)
        self.children.end(conversation)
        return Immediate(200)

    # --- the stateless revision

    async def _without_session(self, message: Glance, body: bytes, deadline: float) -> Answer:
        """A notification could only concern another client's request: it is taken and goes nowhere."""
        if message.kind == "notification":
            return Immediate(202)
        if message.kind == "answer":
            return _refusal(400, INVALID_REQUEST, "no server asks anything in this revision")
        async with self._choosing:
            conversation = self._free(message) or await self._one_more()
            answer = conversation.reserve(message)
        return await conversation.ask(answer, body, deadline)

    def _free(self, question: Glance) -> Conversation | None:
        for conversation in self._shared:
            dialogue = conversation.dialogue
            if dialogue.takes(question) and dialogue.forsaken < _FORSAKEN and not conversation.ending:
                return conversation
        return None

    async def _one_more(self) -> Conversation:
        conversation = await self.children.start(SharedDialogue())
        self._shared.append(conversation)
        return conversation

    # --- the end

    def _gone(self, conversation: Conversation) -> None:
        self._sessions = {session: one for session, one in self._sessions.items() if one is not conversation}
        self._shared = [one for one in self._shared if one is not conversation]

    def retire(self) -> None:
        """Start nothing more; processes end as soon as nobody waits for them."""
        self.children.retire()

    async def close(self) -> None:
        """End every process."""
        await self.children.close()


def _unknown_session(id_: Id | None = None) -> Immediate:
    return _refusal(404, INVALID_REQUEST, "there is no such session", id_)


def _refusal(status: int, code: int, cause: str, id_: Id | None = None, allow: bytes = b"") -> Immediate:
    body = {"jsonrpc": "2.0", "id": id_, "error": {"code": code, "message": cause}}
    return Immediate(status, msgspec.json.encode(body), {b"allow": allow} if allow else None)
