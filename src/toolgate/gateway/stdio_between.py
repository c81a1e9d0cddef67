"""What both directions of one conversation over standard input and output know, and how a request ends in either."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field
from typing import Protocol

from toolgate.audit.records import Result
from toolgate.gateway import answers
from toolgate.gateway.access import Access
from toolgate.gateway.enforcement import Enforcement
from toolgate.gateway.stdio_definitions import Definitions
from toolgate.gateway.stdio_requests import Request, Requests
from toolgate.policy.decision import Subject, Verdict
from toolgate.protocol.malformed import MessageId


class Lines(Protocol):
    """Something that takes messages one by one."""

    def send(self, line: bytes) -> None:
        """Queue one message."""


class Server(Lines, Protocol):
    """The server's end."""

    async def drained(self) -> None:
        """Return when it takes more."""


@dataclass(slots=True, eq=False)
class Between:
    """One conversation. `asked` holds the requests of the server that its client has not answered yet."""

    access: Access
    enforcement: Enforcement
    client: Lines
    server: Server
    definitions: Definitions
    requests: Requests = field(default_factory=Requests)
    asked: set[MessageId] = field(default_factory=set)
    session: str = field(default_factory=lambda: secrets.token_hex(16))
    revision: str = ""
    tells_changes: bool = False
    """What the handshake agreed: the revision, and that the server tells when its tools change."""

    @property
    def subject(self) -> Subject:
        """Who speaks, in the handshake era: one process is one session."""
        return self.access.in_session(self.session)

    async def fail(self, request: Request, result: Result, cause: str) -> None:
        """Answer in the server's place, and complete the record."""
        message_id = request.call.message.id
        self.requests.take(message_id)
        self.client.send(answers.error(message_id, answers.UPSTREAM_FAILED, f"upstream failed: {cause}"))
        await self.complete(request, result)

    async def complete(self, request: Request, result: Result) -> None:
        """The end of a request on record."""
        request.ending.result = result
        await self.enforcement.complete(request.call, request.ending, request.took)

    async def give_up(self, request: Request) -> None:
        """Judge no further a request that was not sent; the record of one that waited for a person ends by itself."""
        if request.judging is not None:
            request.judging.cancel()
            await asyncio.wait([request.judging])
        if not request.call.approval_id:
            verdict = Verdict("deny", "(error)", "It was taken back before it was sent.")
            await self.enforcement.refuse(request.call, verdict)
