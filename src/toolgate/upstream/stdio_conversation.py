"""One running server process and everybody who waits for its messages."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from toolgate.background import complain
from toolgate.upstream.child import Child
from toolgate.upstream.stdio_answer import Fields, StdioAnswer
from toolgate.upstream.stdio_dialogue import Deliver, Dialogue, Say, SessionDialogue, Spoil, cancellation
from toolgate.upstream.stdio_messages import Glance, Id, Noise
from toolgate.wire.client import BadAnswer, ConnectFailed, Lost, TimedOut

_UNREAD: Final = 4 * 1024 * 1024
"""Bytes that may wait for one reader before the server has to wait, or the reader loses what it reads too slowly."""
_NOISE_SHOWN: Final = 200


@dataclass(slots=True, frozen=True)
class Program:
    """What is started for a server: `name` is the server's, for people; `errors` takes its standard error."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    errors: int


class Conversation:
    """A child with the dialogue that says who gets its messages. `start` makes one.

    `ended` is called once, when the process is gone.
    """

    def __init__(
        self, program: Program, dialogue: Dialogue[StdioAnswer], ended: Callable[[Conversation], None]
    ) -> None:
        self.place = f"server {program.name}"
        self.dialogue = dialogue
        self.heard = False
        """Whether a message of the server ever came: a process that ends before cannot start."""
        self.ending = False
        """Whether its end is ordered; nothing is asked of it from then on."""
        self.status: int | None = None
        self.used_at = asyncio.get_running_loop().time()
        self._program = program
        self._ended = ended
        self._child: Child | None = None
        self._crowded: set[StdioAnswer] = set()

    async def start(self) -> None:
        """Start the process; raises ChildFailed."""
        program = self._program
        self._child = await Child.start(
            program.command, program.environment, received=self._hear, ended=self._gone, errors=program.errors
        )

    @property
    def started(self) -> bool:
        """Whether there is a process."""
        return self._child is not None

    @property
    def child(self) -> Child:
        """The process."""
        assert self._child is not None
        return self._child

    @property
    def idle(self) -> bool:
        """Whether nobody waits for anything."""
        return not self.dialogue.askers and self._listener is None

    @property
    def _listener(self) -> StdioAnswer | None:
        return self.dialogue.listener if isinstance(self.dialogue, SessionDialogue) else None

    # --- for clients

    def reserve(self, question: Glance, fields: Fields | None = None) -> StdioAnswer:
        """Count in a request that the dialogue takes; `ask` must follow."""
        answer = StdioAnswer(self, self.place, question.id, fields or {}, stateless=question.stateless)
        for line in self.dialogue.ask(question, answer):
            answer.push(line)
        return answer

    async def ask(self, answer: StdioAnswer, body: bytes, deadline: float) -> StdioAnswer:
        """Send a request that was counted in; gives its answer as soon as it has begun. Raises UpstreamError.

        A cancelled call tells the server that nobody waits any more.
        """
        try:
            async with asyncio.timeout_at(deadline):
                await self._say(body)
                answer.said = True
                await answer.begun()
        except TimeoutError:
            answer.close()
            raise self._too_late(sent=answer.said) from None
        except BaseException:
            answer.close()
            raise
        return answer

    async def tell(self, body: bytes, deadline: float) -> None:
        """Say what needs no answer. Raises UpstreamError."""
        try:
            async with asyncio.timeout_at(deadline):
                await self._say(body)
        except TimeoutError:
            raise self._too_late(sent=False) from None
        self._used()

    def cancel(self, id_: Id) -> None:
        """End the waiting for a request that its client cancels."""
        answer = self.dialogue.forsake(id_)
        if answer is None:
            return
        if answer.started:
            answer.finish()
        else:
            answer.fail(Lost(self.place, "the client cancelled the request"))

    def listen(self, dialogue: SessionDialogue[StdioAnswer]) -> StdioAnswer:
        """Open the stream of the session."""
        answer = StdioAnswer(self, self.place, None, {})
        answer.open()
        for line in dialogue.listen(answer):
            answer.push(line)
        return answer

    def _too_late(self, *, sent: bool) -> TimedOut:
        return TimedOut(self.place, "no answer in time" if sent else "the server process reads nothing", sent=sent)

    async def _say(self, body: bytes) -> None:
        await self.child.drained()
        if self.status is not None or self.ending:
            raise ConnectFailed(self.place, "the server process has ended")
        self.child.send(body)

    # --- what answers report

    def left(self, answer: StdioAnswer) -> None:
        """A client went away."""
        self.relieved(answer)
        if answer.id is None:
            if isinstance(self.dialogue, SessionDialogue):
                self.dialogue.listener = None
        elif not answer.said:
            self.dialogue.forget(answer.id)
        elif self.dialogue.forsake(answer.id) is not None:
            self.child.send(cancellation(answer.id))
        self._used()

    def relieved(self, answer: StdioAnswer) -> None:
        """A reader caught up."""
        if answer in self._crowded:
            self._crowded.discard(answer)
            if not self._crowded:
                self.child.resume()

    # --- what the child reports

    def _hear(self, line: bytes) -> None:
        if not line.strip():
            return
        try:
            step = self.dialogue.hear(line)
        except Noise as noise:
            shown = line[:_NOISE_SHOWN].decode(errors="replace")
            complain(f"{self.place}: a line on its standard output {noise.cause}: {shown!r}")
            return
        self.heard = True
        if isinstance(step, Deliver):
            self._deliver(step)
        elif isinstance(step, Spoil):
            step.to.fail(BadAnswer(self.place, f"the answer {step.cause}"))
        elif isinstance(step, Say):
            self.child.send(step.line)

    def _deliver(self, step: Deliver[StdioAnswer]) -> None:
        answer = step.to
        answer.push(step.line, last=step.last, code=step.code)
        if step.last:
            self._used()
        elif answer.unread > _UNREAD:
            self._crowd(answer)

    def _crowd(self, answer: StdioAnswer) -> None:
        """A client reads too slowly. Its own server waits for it; a shared one must not, for the others' sake."""
        if isinstance(self.dialogue, SessionDialogue):
            self._crowded.add(answer)
            self.child.pause()
        else:
            self.left(answer)
            answer.fail(Lost(self.place, f"more than {_UNREAD} bytes of the answer were not read"))

    def _gone(self, status: int) -> None:
        self.status = status
        cause = "the gateway ended the server process" if self.ending else f"the server process ended: status {status}"
        listener = [] if self._listener is None else [self._listener]
        for answer in (*self.dialogue.askers, *listener):
            answer.fail(Lost(self.place, cause))
        self._ended(self)

    # --- the end

    async def end(self, grace: float) -> None:
        """End the process, and whatever it started; who waits is told that the answer is lost."""
        await self.child.close(grace)

    def _used(self) -> None:
        self.used_at = asyncio.get_running_loop().time()
