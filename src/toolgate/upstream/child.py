"""One stdio MCP server as a process group of its own: newline-delimited messages in both directions.

Whatever the server does, nothing of it is left behind: its group gets TERM and then KILL when it ends or is ended, and
when this process dies (`orphans.py`).
"""

from __future__ import annotations

import asyncio
import signal
from asyncio import SubprocessProtocol, SubprocessTransport
from collections.abc import Callable, Mapping, Sequence
from typing import Final, cast

from toolgate.background import complain
from toolgate.errors import ToolgateError
from toolgate.upstream.lines import LineCutter, LineTooLong, one_line
from toolgate.upstream.orphans import Watcher, end_group, end_rest

LINE_LIMIT: Final = 16 * 1024 * 1024
"""Bytes of one message of a server."""
GRACE: Final = 2.0
"""Seconds a child has to leave after the end of its input, and again after TERM."""
_AFTER_TERM: Final = 1.0
"""Seconds that a child has at least to obey TERM, however little time it was given to leave by itself."""
_LINGER: Final = 0.5
_STDIN, _STDOUT = 0, 1


class ChildFailed(ToolgateError):
    """The command cannot be started."""


class Child:
    """A running server. Its standard error is ours unless `errors` names another descriptor; `start` makes one.

    `received` is called with each line without its newline, in order, on the loop's thread; a last line without
    newline is no message and is left out. `ended` is called once, after the last line, with the status as
    `subprocess` writes it: negative for a signal. A line beyond LINE_LIMIT ends the child.
    """

    def __init__(self, command: str, received: Callable[[bytes], None], ended: Callable[[int], None]) -> None:
        self.command = command
        self.returncode: int | None = None
        self._received = received
        self._ended = ended
        self._cutter = LineCutter(LINE_LIMIT, f"`{command}`")
        self._watcher: Watcher | None = None
        self._transport: SubprocessTransport | None = None
        self._silent = asyncio.Event()
        self._gone = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._burial: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[int] | None = None

    @classmethod
    async def start(
        cls,
        command: Sequence[str],
        environment: Mapping[str, str] | None = None,
        *,
        received: Callable[[bytes], None],
        ended: Callable[[int], None],
        errors: int | None = None,
        directory: str | None = None,
    ) -> Child:
        """Start the command (no shell reads it); raises ChildFailed.

        None as environment or directory: this process's own.
        """
        if not command or any("\0" in word for word in command):
            raise ChildFailed("command", "is empty or holds a NUL", "write the program and its arguments")
        child = cls(command[0], received, ended)
        try:
            await child._start(command, environment, errors, directory)
        except OSError as error:
            raise ChildFailed(
                f"`{command[0]}`", f"cannot be started: {error.strerror}", "check the command and its PATH"
            ) from None
        return child

    async def _start(
        self, command: Sequence[str], environment: Mapping[str, str] | None, errors: int | None, directory: str | None
    ) -> None:
        self._watcher = Watcher()
        try:
            await asyncio.get_running_loop().subprocess_exec(
                lambda: _Pipes(self), *command, env=environment, stderr=errors, cwd=directory, start_new_session=True
            )
        except BaseException:
            self._watcher.release()
            self._watcher = None
            if self._transport is not None:
                end_group(self.pid, signal.SIGKILL)
            raise

    @property
    def pid(self) -> int:
        """The id of the process, and of its group."""
        assert self._transport is not None
        return self._transport.get_pid()

    def send(self, line: bytes) -> None:
        """Queue one message; a newline is added, newlines within become spaces. Nothing happens once it has ended."""
        pipe = self._input()
        if pipe is not None and not pipe.is_closing():
            pipe.write(one_line(line))

    async def drained(self) -> None:
        """Return when the child takes more, or takes nothing any more."""
        await self._writable.wait()

    def pause(self) -> None:
        """Read no further for now: the child waits when its pipe is full. What an ended child left is read."""
        output = self._output()
        if self._burial is None and not output.is_closing():
            output.pause_reading()

    def resume(self) -> None:
        """Read on."""
        output = self._output()
        if not output.is_closing():
            output.resume_reading()

    async def close(self, grace: float = GRACE) -> int:
        """End its input, wait, TERM to the group, wait, KILL; returns the status. `grace` in seconds, for each wait."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(grace))
        return await asyncio.shield(self._closing)

    async def _close(self, grace: float) -> int:
        pipe = self._input()
        if pipe is not None:
            pipe.close()
        for number, seconds in ((signal.SIGTERM, grace), (signal.SIGKILL, max(grace, _AFTER_TERM))):
            if await self._gone_within(seconds):
                break
            end_group(self.pid, number)
        await self._gone.wait()
        assert self.returncode is not None
        return self.returncode

    async def _gone_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._gone.wait()
        except TimeoutError:
            return False
        return True

    def _input(self) -> asyncio.WriteTransport | None:
        if self._transport is None:
            return None
        return cast("asyncio.WriteTransport | None", self._transport.get_pipe_transport(_STDIN))

    def _output(self) -> asyncio.ReadTransport:
        assert self._transport is not None
        return cast("asyncio.ReadTransport", self._transport.get_pipe_transport(_STDOUT))

    # --- what the pipes report

    def began(self, transport: SubprocessTransport) -> None:
        """The process runs."""
        self._transport = transport
        if self._watcher is None:  # the start was given up, which the loop learns too late to undo
            end_group(transport.get_pid(), signal.SIGKILL)
        else:
            self._watcher.watch(transport.get_pid())

    def wrote(self, data: bytes) -> None:
        """Hand on the lines that `data` completes."""
        try:
            for line in self._cutter.feed(data):
                self._received(line)
        except LineTooLong as error:
            complain(f"{error}; it is ended")
            self._output().close()
            end_group(self.pid, signal.SIGKILL)

    def fell_silent(self) -> None:
        """Its output ended."""
        self._silent.set()

    def may_write(self, *, may: bool) -> None:
        """Its input is full, or no longer."""
        if may:
            self._writable.set()
        else:
            self._writable.clear()

    def exited(self) -> None:
        """The process itself is gone; what it started may still live and hold the pipes."""
        assert self._transport is not None
        if self._watcher is None:
            self._transport.close()
            return
        self.resume()
        self._burial = asyncio.create_task(self._bury(self._transport))

    async def _bury(self, transport: SubprocessTransport) -> None:
        """End what is left of the group, let the last lines arrive, and tell."""
        await end_rest(self.pid, _LINGER)
        try:
            async with asyncio.timeout(_LINGER):
                await self._silent.wait()
        except TimeoutError:
            complain(f"`{self.command}` ended, and something that left its group still holds its output")
        self._writable.set()
        self.returncode = transport.get_returncode()
        transport.close()
        assert self._watcher is not None
        self._watcher.release()
        assert self.returncode is not None
        self._gone.set()
        self._ended(self.returncode)


class _Pipes(SubprocessProtocol):
    """The loop's side of a child: tells it what happens."""

    def __init__(self, child: Child) -> None:
        self._child = child

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._child.began(cast("SubprocessTransport", transport))

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == _STDOUT:
            self._child.wrote(data)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:  # noqa: ARG002 - the signature is asyncio's
        if fd == _STDOUT:
            self._child.fell_silent()
        else:
            self._child.may_write(may=True)

    def pause_writing(self) -> None:
        self._child.may_write(may=False)

    def resume_writing(self) -> None:
        self._child.may_write(may=True)

    def process_exited(self) -> None:
        self._child.exited()
