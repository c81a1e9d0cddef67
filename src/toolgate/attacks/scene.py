"""One run of one case: its stubs, its grants where there is a gateway, and its agents."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from toolgate.attacks.agent import Agent, Spoken, connection, loopback
from toolgate.attacks.case import Case, Effect, Step, StubServer
from toolgate.attacks.door import Door
from toolgate.attacks.dressing import Dressed, Fit, fits
from toolgate.attacks.host import find_play, make_stub
from toolgate.attacks.stage import ACTOR, Stage, allow_all
from toolgate.attacks.stubs.stub import Arguments, Definition, Stub
from toolgate.audit.reader import Position
from toolgate.audit.records import AnyEntry, Decision, Outcome
from toolgate.store.approvals import ApprovalStore

Variant = Literal["bare", "guarded", "wrong", "benign", "companion"]
"""Without the gateway; behind it with the recommended policy, or somebody's own; with the tempting one; honest work
behind the recommended one; with the companion control."""
USUAL: Final = "agent"
_LOOKS: Final = 250
_PAUSE: Final = 0.02
_ENDING: Final = frozenset({"tools/list", "tools/call"})
"""What has an ending soon, as a stream has not."""


@dataclass(slots=True, frozen=True)
class OwnPolicy:
    """Somebody's own policy (JSON text), the tools of the server that it is for, and pairs of tools that they chose.

    `chosen` names a tool of theirs for one of a stub.
    """

    document: str
    tools: Sequence[Definition] = ()
    chosen: Mapping[str, str] = field(default_factory=dict)


class Scene:
    """What a play works with."""

    def __init__(
        self, stage: Stage, case: Case, variant: Variant, stack: AsyncExitStack, own: OwnPolicy | None = None
    ) -> None:
        self.stage = stage
        self.case = case
        self.variant = variant
        self.stubs: dict[str, Stub] = {}
        self.doors: dict[tuple[str, str], Door] = {}
        self.urls: dict[str, str] = {}
        """Where each stub itself listens: the way around the gateway."""
        self.noted: dict[str, list[str]] = {}
        """What the play itself saw, for effects whose `server` is empty."""
        self.fitted: dict[str, dict[str, Fit]] = {}
        """By server, the tools of somebody's own server that stand for a stub's."""
        self._own = own
        self._stack = stack
        self._agents: dict[str, Agent] = {}
        self._since: dict[str, Position] = {}

    @property
    def behind_gateway(self) -> bool:
        """Whether the agents come through the gateway."""
        return self.variant != "bare"

    @property
    def steps(self) -> list[Step]:
        """The steps of honest work where this is it, else those of the attack."""
        return self.case.benign.steps if self.variant == "benign" else self.case.steps

    def note(self, effect: str, entry: str) -> None:
        """Keep what the play saw."""
        self.noted.setdefault(effect, []).append(entry)

    def shows(self, effect: Effect) -> bool:
        """Whether an effect can be seen now."""
        return effect.holds(self.stubs[effect.server].noted if effect.server else self.noted)

    def door(self, server: str, grant: str = USUAL) -> Door:
        """Where a grant's agent reaches a server."""
        return self.doors[grant, server]

    def way_in(self, server: str) -> Door:
        """The usual agent's door; where the tempting mistake is played, the server itself, past the gateway."""
        return Door(self.urls[server], {}) if self.variant == "wrong" else self.door(server)

    def agent(self, grant: str = USUAL) -> Agent:
        """The gullible agent of a grant; the same one for the whole run."""
        if grant not in self._agents:
            doors = {server: self.door(server, grant) for server in self.stubs}
            agent = Agent(lambda server: connection(doors[server].url, doors[server].headers), self.owner, self._spoken)
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
        async with loopback() as http:
            answer = await http.request(method, door.url, content=body, headers=sent)
        return answer.status_code, dict(answer.headers), answer.content

    def recorded(self) -> list[AnyEntry]:
        """Everything in the journal since the run began, of other runs' grants nothing."""
        own = self._grants()
        return [
            entry
            for entry in self.stage.recorded(self._since)
            if not isinstance(entry, Decision) or entry.grant_id in own
        ]

    def decisions(self) -> list[Decision]:
        """The decisions on this run's calls."""
        return [entry for entry in self.recorded() if isinstance(entry, Decision)]

    def approve(self) -> int:
        """Approve each call of this run that waits for a person, as one at a terminal does; returns how many."""
        own = self._grants()
        with closing(ApprovalStore(self.stage.data)) as store:
            waiting = [each for each in store.every(["pending"]) if each.grant_id in own]
            for each in waiting:
                store.decide(each.id, "approved", ACTOR)
        return len(waiting)

    def _grants(self) -> set[str]:
        return {door.grant_id for door in self.doors.values()}

    async def settle(self) -> None:
        """Return when what inspection did to each answer is on file, written after the answer by another process.

        Not later than in a few seconds: what is missing then is for the checks to find.
        """
        for _ in range(_LOOKS if self.behind_gateway and self.case.checked_by == "inspection" else 0):
            ended = {entry.decision_id for entry in self.recorded() if isinstance(entry, Outcome)}
            calls = [each for each in self.decisions() if each.outcome == "allow" and each.method in _ENDING]
            if all(call.decision_id in ended for call in calls):
                return
            await asyncio.sleep(_PAUSE)

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
            await self.carry_out(self.steps)

    async def prepare(self) -> None:
        """Start the stubs and, behind a gateway, register them and make the grants."""
        name = self.stage.fresh()
        for server, asked in self.case.servers.items():
            folder = self.stage.folder / f"{name}-{server}"
            folder.mkdir()
            self.stubs[server] = make_stub(asked.stub, folder, self._options(asked))
            stub = self._dressed(server)
            url = await self._stack.enter_async_context(self.stage.host.mounted(f"{name}-{server}", stub))
            self.urls[server] = url
            self._admit(server, f"{name}-{server}", url, stub)
        if self.behind_gateway:
            self.stage.settle()
            self._since = self.stage.position()

    def _dressed(self, server: str) -> Stub:
        """The stub, with the tools of somebody's own server where it is their policy that is tried."""
        stub = self.stubs[server]
        if self._own is None:
            return stub
        needed = self.case.tools
        tools = sorted(stub.definitions(), key=lambda tool: tool["name"] not in needed)
        self.fitted[server] = fits(tools, self._own.tools, self._own.chosen)
        return Dressed(stub, self.fitted[server])

    def _spoken(self, server: str, tool: str, arguments: Arguments) -> Spoken:
        fit = self.fitted.get(server, {}).get(tool)
        return (tool, arguments) if fit is None else (fit.name, fit.outward(arguments))

    def _options(self, asked: StubServer) -> dict[str, Any]:
        """How the stub is made: with the companion control where that is what is played."""
        return asked.options | (asked.companion if self.variant == "companion" else {})

    def _admit(self, server: str, name: str, url: str, stub: Stub) -> None:
        """The doors of every agent to one server."""
        labels = {USUAL: {}, **{grant: terms.labels for grant, terms in self.case.grants.items()}}
        if not self.behind_gateway:
            self.doors |= {(grant, server): Door(url, {}) for grant in labels}
            return
        asked = self.case.servers[server]
        server_id = self.stage.register(name, url, stub.definitions(), pin=asked.pin)
        for grant, said in labels.items():
            minted = self.stage.grant(server_id, f"{name}-{grant}", self._document(server), said)
            token = {"authorization": f"Bearer {minted.token}"}
            at = f"{self.stage.address}/mcp/{server_id}/"
            self.doors[grant, server] = Door(at, token, minted.grant.id, server_id)

    def _document(self, server: str) -> str:
        if self._own is not None:
            return self._own.document
        wrong = self.case.wrong.policies.get(server) if self.variant == "wrong" else None
        return wrong or self.case.policies.get(server) or allow_all()


@asynccontextmanager
async def scene(stage: Stage, case: Case, variant: Variant, own: OwnPolicy | None = None) -> AsyncIterator[Scene]:
    """A run that is ready to be played; everything that it started ends with the block."""
    async with AsyncExitStack() as stack:
        made = Scene(stage, case, variant, stack, own)
        await made.prepare()
        yield made
