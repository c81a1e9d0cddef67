"""Cuts a long JSON text into pieces at commas, whatever its structure, without a step per token."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from toolgate.protocol.json_rules import MAX_DEPTH, too_deep
from toolgate.protocol.malformed import Malformed

WINDOW = 8 * 1024
"""Bytes looked at in a step; a piece is longer only where a longer text has no comma outside of strings; at least 2."""

_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


class Piece(NamedTuple):
    """`body[start:end]`, between two commas: it closes `closers` of the containers open before it, then opens some.

    `openers` are the brackets it leaves open, outermost first. Up to the first error of the text strings and brackets
    are told apart as the grammar tells them, so whoever parses the pieces meets that error.
    """

    start: int
    end: int
    closers: int
    openers: bytes


def pieces(body: bytes, place: str) -> Iterator[Piece | None]:
    """Every piece of `body` in order; None after a window without a cut, so that the caller can pause there."""
    start = at = 0
    quoted = False
    brackets = b""
    while at < len(body):
        end = _window_end(body, at)
        parts = _split_at_quotes(body[at:end], quoted)
        cut = _last_comma(parts) if end < len(body) else None
        if cut is None:
            brackets = _cancelled(brackets, parts[::2], place)
            at, quoted = end, len(parts) % 2 == 0
            yield None
            continue
        index, offset = cut
        brackets = _cancelled(brackets, [*parts[:index:2], parts[index][:offset]], place)
        comma = end - len(b'"'.join(parts[index:])) + offset
        yield _piece(start, comma, brackets)
        start = at = comma + 1
        quoted, brackets = False, b""
    if quoted:
        raise Malformed(place, "ends within a string", "send the whole body")
    yield _piece(start, len(body), brackets)


def _window_end(body: bytes, at: int) -> int:
    """Where the window from `at` ends: never between a backslash and what it escapes."""
    window = body[at : at + WINDOW]
    odd = (len(window) - len(window.rstrip(b"\\"))) % 2
    end = at + len(window)
    return end - odd if end < len(body) else end


def _split_at_quotes(window: bytes, quoted: bool) -> list[bytes]:
    """The window cut at its quotes, escapes made harmless; items 0, 2, 4, ... are outside of strings."""
    text = window.replace(b"\\\\", b"__").replace(b'\\"', b"__")
    return (b'"' + text if quoted else text).split(b'"')


def _last_comma(parts: list[bytes]) -> tuple[int, int] | None:
    for index in range((len(parts) - 1) // 2 * 2, -1, -2):
        offset = parts[index].rfind(b",")
        if offset >= 0:
            return index, offset
    return None


def _cancelled(before: bytes, outside: list[bytes], place: str) -> bytes:
    """The brackets of the text so far without those that close within it: closing ones, then opening ones."""
    brackets = before + b"".join(outside).translate(None, _NO_BRACKETS)
    for _ in range(MAX_DEPTH + 1):
        shorter = brackets.replace(b"[]", b"").replace(b"{}", b"")
        if len(shorter) == len(brackets):
            break
        brackets = shorter
    else:
        raise too_deep(place)
    if brackets.lstrip(b"]}").strip(b"[{"):
        raise Malformed(place, "closes a bracket with one of the other kind", "send one JSON value")
    if len(brackets) > 2 * MAX_DEPTH:
        raise too_deep(place)
    return brackets


def _piece(start: int, end: int, brackets: bytes) -> Piece:
    openers = brackets.lstrip(b"]}")
    return Piece(start, end, len(brackets) - len(openers), openers)
