"""The acts of the tour, in the order in which they are played."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import anyio
import httpx2
from anyio import to_thread
from mcp import MCPError

from toolgate.demo import play as documents
from toolgate.demo.agent import Agent, Answer, agent, wrapped_agent
from toolgate.demo.play import Json, Play
from toolgate.demo.screen import Screen
from toolgate.demo.stage import CommandLine
from toolgate.errors import ToolgateError

POLICY = "agent"
LABEL = "tour"
CALLS = 11
ROOM = 25
"""Seconds of a calendar minute that eleven calls may need."""
LOOK_EVERY = 0.2
PATIENCE = 30.0
"""Seconds until a held call must have shown up among the approvals."""


class Unexpected(ToolgateError):
    """The tour showed something else than it says: the gateway or the tour is wrong."""


class Acts:
    """One tour: the same server and policy name throughout, one grant until it is revoked."""

    def __init__(self, screen: Screen, play: Play, command_line: CommandLine) -> None:
        self.screen = screen
        self.play_of = play
        self.command_line = command_line
        self.url = ""
        self.token = ""

    def set_up(self, upstream: str) -> None:
        """Register the server, store the policy, mint the grant."""
        name = self.play_of.server
        self.screen.step("A server, a policy, a grant", f"The {name} server listens on {upstream}.")
        add = ("server", "add", name, "--url", upstream, "--allow-private")
        self.screen.typed(*add)
        self.command_line.json(*add)
        self.screen.typed("policy", "add", POLICY, f"{POLICY}.json")
        self.command_line.policy(POLICY, self.play_of.policy)
        self.screen.document(self.play_of.policy)
        granted = self.mint(LABEL)
        self.screen.say(f"The agent gets a token and the address {granted['proxy_url']}.")
        self.url, self.token = granted["proxy_url"], granted["token"]

    def mint(self, label: str) -> Json:
        """A new grant of the server under the policy."""
        words = ("grant", "add", "--server", self.play_of.server, "--policy", POLICY, "--label", label)
        self.screen.typed(*words)
        return self.command_line.json(*words)

    def encore(self) -> tuple[str, str]:
        """The first policy again and a new grant, for the reader's own client: address and token."""
        self.command_line.policy(POLICY, self.play_of.policy)
        granted = self.mint("yours")
        return granted["proxy_url"], granted["token"]

    async def play(self, upstream: str, served: Path) -> None:
        """Every act, over connections of the official client: one of each protocol era, and one over stdio."""
        async with agent(self.url, self.token) as newest:
            await self.listing(newest, upstream)
            await self.first_calls(newest)
        async with agent(self.url, self.token, mode="legacy") as session:
            await self.changes(session)
            await self.approval(session)
            await self.revocation(session)
        await self.wrapped(served)
        self.records()

    async def listing(self, visitor: Agent, upstream: str) -> None:
        """What the server offers, and what the agent is shown."""
        async with agent(upstream, None) as direct:
            offered = await direct.tools()
        shown = await visitor.tools()
        self.screen.step("The agent sees less", f"Revision {visitor.revision}, `tools/list` from both sides:")
        rows = [("the server offers", " ".join(offered)), ("the agent is shown", " ".join(shown))]
        self.screen.table(("", ""), rows)
        self._must(self.play_of.hidden in offered and self.play_of.hidden not in shown, "the hidden tool is listed")

    async def first_calls(self, visitor: Agent) -> None:
        """A call that is allowed, one that a rule stops, one of a tool that the agent must not know of."""
        play = self.play_of
        self.screen.step("One call passes, three do not")
        await self._call(visitor, play.tool, play.allowed, denied=False)
        self.screen.say("The same tool with an argument that the policy forbids:")
        await self._call(visitor, play.tool, play.refused, denied=True)
        self.screen.say("An argument under a name that the tool does not declare:")
        await self._call(visitor, play.tool, play.misspelt, denied=True)
        self.screen.say("A hidden tool, which the agent guessed; a tool that does not exist is answered alike:")
        await self._call(visitor, play.hidden, play.hidden_arguments, denied=True)

    async def changes(self, session: Agent) -> None:
        """Five documents, one after the other, under one running session of the other protocol era."""
        play, change = self.play_of, self._change
        text = f"A session of revision {session.revision} is open. Each document holds from its next request on."
        self.screen.step("The policy changes while the agent works", text)
        await self._fresh_minute()
        change(documents.per_minute)
        await self._eleven(session)
        change(documents.per_sixty_seconds)
        await self._eleven(session)
        change(documents.with_a_reason)
        await self._call(session, play.tool, play.allowed, denied=True)
        change(documents.needs_a_person)
        await self._call(session, play.tool, play.allowed, denied=True)
        change(documents.everything_hidden)
        self.screen.say(f"`tools/list` now shows {len(await session.tools())} tools.")
        await self._call(session, play.hidden, play.hidden_arguments, denied=True)

    async def approval(self, session: Agent) -> None:
        """A call is held until a person agrees to it in a second terminal; the agent waits and gets its result."""
        play = self.play_of
        self.screen.step("A call waits for a person", "The agent calls, is told that it waits, and goes on waiting.")
        self._change(documents.agreed_by_a_person)
        answers: list[Answer] = []
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._held, session, answers)
            held = await self._pending()
            await self._typed("approval", "show", held)
            await self._typed("approval", "approve", held)
        self.screen.say("The call that was shown went on to the server; the waiting agent reads:")
        self.screen.call(play.tool, play.allowed, answers[0].denied, answers[0].text)
        self._must(not answers[0].denied, "an approved call was denied")

    async def _held(self, session: Agent, answers: list[Answer]) -> None:
        def told(message: str) -> None:
            self.screen.say(f"[dim]the agent hears:[/] {message}")

        answers.append(await session.call(self.play_of.tool, self.play_of.allowed, told))

    async def _pending(self) -> str:
        """The id of the held call, as soon as it is among the approvals."""
        with anyio.fail_after(PATIENCE):
            while True:
                (waiting,) = await to_thread.run_sync(self.command_line.lines, "approval", "list")
                if waiting:
                    return str(waiting[0]["id"])
                await anyio.sleep(LOOK_EVERY)

    async def _typed(self, *words: str) -> None:
        """A command in the second terminal, while the agent waits."""
        self.screen.typed(*words)
        printed = await to_thread.run_sync(self.command_line.text, *words)
        self.screen.verbatim(printed.rstrip())

    async def wrapped(self, served: Path) -> None:
        """The first policy in front of the same server over stdio, for a client that starts its servers itself."""
        play, folder = self.play_of, self.command_line.data.parent
        text = "Without a gateway process: `toolgate run` stands in the place of the server's own command."
        self.screen.step("The same policy over stdio", text)
        self.command_line.policy(POLICY, play.policy)
        command = ["python", "-m", play.module, "--root", str(served)]
        self.screen.typed("run", "-c", f"{POLICY}.json", "--", *command)
        file = str(folder / f"{POLICY}.json")
        wrapper = ["-m", "toolgate", "run", "--data", str(self.command_line.data), "-c", file, "--"]
        with (folder / "run.log").open("a") as log:
            async with wrapped_agent([sys.executable, *wrapper, sys.executable, *command[1:]], log) as local:
                self.screen.say(f"Revision {local.revision}; the agent is shown {' '.join(await local.tools())}.")
                await self._call(local, play.tool, play.allowed, denied=False)
                await self._call(local, play.tool, play.refused, denied=True)

    async def revocation(self, session: Agent) -> None:
        """The grant is taken away under the running session."""
        self.screen.step("The grant is revoked", "The command returns when the gateway refuses the token.")
        self.screen.typed("grant", "revoke", LABEL)
        self.command_line.text("grant", "revoke", LABEL)
        try:
            await session.call(self.play_of.tool, self.play_of.allowed)
        except (MCPError, httpx2.HTTPStatusError) as error:
            self.screen.say(f"[red]the agent's next request fails:[/] {error}")
        else:
            self._must(False, "a revoked grant was accepted")

    def records(self) -> None:
        """What the journal holds of it all, and that nobody touched it."""
        self.screen.step("The records", "One entry before every forwarded call, one after; the last decisions:")
        self.screen.typed("audit", "list", "--limit", "6")
        entries = self.command_line.lines("audit", "list", "--limit", "6")
        # Requests without a valid grant are recorded in sum; here the decisions are shown.
        rows = [_row(entry) for entry in entries if entry["kind"] == "decision"]
        self.screen.table(("outcome", "tool or method", "rule", "message"), rows)
        self.screen.typed("audit", "verify")
        self.screen.verbatim(self.command_line.text("audit", "verify").rstrip())

    async def _call(self, visitor: Agent, tool: str, arguments: Json, denied: bool) -> None:
        answer = await visitor.call(tool, arguments)
        self.screen.call(tool, arguments, answer.denied, answer.text)
        self._must(answer.denied is denied, f"`{tool}` was {'allowed' if denied else 'denied'}")

    async def _eleven(self, session: Agent) -> None:
        play = self.play_of
        answers = [await session.call(play.tool, play.allowed) for _ in range(CALLS)]
        passed = sum(not answer.denied for answer in answers)
        self.screen.say(f"{CALLS} calls of `{play.tool}`: the first {passed} pass. The last one reads:")
        self.screen.call(play.tool, play.allowed, answers[-1].denied, answers[-1].text)
        self._must(passed == CALLS - 1 and answers[-1].denied, "the limit of ten calls did not hold")

    def _change(self, written: Callable[[Play], Json]) -> None:
        document = written(self.play_of)
        self.screen.say(f"\n[bold]{written.__doc__}[/]")
        self.screen.document(document)
        self.screen.typed("policy", "add", POLICY, f"{POLICY}.json")
        self.command_line.policy(POLICY, document)

    async def _fresh_minute(self) -> None:
        """Calendar windows turn at the boundary: begin early enough that eleven calls fall into one minute."""
        left = 60 - time.time() % 60
        if left < ROOM:
            self.screen.say(f"[dim]waiting {left:.0f} s for the next minute, so that it does not turn in between[/]")
            await anyio.sleep(left)

    def _must(self, held: bool, otherwise: str) -> None:
        if not held:
            raise Unexpected("tour", otherwise, f"see {self.command_line.data.parent}")


def _row(entry: Json) -> tuple[str, ...]:
    return entry["outcome"], entry["tool"] or entry["method"], entry["rule"], entry["message"]
