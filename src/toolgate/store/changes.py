"""Waking the gateways of this machine after a change, and waiting until each of them acts on it.

Each gateway process listens on a Unix stream socket of its own in `DATA/wake` (0700). A writer that has committed connects
to all of them and sends `<seq>\\n`, the number of its newest change; a gateway answers `<seq>\\n` with the number its view
is at, once every request from then on sees it. A socket that nobody listens on belonged to a process that died, and is
removed.
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

MAX_LINE = 32
MAX_SOCKET_PATH = 100
"""Bytes; the kernel's structure holds 108, other systems' 104."""

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


def announce(data: Path, seq: int, timeout: float) -> Confirmed:
    """Wake every gateway of this machine; return when each has confirmed `seq`, or after `timeout` seconds."""
    directory = data / "wake"
    if not directory.is_dir():
        return Confirmed(0, ())
    deadline = time.monotonic() + timeout
    confirmed, silent = 0, []
    calls = [(name, _call(directory, name, seq, deadline)) for name in sorted(os.listdir(directory))]
    for name, connection in calls:
        if connection is None:
            continue
        with closing(connection):
            if _answers(connection, seq, deadline):
                confirmed += 1
            else:
                silent.append(_process(name))
    return Confirmed(confirmed, tuple(silent))


def _call(directory: Path, name: str, seq: int, deadline: float) -> socket.socket | None:
    """A connection on which the number was sent; None when nobody lives behind the name any more."""
    if not name.endswith(".sock") or name.startswith("."):
        return None
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _short_path(directory, name) as path:
            connection.settimeout(_left(deadline))
            connection.connect(path)
        connection.sendall(b"%d\n" % seq)
    except OSError as error:
        if error.errno in (errno.ECONNREFUSED, errno.ENOENT):
            connection.close()
            (directory / name).unlink(missing_ok=True)
            return None
    return connection


def _answers(connection: socket.socket, seq: int, deadline: float) -> bool:
    received = b""
    try:
        while not received.endswith(b"\n") and len(received) < MAX_LINE:
            connection.settimeout(_left(deadline))
            part = connection.recv(MAX_LINE)
            if not part:
                return False
            received += part
    except OSError:  # the time is over, or the process died while it was asked
        return False
    return (_number(received) or 0) >= seq


def _left(deadline: float) -> float:
    return max(0.001, deadline - time.monotonic())


def _process(name: str) -> int:
    digits = name.partition("-")[0]
    return int(digits) if digits.isascii() and digits.isdigit() else 0


def _number(line: bytes) -> int | None:
    digits = line.rstrip(b"\n")
    return int(digits) if digits.isdigit() and len(line) <= MAX_LINE else None


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
    """A gateway's end. `close()` removes the socket; writers then no longer wait for this process."""

    def __init__(self, server: asyncio.Server, path: Path) -> None:
        self.path = path
        self._server = server

    async def close(self) -> None:
        """Stop listening. Safe to call twice."""
        self.path.unlink(missing_ok=True)
        self._server.close()
        await self._server.wait_closed()


async def listen(data: Path, on_wake: Callable[[int], Awaitable[int]]) -> Listening:
    """Hear of changes. `on_wake(seq)` brings the view up to date and returns the number it is at.

    It must return only when every request from then on is judged by that state. Refresh the view once after this
    returns and before the first request: what was written earlier was announced to nobody. Raises StoreError.
    """
    directory = data / "wake"
    directory.mkdir(mode=0o700, exist_ok=True)
    name = f"{os.getpid()}-{secrets.token_hex(4)}.sock"
    listener = _bind(directory, name)
    server = await asyncio.start_unix_server(lambda reader, writer: _hear(reader, writer, on_wake), sock=listener)
    # Only now can it be seen: a socket that refuses is taken for one whose process died.
    os.rename(directory / f".{name}", directory / name)
    return Listening(server, directory / name)


def _bind(directory: Path, name: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _short_path(directory, f".{name}") as path:
            listener.bind(path)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise StoreError(str(directory), f"no socket can be made here: {error.strerror}", "check its owner") from error
    return listener


async def _hear(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, on_wake: Callable[[int], Awaitable[int]]
) -> None:
    try:
        with suppress(OSError, ValueError, TimeoutError):  # a writer that left, or that said no number in time
            seq = _number(await asyncio.wait_for(reader.readline(), READ_TIMEOUT))
            if seq is not None:
                writer.write(b"%d\n" % await on_wake(seq))
                await writer.drain()
    finally:
        writer.close()
