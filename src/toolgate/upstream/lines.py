"""Bytes that arrive in chunks, cut into lines: the framing of MCP over standard input and output."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from toolgate.audit.records import Result
from toolgate.errors import ToolgateError


@dataclass(slots=True, frozen=True)
class Failure:
    """Why a request gets no answer; `not_run` only where the server certainly did not act. `status` is HTTP's."""

    result: Result
    cause: str
    not_run: bool = False
    status: int | None = None


class LineTooLong(ToolgateError):
    """A line above the limit: what follows cannot be read any further."""


class LineCutter:
    """Cuts chunks into lines without their newline. Costs nothing per chunk beyond one search for a newline."""

    __slots__ = ("_limit", "_open", "_place", "_size")

    def __init__(self, limit: int, place: str) -> None:
        self._limit = limit
        self._place = place
        self._open: list[bytes] = []
        self._size = 0

    @property
    def unfinished(self) -> int:
        """How many bytes of a line came whose newline has not."""
        return self._size

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The lines that `chunk` completes; raises LineTooLong for one of more than `limit` bytes."""
        start = 0
        while (end := chunk.find(b"\n", start)) >= 0:
            line = chunk[start:end]
            self._grow(len(line))
            yield b"".join((*self._open, line)) if self._open else line
            self._open.clear()
            self._size = 0
            start = end + 1
        if start < len(chunk):
            self._grow(len(chunk) - start)
            self._open.append(chunk[start:])

    def _grow(self, size: int) -> None:
        self._size += size
        if self._size > self._limit:
            raise LineTooLong(self._place, f"sends a line of more than {self._limit} bytes")


def one_line(message: bytes) -> bytes:
    """A JSON text as one line. A newline that JSON allows stands between tokens, so a space means the same."""
    if b"\n" in message or b"\r" in message:
        message = message.replace(b"\n", b" ").replace(b"\r", b" ")
    return message + b"\n"
