"""Waking the gateways of this machine after a change, and waiting until each of them acts on it.

Each gateway process listens on a Unix stream socket of its own in `DATA/wake` (0700). A writer that has committed
connects to all of them and sends `<seq>\\n`, the number of its newest change; a gateway answers `<seq>\\n` with the
number its view is at, once every request from then on sees it. A socket that nobody listens on belonged to a process
that died, and is removed. What else is announced in this manner has a directory of its own.
"""

from __future__ import annotations

import asyncio
import errno
import os
import secrets
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from toolgate.store.errors import StoreError

WAKE = "wake"
MAX_LINE = 32
MAX_SOCKET_PATH = 100
"""Bytes; the kernel's structure holds 108, other systems' 104."""

CONNECT_TIMEOUT = 1.0
"""Seconds that a writer tries to reach one gateway, so that a stuck one does not keep the news from the others."""

READ_TIMEOUT = 5.0
"""Seconds that a gateway gives a writer to say its number."""


@dataclass(slots=True, frozen=True)
class Confirmed:
    """How many gateways act on the change, and the process ids of those that did not say so in time."""

    processes: int
    silent: tuple[int, ...]

    @property
    def complete(self) -> bool:
        """Whether every live gateway of this machine confirmed."""
        return not self.silent


def announce(data: Path, seq: int, timeout: float, where: str = WAKE) -> Confirmed:
    """Wake every gateway of this machine; return when each has confirmed `seq`, or after `timeout` seconds."""
    directory = data / where
    if not directory.is_dir():
        return Confirmed(0, ())
    deadline = time.monotonic() + timeout
    confirmed, silent = 0, []
    calls = [(name, _call(directory, name, seq, deadline)) for name in sorted(os.listdir(directory))]
    for name, connection in calls:
        if connection is None:
            continue
        with closing(connection):
            answer = _answer(connection, deadline)
            if (_number(answer) or 0) >= seq:
                confirmed += 1
            elif answer or _lives(directory, name, seq):
                silent.append(_process(name))
    return Confirmed(confirmed, tuple(silent))


def _call(directory: Path, name: str, seq: int, deadline: float) -> socket.socket | None:
    """A connection on which the number was sent; None when nobody lives behind the name any more."""
    if not name.endswith(".sock") or name.startswith("."):
        return None
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _short_path(directory, name) as path:
            connection.settimeout(min(CONNECT_TIMEOUT, _left(deadline)))
            connection.connect(path)
        connection.sendall(b"%d\n" % seq)
    except OSError as error:
        if error.errno in (errno.ECONNREFUSED, errno.ENOENT):
            connection.close()
            (directory / name).unlink(missing_ok=True)
            return None
    return connection


def _answer(connection: socket.socket, deadline: float) -> bytes:
    """What the gateway said, perhaps cut short by the deadline (then never a whole line); empty when it hung up."""
    received = b""
    try:
        while not received.endswith(b"\n") and len(received) < MAX_LINE:
            connection.settimeout(_left(deadline))
            part = connection.recv(MAX_LINE)
            if not part:
                return b""
            received += part
    except TimeoutError:
        return received or b"?"
    except OSError:  # the process died while it was asked
        return b""
    return received


def _lives(directory: Path, name: str, seq: int) -> bool:
    """Whether a process that hung up is still there: one that died meanwhile serves nobody."""
    connection = _call(directory, name, seq, time.monotonic() + CONNECT_TIMEOUT)
    if connection is not None:
        connection.close()
    return connection is not None


def _left(deadline: float) -> float:
    return max(0.001, deadline - time.monotonic())


def _process(name: str) -> int:
    digits = name.partition("-")[0]
    return int(digits) if digits.isascii() and digits.isdigit() else 0


def _number(line: bytes) -> int | None:
    digits = line.removesuffix(b"\n")
    return int(digits) if digits.isdigit() and line != digits else None


@contextmanager
def _short_path(directory: Path, name: str) -> Iterator[str]:
    """A path of this socket that fits into a socket address, however deep the data directory lies."""
    path = str(directory / name)
    if len(os.fsencode(path)) <= MAX_SOCKET_PATH:
        yield path
        return
    if not Path("/proc/self/fd").is_dir():
        cause = f"the path is too long for a socket ({MAX_SOCKET_PATH} bytes at most)"
        raise StoreError(str(directory), cause, "choose a shorter data directory")
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}/{name}"
    finally:
        os.close(descriptor)


class Listening:
    """A gateway's end. After `close()` writers no longer wait for this process."""

    def __init__(self, on_wake: Callable[[int], Awaitable[int]], path: Path) -> None:
        self.path = path
        self._on_wake = on_wake
        self._server: asyncio.Server | None = None
        self._hearing: set[asyncio.Task[None]] = set()

    async def start(self, listener: socket.socket) -> None:
        """Listen on a socket that is bound already."""
        self._server = await asyncio.start_unix_server(self._accept, sock=listener, limit=MAX_LINE)

    async def close(self) -> None:
        """Remove the socket and stop listening. Safe to call twice."""
        self.path.unlink(missing_ok=True)
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        for task in self._hearing:
            task.cancel()
        await asyncio.gather(*self._hearing, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._hear(reader, writer))
        self._hearing.add(task)
        task.add_done_callback(self._hearing.discard)

    async def _hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            seq = await _asked(reader)
            if seq is not None:
                writer.write(b"%d\n" % await self._on_wake(seq))
        finally:
            writer.close()
            with suppress(OSError):  # the writer did not wait for the answer
                await writer.wait_closed()


async def listen(data: Path, on_wake: Callable[[int], Awaitable[int]], where: str = WAKE) -> Listening:
    """Hear of changes. `on_wake(seq)` brings the view up to date and returns the number it is at.

    It must return only when every request from then on is judged by that state. Refresh the view once after this
    returns and before the first request: what was written earlier was announced to nobody. Raises StoreError.
    """
    directory = data / where
    name = f"{os.getpid()}-{secrets.token_hex(4)}.sock"
    listening = Listening(on_wake, directory / name)
    await listening.start(_bind(directory, name))
    # Only now can it be seen: a socket that refuses is taken for one whose process died.
    os.rename(directory / f".{name}", directory / name)
    return listening


def _bind(directory: Path, name: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        directory.mkdir(mode=0o700, exist_ok=True)
        with _short_path(directory, f".{name}") as path:
            listener.bind(path)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise StoreError(str(directory), f"no socket can be made here: {error.strerror}", "check its owner") from error
    return listener


async def _asked(reader: asyncio.StreamReader) -> int | None:
    """The number that a writer sends; None when it left, took too long or sent something else."""
    try:
        return _number(await asyncio.wait_for(reader.readline(), READ_TIMEOUT))
    except (OSError, ValueError, TimeoutError):
        return None
