"""Tool definitions as lines of JSON, from a file or standard input: what is none is said and skipped."""

from __future__ import annotations

import gzip
import json
import sys
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import IO, Any, NamedTuple

from toolgate.catalogue.lines import bounded_lines
from toolgate.cli import printing
from toolgate.errors import ToolgateError
from toolgate.store.errors import BadInput
from toolgate.store.names import shown

LONGEST = 8 * 1024 * 1024
"""Bytes of a line."""


class Definition(NamedTuple):
    """A tool object as `tools/list` has it, and the server that it is of, "" where the line names none."""

    server: str
    tool: dict[str, Any]


class Lines:
    """The definitions of a file, in its order; `failed` counts the lines that are none, which standard error names."""

    def __init__(self, file: str) -> None:
        self.failed = 0
        self._place = "standard input" if file == "-" else shown(file)
        self._opened = _open(file, self._place)

    def __enter__(self) -> Lines:
        self._stream = self._opened.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.__exit__(kind, error, trace)

    def __iter__(self) -> Iterator[Definition]:
        for number, line in enumerate(self._lines(), start=1):
            place = f"{self._place}, line {number}"
            try:
                if line.strip():
                    yield _definition(line, place)
            except ToolgateError as error:
                self.failed += 1
                printing.complain(f"error: {error.place}: {error.cause}", error.mend)

    def _lines(self) -> Iterator[bytes]:
        try:
            yield from bounded_lines(self._stream, LONGEST)
        except (OSError, EOFError, zlib.error) as error:
            raise BadInput(self._place, "cannot be read to its end", "check that the file is whole") from error


def _open(file: str, place: str) -> AbstractContextManager[IO[bytes]]:
    if file == "-":
        return nullcontext(sys.stdin.buffer)
    try:
        # mypy knows no common type of the two.
        return gzip.open(file, "rb") if file.endswith(".gz") else open(file, "rb")  # type: ignore[return-value]
    except (OSError, ValueError) as error:
        cause = error.strerror if isinstance(error, OSError) else "not a path"
        raise BadInput(place, f"cannot be read: {cause}", "check the path") from error


def _definition(line: bytes, place: str) -> Definition:
    """Raises ToolgateError, naming the line, where it is no tool definition."""
    if len(line) > LONGEST:
        raise BadInput(place, f"is longer than {LONGEST} bytes", "give one definition a line")
    try:
        read = json.loads(line)
    except (ValueError, RecursionError) as error:
        cause = "is nested too deeply" if isinstance(error, RecursionError) else "is not JSON"
        raise BadInput(place, cause, "give one JSON object a line") from error
    if not isinstance(read, dict):
        raise BadInput(place, "is not an object", "give one JSON object a line")
    name = read.get("name", read.get("title"))
    if not isinstance(name, str) or not name:
        raise BadInput(place, "has no name", "give the tool's name as `name` or `title`")
    server = read.get("server")
    return Definition(server if isinstance(server, str) else "", {**read, "name": name})
