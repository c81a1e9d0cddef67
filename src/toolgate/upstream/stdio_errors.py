"""What the processes of a server write to standard error: passed on to ours, each line with the server's name."""

from __future__ import annotations

import asyncio
import os
import re
from typing import IO, Final

from toolgate.background import complain

_LINE: Final = 2_000
"""Bytes of a line that are passed on."""
_LINES_PER_SECOND: Final = 200
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class ErrorLines(asyncio.Protocol):
    """The reading end of a pipe that every process of one server writes to.

    A server cannot fill our log nor speak to its reader's terminal: long lines are cut, lines beyond 200 a second are
    counted only, control characters are left out.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._open = bytearray()
        self._cutting = False
        self._second = 0.0
        self._said = 0
        self._left_out = 0
        self._writing = -1
        self._transport: asyncio.BaseTransport | None = None
        self._connecting: asyncio.Task[None] | None = None

    async def descriptor(self) -> int:
        """The end to write to, made at the first use. Reading begins even where that first user gives up meanwhile."""
        if self._connecting is None:
            reading, self._writing = os.pipe()
            pipe = os.fdopen(reading, "rb", buffering=0)
            self._connecting = asyncio.create_task(self._connect(pipe))
        await asyncio.shield(self._connecting)
        return self._writing

    async def _connect(self, pipe: IO[bytes]) -> None:
        await asyncio.get_running_loop().connect_read_pipe(lambda: self, pipe)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The pipe is read from now on; unless it was closed before."""
        self._transport = transport
        if self._writing < 0:
            transport.close()

    def close(self) -> None:
        """Read no more."""
        if self._writing >= 0:
            os.close(self._writing)
            self._writing = -1
        if self._transport is not None:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Pass on the lines that `data` completes."""
        *lines, rest = data.split(b"\n")
        for line in lines:
            self._add(line)
            self._say()
        self._add(rest)

    def _add(self, part: bytes) -> None:
        self._open += part[: _LINE - len(self._open)]
        self._cutting = self._cutting or len(part) > _LINE - len(self._open) > 0

    def _say(self) -> None:
        line = _CONTROLS.sub("", self._open.decode(errors="replace"))
        self._open.clear()
        if not line.strip():
            return
        self._count()
        if self._said <= _LINES_PER_SECOND:
            complain(f"server {self._name}: {line}")
        else:
            self._left_out += 1

    def _count(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._second < 1.0:
            self._said += 1
            return
        self._second, self._said = now, 1
        if self._left_out:
            complain(f"server {self._name}: ({self._left_out} lines left out)")
            self._left_out = 0
