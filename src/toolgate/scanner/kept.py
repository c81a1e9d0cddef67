"""Definitions that somebody kept in a file: one tool a line with its server, or an answer to `tools/list`."""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath
from typing import BinaryIO, Final

import msgspec

from toolgate.errors import ToolgateError
from toolgate.scanner.targets import Kept, Target

MOST: Final = 512 * 1024 * 1024
"""Bytes of a file, unpacked."""
_GZIP: Final = b"\x1f\x8b"
_FORMS: Final = (
    "give one JSON object a line (`server`, `name` or `title`, `description`, ...) or an answer to tools/list"
)


def read_file(name: str) -> list[Target]:
    """A target for each server in the file, `-` being standard input. Raises ToolgateError."""
    place = "standard input" if name == "-" else name
    try:
        if name == "-":
            body = _bounded(sys.stdin.buffer, place)
        else:
            with Path(name).open("rb") as file:
                body = _bounded(file, place)
    except OSError as error:
        raise ToolgateError(place, f"cannot be read: {error.strerror or error}", "check the path") from None
    return _targets(_unpacked(body, place), place)


def _bounded(file: BinaryIO, place: str) -> bytes:
    body = file.read(MOST + 1)
    if len(body) > MOST:
        raise ToolgateError(place, f"is larger than {MOST} bytes", "scan it in parts")
    return body


def _unpacked(body: bytes, place: str) -> bytes:
    if not body.startswith(_GZIP):
        return body
    try:
        unpacking = zlib.decompressobj(zlib.MAX_WBITS | 16)
        unpacked = unpacking.decompress(body, MOST + 1)
    except (zlib.error, gzip.BadGzipFile):
        raise ToolgateError(place, "is no whole gzip file", "pack it anew") from None
    if len(unpacked) > MOST:
        raise ToolgateError(place, f"unpacks to more than {MOST} bytes", "scan it in parts")
    if not unpacking.eof or unpacking.unused_data:
        raise ToolgateError(place, "is no whole gzip file", "pack it anew")
    return unpacked


def _targets(body: bytes, place: str) -> list[Target]:
    lines = [line for line in body.split(b"\n") if line.strip()]
    if not lines:
        raise ToolgateError(place, "holds nothing", _FORMS)
    first = _value(lines[0])
    if isinstance(first, Mapping) and not _list_of(first):
        return _of_lines(lines, place)
    listed = _list_of(first if len(lines) == 1 else _value(body))
    if listed is None:
        raise ToolgateError(place, "holds no tool definitions", _FORMS)
    tools = [tool for tool in listed if isinstance(tool, Mapping)]
    return [Target(PurePath(place).name.partition(".")[0] or place, Kept(tools, place, len(listed) - len(tools)))]


def _value(text: bytes) -> object:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _list_of(value: object) -> list[object] | None:
    """The tools of an answer, of its result, or of a bare list."""
    if isinstance(value, Mapping):
        result = value.get("result")
        value = result.get("tools") if isinstance(result, Mapping) else value.get("tools")
    return value if isinstance(value, list) else None


def _of_lines(lines: list[bytes], place: str) -> list[Target]:
    servers: dict[str, list[Mapping[str, object]]] = {}
    strange: list[int] = []
    for number, value in enumerate(map(_value, lines), 1):
        if isinstance(value, Mapping):
            server = value.get("server")
            servers.setdefault(server if isinstance(server, str) and server else place, []).append(_tool(value))
        else:
            strange.append(number)
    return list(_grouped(servers, place, strange))


def _grouped(servers: Mapping[str, list[Mapping[str, object]]], place: str, strange: list[int]) -> Iterator[Target]:
    """A line that is no object belongs to nobody, so the file answers for it."""
    for server, tools in servers.items():
        yield Target(server, Kept(tools, place))
    if strange:
        yield Target(
            place, Kept((), place, len(strange), f"the first is line {strange[0]} of those that hold something")
        )


def _tool(line: Mapping[str, object]) -> Mapping[str, object]:
    """The tool object of a line; where there is no `name`, `title` is it."""
    tool = {key: value for key, value in line.items() if key not in ("server", "title")}
    if "name" not in tool:
        return {"name": line.get("title"), **tool}
    return {**tool, **({"title": line["title"]} if "title" in line else {})}
