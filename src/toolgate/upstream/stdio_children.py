"""The processes of one server: not too many, not again at once when they cannot start, ended when nobody needs them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from toolgate.background import complain
from toolgate.upstream.child import ChildFailed
from toolgate.upstream.stdio_answer import StdioAnswer
from toolgate.upstream.stdio_conversation import Conversation, Program
from toolgate.upstream.stdio_dialogue import Dialogue, SharedDialogue
from toolgate.upstream.stdio_errors import ErrorLines
from toolgate.wire.client import ConnectFailed, PoolFull


@dataclass(slots=True, frozen=True)
class ChildLimits:
    """What one server may take of the machine. Durations are in seconds."""

    processes: int = 32
    idle: float = 600.0
    """Without request or stream, after which a process is ended."""
    yields_after: float = 10.0
    """Without request or stream, after which the process of a session makes room where there are enough."""
    grace: float = 2.0
    """To leave after the end of its input, and again after TERM."""
    backoff: float = 0.5
    """After a process that ended before it said anything; doubled each time."""
    backoff_max: float = 30.0


class Children:
    """Every process of one server. `ended` is told of each one that is gone."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        limits: ChildLimits,
        ended: Callable[[Conversation], None],
    ) -> None:
        self.place = f"server {name}"
        self._name = name
        self._command = command
        self._environment = environment
        self._limits = limits
        self._ended = ended
        self._errors = ErrorLines(name)
        self._running: set[Conversation] = set()
        """From the start to the last breath: a process that is being ended still takes its place."""
        self._endings: set[asyncio.Task[None]] = set()
        self._failures = 0
        self._not_before = 0.0
        self._retired = False
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._running)

    async def start(self, dialogue: Dialogue[StdioAnswer]) -> Conversation:
        """One more process; raises ConnectFailed (also for a while after failures) and PoolFull."""
        while len(self._running) >= self._limits.processes:
            await self._make_room()
        self._check()
        program = Program(self._name, self._command, self._environment, await self._errors.descriptor())
        conversation = Conversation(program, dialogue, self._gone)
        self._running.add(conversation)
        try:
            await conversation.start()
        except ChildFailed as error:
            self._running.discard(conversation)
            self._failed(f"{error.cause} ({error.mend})")
            raise ConnectFailed(self.place, "its program cannot be started") from None
        except BaseException:  # nobody waits for it any more: the child ends itself, and its place is free
            self._running.discard(conversation)
            raise
        if self._retired:  # meanwhile
            self.end(conversation)
            self._check()
        self._watch()
        return conversation

    def _check(self) -> None:
        if self._retired:
            raise ConnectFailed(self.place, "it was changed or removed a moment ago")
        if asyncio.get_running_loop().time() < self._not_before:
            raise ConnectFailed(self.place, "its program ended at once, and is not started again so soon")

    async def _make_room(self) -> None:
        """End the process that nobody has used for longest; which client was its, has to begin anew."""
        now = asyncio.get_running_loop().time()
        unused = [one for one in self._running if self._unused(one, now, self._patience(one))]
        if not unused:
            raise PoolFull(self.place, f"{self._limits.processes} processes of it run, and all are in use")
        await self.end(min(unused, key=lambda one: one.used_at))

    def _patience(self, conversation: Conversation) -> float:
        """A shared process is nobody's in particular, so it yields at once."""
        return 0.0 if isinstance(conversation.dialogue, SharedDialogue) else self._limits.yields_after

    def end(self, conversation: Conversation) -> asyncio.Task[None]:
        """Have a process ended, which is asked nothing from now on; the task is done when it is gone."""
        conversation.ending = True
        ending = asyncio.create_task(conversation.end(self._limits.grace))
        self._endings.add(ending)
        ending.add_done_callback(self._endings.discard)
        return ending

    def _unused(self, conversation: Conversation, now: float, seconds: float) -> bool:
        over = conversation.started and conversation.idle and not conversation.ending
        return over and now - conversation.used_at >= seconds

    # --- what becomes of them

    def _gone(self, conversation: Conversation) -> None:
        self._running.discard(conversation)
        if not conversation.ending:
            self._report(conversation)
        self._ended(conversation)

    def _report(self, conversation: Conversation) -> None:
        if conversation.heard:
            self._failures = 0
            complain(f"{self.place}: its program ended with status {conversation.status}")
        else:
            self._failed(f"its program ended with status {conversation.status} before it said anything")

    def _failed(self, cause: str) -> None:
        wait = min(self._limits.backoff * 2**self._failures, self._limits.backoff_max)
        self._failures = min(self._failures + 1, 16)
        self._not_before = asyncio.get_running_loop().time() + wait
        complain(f"{self.place}: {cause}; not started again for {wait:g} s")

    def _watch(self) -> None:
        if self._timer is None and self._running:
            interval = 0.5 if self._retired else min(self._limits.idle / 4, 30.0)
            self._timer = asyncio.get_running_loop().call_later(interval, self._sweep)

    def _sweep(self) -> None:
        self._timer = None
        now = asyncio.get_running_loop().time()
        for conversation in tuple(self._running):
            if self._unused(conversation, now, 0.0 if self._retired else self._limits.idle):
                self.end(conversation)
        self._watch()

    # --- the end of all

    def retire(self) -> None:
        """Start nothing more; each process is ended as soon as nobody waits for it."""
        self._retired = True
        if self._timer is not None:
            self._timer.cancel()
        self._sweep()

    async def close(self) -> None:
        """End every process; returns when all are gone."""
        self._retired = True
        if self._timer is not None:
            self._timer.cancel()
        await asyncio.gather(*(self.end(one) for one in tuple(self._running) if one.started))
        self._errors.close()
