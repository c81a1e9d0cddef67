"""What the attacks of one module are aimed at: one recording upstream, and one grant for each policy."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from toolgate.audit.records import Decision

from .running import Answer, Gateway, Grant, Json, Received, Recorder, plain
from .speaking import connected


class Target:
    """Grants are made once and used again; each attack looks only at what was recorded since it `aim`ed."""

    def __init__(self, gateway: Gateway, recorder: Recorder) -> None:
        self.gateway = gateway
        self._recorder = recorder
        self._grants: dict[str, Grant] = {}
        self._aimed_at: Grant | None = None
        self._before = 0

    def aim(self, policy: Json, tools: Sequence[Json] = ()) -> Grant:
        """The grant with this policy on a server with these tools."""
        key = json.dumps([policy, tools])
        if key not in self._grants:
            self._grants[key] = self.gateway.grant(self.gateway.add_server(self._recorder.url, tools), policy)
        grant = self._aimed_at = self._grants[key]
        self._recorder.received.clear()
        self._before = len(grant.decisions())
        return grant

    async def post(self, body: bytes, *fields: str) -> Answer:
        """Send the body with the grant's token; `fields` replace or follow the usual lines of the head."""
        assert self._aimed_at is not None
        async with connected(self.gateway.port) as speaker:
            return await speaker.post(self._aimed_at, body, *fields)

    @property
    def decisions(self) -> list[Decision]:
        assert self._aimed_at is not None
        return self._aimed_at.decisions()[self._before :]

    @property
    def rules(self) -> list[str]:
        return [decision.rule for decision in self.decisions]

    @property
    def received(self) -> list[Received]:
        return self._recorder.received


@asynccontextmanager
async def attacked(gateway: Gateway) -> AsyncIterator[Target]:
    recorder = await Recorder(plain).start()
    yield Target(gateway, recorder)
    await recorder.stop()
