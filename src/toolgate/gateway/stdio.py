"""MCP over standard input and output: one client, one server, and every message between them judged.

Both directions keep their order, except that a call which waits (for a person, or for the definitions of the server's
tools) lets others pass. What nobody asked for reaches nobody.
"""

from __future__ import annotations

import asyncio

from toolgate.audit.records import Result
from toolgate.gateway import answers
from toolgate.gateway.access import Access
from toolgate.gateway.enforcement import Enforcement
from toolgate.gateway.inspection import Inspector
from toolgate.gateway.seals import Seals
from toolgate.gateway.stdio_between import Between, Lines, Server
from toolgate.gateway.stdio_definitions import Definitions
from toolgate.gateway.stdio_downward import Downward
from toolgate.gateway.stdio_upward import Upward
from toolgate.gateway.tasks import Tasks


class Conversation:
    """Everything between one client and one server: each line of either is given to its direction, in order."""

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
        definitions = Definitions(access, server.send, inspector.learned)
        self._between = Between(access, enforcement, client, server, definitions)
        self.upward = Upward(self._between, seals, tasks)
        self.downward = Downward(self._between, inspector)

    def tell_tools_changed(self) -> None:
        """The policy changed, so the tools may look different: said where the client listens for that."""
        if self._between.tells_changes:
            self._between.client.send(answers.list_changed())
        for request in self._between.requests.all():
            if request.sent and request.call.message.method == "subscriptions/listen":
                self._between.client.send(answers.list_changed(request.call.message.id))

    async def take_back_held(self) -> None:
        """The client is gone: what it left waiting for a person must not run any more when somebody approves it."""
        for request in self._between.requests.all():
            if request.call.approval_id and not request.sent:
                self._between.requests.take(request.call.message.id)
                await self._between.give_up(request)

    async def settled(self, seconds: float) -> None:
        """Give calls that wait to be judged so long to get on their way."""
        judging = [request.judging for request in self._between.requests.all() if request.judging is not None]
        if judging:
            await asyncio.wait(judging, timeout=seconds)

    async def end(self, result: Result, cause: str) -> None:
        """Nothing more will come from the server: answer and record what is under way."""
        self._between.definitions.close()
        for request in self._between.requests.all():
            if request.sent:
                await self._between.fail(request, result, cause)
            else:
                self._between.requests.take(request.call.message.id)
                await self._between.give_up(request)
                body = answers.error(request.call.message.id, answers.UPSTREAM_FAILED, f"upstream failed: {cause}")
                self._between.client.send(body)
