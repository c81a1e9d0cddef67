"""A closed loop of `tools/call`: each connection has a session of its own and calls again as soon as it is answered.

It understands just what answers to a call look like: a body of known length, or chunks, in JSON or as an event stream.
Each call carries a note of its own; an answer without that note, or with an error, is wrong, and so is none.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import urlsplit

from bench.side_by_side.session import Session
from bench.side_by_side.work import FILLER, call

END_OF_CHUNKS = b"\r\n0\r\n\r\n"
LENGTH = b"\r\ncontent-length:"
PATIENCE = 120  # seconds for the last answers: the slowest gateway needs 20 on a busy machine
END_OF_TEXT = FILLER[-100:].encode()


@dataclass
class Budget:
    """When to stop: after so many calls, or at a moment of `time.perf_counter`."""

    calls: int
    until: float
    number: int = 10_000_000

    def next(self) -> int | None:
        """The number of the next call."""
        if self.calls <= 0 or time.perf_counter() >= self.until:
            return None
        self.calls -= 1
        self.number += 1
        return self.number


@dataclass
class Tally:
    """What came back: waits in seconds, and the answers that were wrong."""

    waits: list[float] = field(default_factory=list)
    wrong: list[bytes] = field(default_factory=list)
    wall: float = 0.0
    cpu: float = 0.0


class Caller(asyncio.Protocol):
    """One keep-alive connection with one call under way."""

    def __init__(self, session: Session, budget: Budget, tally: Tally, done: asyncio.Future[None]) -> None:
        self.session, self.budget, self.tally, self.done = session, budget, tally, done
        parts = urlsplit(session.url)
        headers = {"host": parts.netloc, **session.headers_of("tools/call", session.tool)}
        lines = [f"POST {parts.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        self.head = "\r\n".join(lines).encode()
        self.got = b""
        self.waiting = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._next()

    def _next(self) -> None:
        if (number := self.budget.next()) is None:
            self.transport.close()
            return
        self.note = b"call %d]" % number
        body = call(self.session.tool, number, self.session.meta)
        self.waiting = True
        self.sent = time.perf_counter()
        self.transport.write(b"%b\r\ncontent-length: %d\r\n\r\n%b" % (self.head, len(body), body))

    def data_received(self, data: bytes) -> None:
        self.got = self.got + data if self.got else data
        if _complete(self.got):
            self.tally.waits.append(time.perf_counter() - self.sent)
            if self.note not in self.got or b'isError":true' in self.got or END_OF_TEXT not in self.got:
                self.tally.wrong.append(self.got)
            self.got, self.waiting = b"", False
            self._next()

    def connection_lost(self, error: Exception | None) -> None:
        if self.waiting:
            self.tally.wrong.append(self.got or f"hung up without an answer: {error}".encode())
        if not self.done.done():
            self.done.set_result(None)


def _complete(got: bytes) -> bool:
    head, found, body = got.partition(b"\r\n\r\n")
    if not found:
        return False
    lower = head.lower()
    start = lower.find(LENGTH)
    if start < 0:
        return got.endswith(END_OF_CHUNKS)
    end = lower.find(b"\r\n", start + len(LENGTH))
    return len(body) >= int(lower[start + len(LENGTH) : end if end > 0 else None])


async def _one(session: Session, budget: Budget, tally: Tally) -> None:
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    parts = urlsplit(session.url)
    assert parts.hostname
    assert parts.port
    await loop.create_connection(lambda: Caller(session, budget, tally, done), parts.hostname, parts.port)
    await done


async def closed_loop(sessions: list[Session], calls: int, seconds: float) -> Tally:
    """Call through all sessions at once, at most `calls` in all and not longer than `seconds`."""
    tally = Tally()
    start, cpu = time.perf_counter(), time.process_time()
    budget = Budget(calls, start + seconds)
    async with asyncio.timeout(seconds + PATIENCE):
        await asyncio.gather(*(_one(session, budget, tally) for session in sessions))
    tally.wall, tally.cpu = time.perf_counter() - start, time.process_time() - cpu
    return tally
