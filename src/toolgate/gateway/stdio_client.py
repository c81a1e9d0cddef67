"""The client at our own standard input and output: lines in, lines out, and how one learns that it is gone."""

from __future__ import annotations

import asyncio
import os
import stat
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Final, cast

from toolgate.upstream.lines import LineCutter, one_line

_CHUNK: Final = 64 * 1024
_FLUSH: Final = 2.0
"""Seconds that a client has to take the last answers."""


class Client(asyncio.Protocol):
    """Made by `open`. `full` is called with True when the client does not read fast enough, with False later.

    `left` is set when nothing more can be written to the client.
    """

    def __init__(self, line_limit: int) -> None:
        self.left = asyncio.Event()
        self.full: Callable[[bool], None] = lambda _full: None
        self._reader = asyncio.StreamReader(_CHUNK)
        self._input: asyncio.BaseTransport | None = None
        self._cutter = LineCutter(line_limit, "the client")
        self._output: asyncio.WriteTransport | None = None
        self._plain: int | None = None

    @classmethod
    async def open(cls, stdin: int, stdout: int, *, line_limit: int) -> Client:
        """The client at these descriptors, which may be pipes, sockets, terminals or files."""
        client, loop = cls(line_limit), asyncio.get_running_loop()
        source = stdin if _is_pipe(stdin) else _copied(stdin)
        client._input, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(client._reader), os.fdopen(source, "rb", closefd=False)
        )
        if _is_pipe(stdout):
            await loop.connect_write_pipe(lambda: client, os.fdopen(stdout, "wb", closefd=False))
        else:
            client._plain = stdout
        return client

    async def lines(self) -> AsyncIterator[bytes]:
        """Each line without its newline until the client's end; raises LineTooLong."""
        while chunk := await self._chunk():
            for line in self._cutter.feed(chunk):
                yield line

    async def _chunk(self) -> bytes:
        try:
            return await self._reader.read(_CHUNK)
        except OSError:  # the client's side was cut off, which ends it as well
            return b""

    def send(self, message: bytes) -> None:
        """Queue one message for the client, on a line of its own; nothing happens once it has left."""
        if self._output is not None:
            if not self._output.is_closing():
                self._output.write(one_line(message))
        elif self._plain is not None and not self.left.is_set():
            try:
                _write_all(self._plain, one_line(message))
            except OSError:
                self.left.set()

    async def close(self) -> None:
        """Let the client take what is queued, for a while."""
        if self._input is not None:
            self._input.close()
        if self._output is not None:
            self._output.close()
            with suppress(TimeoutError):
                async with asyncio.timeout(_FLUSH):
                    await self.left.wait()
            self._output.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        self._output = cast("asyncio.WriteTransport", transport)

    def pause_writing(self) -> None:
        """Called by the loop."""
        self.full(True)

    def resume_writing(self) -> None:
        """Called by the loop."""
        self.full(False)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the signature is asyncio's
        """Called by the loop."""
        self.left.set()


def _is_pipe(descriptor: int) -> bool:
    """Only these are ours to read without blocking; a terminal shares its mode with other programs."""
    mode = os.fstat(descriptor).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def _copied(descriptor: int) -> int:
    """A pipe that brings what a terminal or a file has."""
    source, sink = os.pipe()

    def copy() -> None:
        with suppress(OSError):
            while chunk := os.read(descriptor, _CHUNK):
                _write_all(sink, chunk)
        os.close(sink)

    threading.Thread(target=copy, daemon=True).start()
    return source


def _write_all(descriptor: int, text: bytes) -> None:
    while text:
        text = text[os.write(descriptor, text) :]
