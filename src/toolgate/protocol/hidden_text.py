"""Characters that people do not see, or that act on a terminal: found in JSON text and taken out of it.

Works on the bytes of a message, so that everything else stays as the server wrote it, and knows both ways to write such
a character: raw, and as an escape (beyond the Basic Multilingual Plane as two). An escaped backslash before `u202e` is
a backslash and a word. Joiners, marks of direction and variation selectors stay: scripts and emoji need them.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final

from toolgate.errors import ToolgateError

CONTROLS: Final = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"
"""C0 but tab and the ends of lines, DEL, C1. This and the next three are the insides of character classes."""
DIRECTIONS: Final = "\u202a-\u202e\u2066-\u2069"
"""Embeddings, overrides and isolates change the order in which text is shown."""
WIDTHLESS: Final = "\u200b\u2060-\u2065\u206a-\u206f\ufff9-\ufffb"
"""Zero-width space and word joiner, invisible operators, deprecated format characters, annotation marks."""
TAGS: Final = "\U000e0000-\U000e007f"
"""Invisible twins of ASCII."""
_MARK: Final = "\ufeff"
"""Stays as the first character of a text, where it is a byte order mark."""

_HELD: Final = 24
"""Bytes in which the longest token ends: two escapes, or the two of a line end."""
_BEFORE: Final = 2
"""Bytes that tell whether a string begins here."""


class NoJson(ToolgateError):
    """The text cannot be JSON, so nobody can tell what a reader makes of it."""

    def __init__(self, cause: str) -> None:
        super().__init__("upstream answer", cause)


def _points() -> list[str]:
    """Every character that is always taken out, in order."""
    ranges = re.findall("(.)(?:-(.))?", CONTROLS + DIRECTIONS + WIDTHLESS + TAGS, re.DOTALL)
    return sorted(chr(point) for first, last in ranges for point in range(ord(first), ord(last or first) + 1))


def _raw(points: Iterable[str]) -> Iterator[bytes]:
    """Patterns of UTF-8, one for those that differ in the last byte; each begins with a plain byte."""
    for head, group in groupby((point.encode() for point in points), lambda encoded: encoded[:-1]):
        last = [re.escape(encoded[-1:]) for encoded in group]
        yield from [re.escape(head) + b"[" + b"".join(last) + b"]"] if head else last


def _escapes(points: Iterable[str]) -> Iterator[bytes]:
    """The same of escapes, without their first backslash."""
    for head, group in groupby((point.encode("utf-16-be").hex() for point in points), lambda units: units[:-1]):
        units = head + "[" + "".join(each[-1] for each in group) + "]"
        written = units if len(head) == 3 else rf"{units[:4]}\\u{units[4:]}"
        yield f"u(?i:{written})".encode()


_RETURN: Final = rb"(?:r|u000[dD])(?!\\(?:n|u000[aA]))"
_INSIDE: Final = rb'(?<![{\[,:\s]"%b)'
"""What stands in front of a mark that does not begin its string; `%b` is what was read of the mark itself."""
_HIDDEN: Final = (
    *_raw(_points()),
    b"\xef" + _INSIDE % b"\xef" + b"\xbb\xbf",
    rb"\\(?:[bf]|" + b"|".join((_RETURN, *_escapes(_points()), _INSIDE % rb"\\" + b"u(?i:feff)")) + b")",
)
_BROKEN: Final = rb'\\(?!["\\/bfnrt]|u[0-9a-fA-F]{4})', rb"\\(?=u[dD][bB]40(?!\\u[dD][c-fC-F]))"
_TOKEN: Final = re.compile(b"|".join((*_HIDDEN, rb"\\\\", *_BROKEN)))
"""A hidden character, an escaped backslash, or (one byte) a backslash that begins no escape or half a character.

Every alternative begins with a plain byte: so the search skips to the next of them ten times as fast.
"""
_ESCAPED: Final = re.compile(rb"\\[bfru]")
_LEADS: Final = tuple(
    (lead, re.compile(b"|".join(pattern for pattern in _HIDDEN if pattern.startswith(re.escape(lead)))))
    for lead in (b"\xc2", b"\xe2", b"\xef", b"\xf3")
)
_TEXT: Final = re.compile(f"[{CONTROLS}{DIRECTIONS}{WIDTHLESS}{TAGS}]|\r(?!\n)|(?<!^){_MARK}")


def suspicious(text: bytes) -> bool:
    """Whether JSON text may hold hidden characters. Made to cost next to nothing where it does not."""
    if b"\x7f" in text or (b"\\" in text and _ESCAPED.search(text)):
        return True
    if not text.isascii():
        for lead, pattern in _LEADS:
            if lead in text and pattern.search(text):
                return True
    return False


def without(text: bytes) -> tuple[bytes, int]:
    """JSON text without its hidden characters, and how many there were; raises NoJson.

    Every other byte stays; text without any is given back itself. Taking something out never makes a new escape or
    character of what is left.
    """
    if not suspicious(text):
        return text, 0
    taking = Filter()
    shown = taking.feed(text) + taking.end()
    return (shown, taking.removed) if taking.removed else (text, 0)


def without_in_plain(text: str) -> str:
    """The same of a text that is no JSON."""
    return _TEXT.sub("", text)


def is_plain(text: str) -> bool:
    """Whether a text that is no JSON holds none."""
    return _TEXT.search(text) is None


class Filter:
    """Takes hidden characters out of JSON text that comes in pieces. `removed` counts them."""

    __slots__ = ("_checked", "_context", "_rest", "removed")

    def __init__(self) -> None:
        self.removed = 0
        self._checked = codecs.getincrementaldecoder("utf-8")()
        self._rest = b""
        self._context = 0

    def feed(self, piece: bytes) -> bytes:
        """What can be passed on of everything so far; raises NoJson."""
        self._check(piece, last=False)
        return self._pass(piece, _HELD)

    def end(self) -> bytes:
        """The rest; raises NoJson."""
        self._check(b"", last=True)
        return self._pass(b"", 0)

    def _check(self, piece: bytes, *, last: bool) -> None:
        """Only in UTF-8 do bytes that are taken out leave no new character behind."""
        try:
            self._checked.decode(piece, last)
        except UnicodeDecodeError:
            raise NoJson("is not in UTF-8") from None

    def _pass(self, piece: bytes, held: int) -> bytes:
        """Decide on every token that begins before the last `held` bytes; it ends before the end of the text."""
        text, at = self._rest + piece, self._context
        until, parts = max(len(text) - held, at), []
        if suspicious(text):
            for token in _TOKEN.finditer(text, at):
                begin, end = token.span()
                if begin >= until:
                    break
                until = max(until, end)
                if not self._stays(token[0]):
                    parts.append(text[at:begin])
                    at = end
        parts.append(text[at:until])
        self._context = min(_BEFORE, until)
        self._rest = text[until - self._context :]
        return b"".join(parts)

    def _stays(self, token: bytes) -> bool:
        if token == b"\\":
            raise NoJson("holds a backslash that begins no character")
        if token == rb"\\":
            return True
        self.removed += 1
        return False
