"""One run of one case: its stubs, its grants where there is a gateway, and its agents."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Literal

import aiohttp

from toolgate.attacks.agent import Agent, connection
from toolgate.attacks.case import Case, Effect, Step
from toolgate.attacks.host import find_play, make_stub
from toolgate.attacks.stage import Stage, allow_all
from toolgate.attacks.stubs.stub import Stub
from toolgate.audit.reader import Position
from toolgate.audit.records import AnyEntry, Decision

Variant = Literal["bare", "guarded", "wrong", "benign", "companion"]
"""Without the gateway; behind it with the recommended policy; with the tempting one; honest work behind the
recommended one; with the companion control."""
USUAL = "agent"


@dataclass(slots=True, frozen=True)
class Door:
    """Where one agent reaches one server, and what it shows there. `grant_id` "" where there is no gateway."""

    url: str
    headers: dict[str, str]
    grant_id: str = ""
    server_id: str = ""


class Scene:
    """What a play works with."""

    def __init__(self, stage: Stage, case: Case, variant: Variant, stack: AsyncExitStack) -> None:
        self.stage = stage
        self.case = case
        self.variant = variant
        self.stubs: dict[str, Stub] = {}
        self.doors: dict[tuple[str, str], Door] = {}
        self.noted: dict[str, list[str]] = {}
        """What the play itself saw, for effects whose `server` is empty."""
        self._stack = stack
        self._agents: dict[str, Agent] = {}
        self._since: dict[str, Position] = {}

    @property
    def behind_gateway(self) -> bool:
        """Whether the agents come through the gateway."""
        return self.variant != "bare"

    def note(self, effect: str, entry: str) -> None:
        """Keep what the play saw."""
        self.noted.setdefault(effect, []).append(entry)

    def shows(self, effect: Effect) -> bool:
        """Whether an effect can be seen now."""
        return effect.holds(self.stubs[effect.server].noted if effect.server else self.noted)

    def door(self, server: str, grant: str = USUAL) -> Door:
        """Where a grant's agent reaches a server."""
        return self.doors[grant, server]

    def agent(self, grant: str = USUAL) -> Agent:
        """The gullible agent of a grant; the same one for the whole run."""
        if grant not in self._agents:
            agent = Agent(
                lambda server: connection(self.door(server, grant).url, self.door(server, grant).headers), self.owner
            )
            self._stack.push_async_callback(agent.close)
            self._agents[grant] = agent
        return self._agents[grant]

    def owner(self, tool: str) -> str:
        """The server of the case that has a tool; the first one for a name that none has."""
        owners = [name for name, stub in self.stubs.items() if any(tool == one["name"] for one in stub.definitions())]
        return next(iter(owners or self.stubs))

    async def post(
        self, server: str, body: bytes, grant: str = USUAL, *, method: str = "POST", **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        """One HTTP request as no client would send it: status, headers in lower case, body. `x_y` is the header x-y."""
        door = self.door(server, grant)
        usual = {"content-type": "application/json", "accept": "application/json, text/event-stream", **door.headers}
        sent = {name.lower(): text for name, text in usual.items()}
        sent |= {name.replace("_", "-"): text for name, text in headers.items()}
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, door.url, data=body, headers=sent) as answer,
        ):
            return answer.status, {name.lower(): text for name, text in answer.headers.items()}, await answer.read()

    def recorded(self) -> list[AnyEntry]:
        """Everything in the journal since the run began, of other runs' grants nothing."""
        own = {door.grant_id for door in self.doors.values()}
        return [
            entry
            for entry in self.stage.recorded(self._since)
            if not isinstance(entry, Decision) or entry.grant_id in own
        ]

    def decisions(self) -> list[Decision]:
        """The decisions on this run's calls."""
        return [entry for entry in self.recorded() if isinstance(entry, Decision)]

    async def carry_out(self, steps: list[Step]) -> None:
        """What the agents of these steps do, in order."""
        for step in steps:
            agent = self.agent(step.grant)
            if step.list:
                await agent.tools(step.list, obey=step.obey)
            for _ in range(step.times if step.call else 0):
                await agent.call(step.server or self.owner(step.call), step.call, step.arguments, obey=step.obey)

    async def play(self) -> None:
        """The whole run: the case's play where it has one, else its steps."""
        if self.case.play:
            await find_play(self.case.play)(self)
        else:
            await self.carry_out(self.case.benign.steps if self.variant == "benign" else self.case.steps)

    async def prepare(self) -> None:
        """Start the stubs and, behind a gateway, register them and make the grants."""
        name = self.stage.fresh()
        for server, asked in self.case.servers.items():
            folder = self.stage.folder / f"{name}-{server}"
            folder.mkdir()
            stub = self.stubs[server] = make_stub(asked.stub, folder, asked.options)
            url = await self._stack.enter_async_context(self.stage.host.mounted(f"{name}-{server}", stub))
            self._admit(server, f"{name}-{server}", url)
        if self.behind_gateway:
            self.stage.settle()
            self._since = self.stage.position()

    def _admit(self, server: str, name: str, url: str) -> None:
        """The doors of every agent to one server."""
        labels = {USUAL: {}, **{grant: terms.labels for grant, terms in self.case.grants.items()}}
        if not self.behind_gateway:
            self.doors |= {(grant, server): Door(url, {}) for grant in labels}
            return
        asked = self.case.servers[server]
        server_id = self.stage.register(name, url, self.stubs[server].definitions(), pin=asked.pin)
        for grant, said in labels.items():
            minted = self.stage.grant(server_id, f"{name}-{grant}", self._document(server), said)
            token = {"authorization": f"Bearer {minted.token}"}
            at = f"{self.stage.address}/mcp/{server_id}/"
            self.doors[grant, server] = Door(at, token, minted.grant.id, server_id)

    def _document(self, server: str) -> str:
        wrong = self.case.wrong.policies.get(server) if self.variant == "wrong" else None
        return wrong or self.case.policies.get(server) or allow_all()


@asynccontextmanager
async def scene(stage: Stage, case: Case, variant: Variant) -> AsyncIterator[Scene]:
    """A run that is ready to be played; everything that it started ends with the block."""
    async with AsyncExitStack() as stack:
        made = Scene(stage, case, variant, stack)
        await made.prepare()
        yield made
