"""Carries lines between the client and the server until one of them ends, and then ends the other."""

from __future__ import annotations

import asyncio
import signal
from collections import deque
from typing import Final, Protocol

from toolgate.background import complain
from toolgate.gateway.stdio import Conversation
from toolgate.gateway.stdio_client import Client
from toolgate.protocol.malformed import MessageId
from toolgate.upstream.lines import Failure, LineTooLong

_GRACE: Final = 2.0
"""Seconds that calls have to be judged after the client's last line, and a server to leave."""
_HASTE: Final = 0.1
"""The same where a signal told us to go: who sends one sends the next soon, and KILL leaves no time for records."""
_BUFFERED: Final = 4 * 1024 * 1024
"""Bytes of a server that may wait here; beyond that it has to."""


Failed = tuple[MessageId, Failure]


class Peer(Protocol):
    """The server, whatever it is behind."""

    def send(self, line: bytes) -> None:
        """Queue one message."""

    async def drained(self) -> None:
        """Return when it takes more."""

    def pause(self) -> None:
        """Read no further for now."""

    def resume(self) -> None:
        """Read on."""

    async def close(self, grace: float) -> int:
        """End it; returns its status, negative for a signal."""


class Inbox:
    """Lines of the server that were not looked at yet, in order. One that waits too long makes the server wait."""

    def __init__(self) -> None:
        self._lines: deque[bytes | Failed] = deque()
        self._size = 0
        self._something = asyncio.Event()
        self._ended = False
        self._paused = False
        self._full = False
        self.server: Peer | None = None
        self.status = 0

    def received(self, line: bytes) -> None:
        """Called by the server's end."""
        self._lines.append(line)
        self._size += len(line)
        self._something.set()
        self._balance()

    def failed(self, message_id: MessageId, failure: Failure) -> None:
        """A request will get no answer; called by the server's end, in order with its lines."""
        self._lines.append((message_id, failure))
        self._something.set()

    def ended(self, status: int) -> None:
        """Called by the server's end, after its last line."""
        self.status = status
        self._ended = True
        self._something.set()

    def client_full(self, full: bool) -> None:
        """The client does not read fast enough, or does again."""
        self._full = full
        self._balance()

    async def next(self) -> bytes | Failed | None:
        """The next line or failure; None after the last."""
        while not self._lines:
            if self._ended:
                return None
            self._something.clear()
            await self._something.wait()
        line = self._lines.popleft()
        if isinstance(line, bytes):
            self._size -= len(line)
        self._balance()
        return line

    def _balance(self) -> None:
        wanted = self._full or self._size > _BUFFERED
        if wanted == self._paused or self.server is None:
            return
        self._paused = wanted
        if wanted:
            self.server.pause()
        else:
            self.server.resume()


async def carry(conversation: Conversation, client: Client, server: Peer, inbox: Inbox) -> int:
    """Pass messages on until one side ends, then end the other one."""
    upward = asyncio.create_task(_client_lines(conversation, client))
    downward = asyncio.create_task(_server_lines(conversation, inbox))
    leaving = asyncio.create_task(client.left.wait())
    told = asyncio.create_task(_signalled())
    await asyncio.wait((upward, downward, leaving, told), return_when=asyncio.FIRST_COMPLETED)
    by_client = not downward.done()
    if by_client:
        await conversation.take_back_held()
        if upward.done():
            await conversation.settled(_GRACE)
        await server.close(_HASTE if told.done() else _GRACE)
    await downward
    for task in (upward, leaving, told):
        task.cancel()
    await asyncio.wait((upward, leaving, told))
    status = inbox.status
    cause = f"the server ended with status {status}" if status >= 0 else f"the server was ended by signal {-status}"
    await conversation.end("client_gone" if by_client else "lost", cause)
    if not upward.cancelled():
        upward.result()  # raises what nobody foresaw
    return status if status >= 0 else 128 - status


async def _client_lines(conversation: Conversation, client: Client) -> None:
    try:
        async for line in client.lines():
            await conversation.upward.line(line)
    except LineTooLong as error:
        complain(f"{error}; everything ends")


async def _server_lines(conversation: Conversation, inbox: Inbox) -> None:
    while (line := await inbox.next()) is not None:
        if isinstance(line, bytes):
            await conversation.downward.line(line)
        else:
            await conversation.downward.failed(*line)


async def _signalled() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
