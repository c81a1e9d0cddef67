"""A stdio server as an upstream for one short conversation, with an ear for what it says beside it.

The gateway's own way to stdio servers (`upstream/stdio.py`) passes noise and complaints on to the log as they come. A
scan keeps a little of both: noise is a finding, and the last complaint says why a server died.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from typing import Final

import msgspec

from toolgate.scanner.targets import Started
from toolgate.upstream.child import Child, ChildFailed
from toolgate.upstream.interface import Answer, Header
from toolgate.upstream.stdio_answer import Immediate
from toolgate.upstream.stdio_messages import Glance, Id, Noise, glance
from toolgate.wire.client import BadAnswer, ConnectFailed, Lost, TimedOut

_GRACE: Final = 0.5
_PATIENCE: Final = 0.4
"""The part of its time that a server has to answer a request without handshake; most servers know none."""
_ERRORS: Final = 4_000
"""Bytes of standard error that are kept, the last ones."""
_NOISE: Final = 200
_OUTPUT: Final = 48 * 1024 * 1024
"""Bytes that a server may say in all, noise included."""


class Process:
    """One server process, asked one thing at a time. Nothing of it is left when `close` returns."""

    place: Final = "its program"

    def __init__(self, started: Started) -> None:
        self.noise = 0
        """Lines on standard output that were no messages."""
        self.first_noise = ""
        self._started = started
        self._child: Child | None = None
        self._waiting: dict[Id, asyncio.Future[bytes]] = {}
        self._complaints = bytearray()
        self._said = 0
        self._answered = False
        self._ended = ""
        self._errors: asyncio.ReadTransport | None = None

    async def send(self, method: str, headers: Sequence[Header], body: bytes, timeout: float) -> Answer:
        """One exchange, as the interface says; ending a session ends nothing, as `close` follows."""
        del headers  # those of HTTP mean nothing to a process
        if method != "POST":
            return Immediate(200)
        message = glance(body)
        if message.method == "initialize":
            await self._begin_anew()
        child = await self._running()
        if message.id is None:
            child.send(body)
            return Immediate(202)
        patience = _PATIENCE if message.stateless else 1.0
        return await self._asked(child, message, body, timeout * patience)

    async def _asked(self, child: Child, message: Glance, body: bytes, seconds: float) -> Answer:
        assert message.id is not None
        answer = self._waiting[message.id] = asyncio.get_running_loop().create_future()
        child.send(body)
        try:
            async with asyncio.timeout(seconds):
                line = await answer
        except TimeoutError:
            if message.stateless:  # it may wait for a handshake, or still be starting
                return Immediate(400)
            raise TimedOut(self.place, f"does not answer within {seconds:g} s{self.complaint()}", sent=True) from None
        except Lost:
            if message.stateless:
                return Immediate(400)
            raise
        finally:
            self._waiting.pop(message.id, None)
        return Immediate(200, line)

    async def _begin_anew(self) -> None:
        """A process that has answered or ended is replaced: a refused request may have spoiled it for a handshake."""
        if self._child is not None and (self._answered or self._ended):
            await self._end()
        self._answered, self._ended = False, ""

    async def _running(self) -> Child:
        if self._child is None:
            self._child = await self._start()
        if self._ended:
            raise Lost(self.place, self._ended + self.complaint())
        return self._child

    async def _start(self) -> Child:
        reading, writing = os.pipe()
        loop = asyncio.get_running_loop()
        pipe = os.fdopen(reading, "rb", buffering=0)
        self._errors, _ = await loop.connect_read_pipe(lambda: _Ear(self._complaints), pipe)
        way = self._started
        try:
            return await Child.start(
                way.command,
                way.environment,
                received=self._hear,
                ended=self._gone,
                errors=writing,
                directory=way.directory,
            )
        except ChildFailed as error:
            raise ConnectFailed(self.place, error.cause) from None
        finally:
            os.close(writing)

    # --- what it says

    def _hear(self, line: bytes) -> None:
        self._said += len(line) + 1
        if self._said > _OUTPUT:
            self._fail(BadAnswer(self.place, f"says more than {_OUTPUT} bytes"))
            return
        if not line.strip():
            return
        try:
            self._take(glance(line), line)
        except Noise as noise:
            self._note(line)
            answer = None if noise.answers is None else self._waiting.get(noise.answers)
            if answer is not None and not answer.done():
                answer.set_exception(BadAnswer(self.place, f"the answer {noise.cause}"))

    def _take(self, message: Glance, line: bytes) -> None:
        if message.kind == "answer":
            answer = self._waiting.get(message.id) if message.id is not None else None
            if answer is not None and not answer.done():
                self._answered = True
                answer.set_result(line)
        elif message.kind == "request" and self._child is not None:
            self._child.send(_refusal(message))

    def _note(self, line: bytes) -> None:
        self.noise += 1
        self.first_noise = self.first_noise or line[:_NOISE].decode(errors="replace")

    def _gone(self, status: int) -> None:
        self._ended = f"ended with status {status}"
        self._fail(Lost(self.place, self._ended + self.complaint()))

    def _fail(self, error: Exception) -> None:
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(error)

    def complaint(self) -> str:
        """The last thing that the server wrote to standard error, as the end of a sentence."""
        lines = self._complaints.decode(errors="replace").split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), "")
        return f"; its last words: {last[:300]}" if last else ""

    # --- the end

    def retire(self) -> None:
        """Nothing is begun without a request."""

    async def close(self) -> None:
        """End the process and whatever it started."""
        await self._end()

    async def _end(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            await child.close(_GRACE)
        if self._errors is not None:
            self._errors.close()
            self._errors = None


class _Ear(asyncio.Protocol):
    """Takes what a server writes to standard error and keeps the end of it."""

    def __init__(self, kept: bytearray) -> None:
        self._kept = kept

    def data_received(self, data: bytes) -> None:
        self._kept += data
        del self._kept[:-_ERRORS]


def _refusal(message: Glance) -> bytes:
    """A scan is no client to ask anything of; it only says that it is there."""
    answer: dict[str, object] = {"jsonrpc": "2.0", "id": message.id}
    if message.method == "ping":
        return msgspec.json.encode({**answer, "result": {}})
    return msgspec.json.encode({**answer, "error": {"code": -32601, "message": "a scan answers nothing"}})
