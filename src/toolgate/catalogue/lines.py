"""Definitions in a file, one JSON object a line: `server`, `name` or `title`, `description`, `inputSchema`, ..."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final, cast

from toolgate.catalogue.intake import MOST_DEFINITION
from toolgate.protocol.json_rules import parse
from toolgate.protocol.malformed import Malformed
from toolgate.store.errors import BadInput
from toolgate.store.names import escaped

MOST_LINE: Final = 2 * MOST_DEFINITION
"""Bytes of a line: a definition and what stands beside it."""
MOST_BYTES: Final = 512 * 1024 * 1024
"""Bytes of a file, unpacked."""
_BESIDE: Final = ("server", "source_repo", "source_path", "quality")
_MAGIC: Final = b"\x1f\x8b"
Tool = dict[str, object]


@dataclass(slots=True)
class Lines:
    """What a file holds: the tools of each server in the order of the file, and the lines that are none."""

    servers: dict[str, list[Tool]] = field(default_factory=dict)
    bad: list[tuple[int, str]] = field(default_factory=list)
    """Numbers of lines, from 1 on, each with what is wrong."""


def read_lines(path: Path) -> Lines:
    """Read a file, which may be packed by gzip. Raises BadInput where it cannot be read or is too large."""
    found = Lines()
    with _opened(path) as file:
        for number, line in enumerate(bounded_lines(file, MOST_LINE, _at_most(path)), start=1):
            _read(line, number, found)
    return found


def tool_of(line: bytes) -> tuple[str, Tool]:
    """The server that a line names, and the tool as its `tools/list` gives it. Raises Malformed."""
    value = parse(line, "line")
    if not isinstance(value, Mapping):
        raise Malformed("line", "is no JSON object")
    server = value.get("server")
    if not isinstance(server, str) or not server:
        raise Malformed("line", "has no `server`")
    tool = {str(key): inner for key, inner in value.items() if key not in _BESIDE}
    if "name" not in tool:
        tool["name"] = tool.pop("title", None)
    if not isinstance(tool["name"], str):
        raise Malformed("line", "has neither a `name` nor a `title`")
    return server, tool


def _read(line: bytes, number: int, found: Lines) -> None:
    if len(line) > MOST_LINE:
        found.bad.append((number, f"is longer than {MOST_LINE} bytes"))
    elif line.strip():
        try:
            server, tool = tool_of(line)
        except Malformed as error:
            found.bad.append((number, error.cause))
        else:
            found.servers.setdefault(server, []).append(tool)


def bounded_lines(file: IO[bytes], longest: int, most: Callable[[int], None] | None = None) -> Iterator[bytes]:
    """The lines of a file; of one that is too long one byte more than `longest`, the rest is read and dropped.

    `most` is told after each read how many bytes that were, and may raise. Raises what reading raises.
    """
    tell = most or (lambda _: None)
    while line := file.readline(longest + 1):
        tell(len(line))
        rest = line
        while len(rest) > longest and not rest.endswith(b"\n"):
            rest = file.readline(longest + 1)
            tell(len(rest))
        yield line


def _at_most(path: Path) -> Callable[[int], None]:
    size = 0

    def count(read: int) -> None:
        nonlocal size
        size += read
        if size > MOST_BYTES:
            raise BadInput(escaped(str(path)), f"holds more than {MOST_BYTES} bytes", "import it in parts")

    return count


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    try:
        with path.open("rb") as raw:
            if raw.peek(2)[:2] != _MAGIC:
                yield raw
                return
            with gzip.open(raw) as unpacked:
                yield cast("IO[bytes]", unpacked)
    except (OSError, EOFError, zlib.error, ValueError) as error:
        cause = (error.strerror if isinstance(error, OSError) else None) or str(error) or "it ends too early"
        raise BadInput(escaped(str(path)), f"cannot be read: {cause}", "check the path") from error
