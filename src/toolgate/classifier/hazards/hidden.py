"""Text that a person does not see and a model reads.

Languages need some of these characters: joiners in Persian and Hindi, marks of direction in Hebrew, selectors after
emoji. They count where the letters beside them have no use for them.
"""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from toolgate.classifier.hazards.hazard import Hazard, excerpt
from toolgate.protocol import hidden_text

_CONTROL: Final = re.compile(f"[{hidden_text.CONTROLS}\u2028\u2029]")
_ESCAPE: Final = re.compile("[\x1b\x9b]")
_BLANKS: Final = re.compile(r"\s{20,}(?=\S)")
_WIDE, _HIGH = 100, 20
"""Blanks in a line, and empty lines, that push what follows out of a window."""
_COMMENT: Final = ("<!--", "-->")
_IMAGE: Final = re.compile(r"!\[[^\]\n]{0,200}\]\(\s{0,5}(?:https?:)?//|<img\s[^>]{0,200}src\s{0,5}=", re.IGNORECASE)
_BASE64: Final = re.compile(r"(?<![A-Za-z0-9+/_=-])[A-Za-z0-9+/_-]{40,20000}={0,2}(?![A-Za-z0-9+/_=-])")
_HEX: Final = re.compile(r"(?<![0-9A-Za-z])(?:[0-9a-fA-F]{2}){24,10000}(?![0-9A-Za-z])")

_TAGS: Final = re.compile(f"[{hidden_text.TAGS}]+")
_FLAG: Final = re.compile("\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{2,6}\U000e007f")
"""The flags of England, Scotland, Wales and others are spelled with tag characters."""
_BIDI: Final = re.compile(f"[{hidden_text.DIRECTIONS}]")
_MARKS: Final = "\u200e\u200f\u061c"
_JOINERS: Final = "\u200c\u200d"
_WIDTHLESS: Final = re.compile(
    f"[{hidden_text.WIDTHLESS}\ufeff{_MARKS}{_JOINERS}\u180e\u00ad\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0]+"
)
_SELECTORS: Final = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]+")
_SHORT: Final = 20
"""A plain text of fewer characters has nowhere to hide anything."""
_MESSAGE: Final = 8
"""Invisible characters in a row that are more than a slip: one byte of a message takes eight of two kinds."""


def hidden(place: str, text: str) -> Iterator[Hazard]:
    """What of a text does not show."""
    if len(text) < _SHORT and text.isascii() and text.isprintable():
        return
    yield from _controls(place, text)
    yield from _out_of_sight(place, text)
    yield from _encoded(place, text)
    if not text.isascii():
        text = _FLAG.sub("", text)
        yield from _tags(place, text)
        yield from _directions(place, text)
        yield from _widthless(place, text)
        yield from _selectors(place, text)


def _controls(place: str, text: str) -> Iterator[Hazard]:
    escape = _ESCAPE.search(text)
    if escape:
        detail = "holds an escape sequence, with which a terminal hides or rewrites what it shows"
        yield Hazard("terminal-escape", place, detail, excerpt(text, *escape.span()))
    control = next((each for each in _CONTROL.finditer(text) if each[0] not in "\x1b\x9b"), None)
    if control:
        detail = f"holds the control character U+{ord(control[0]):04X}"
        yield Hazard("control-character", place, detail, excerpt(text, *control.span()))


def _out_of_sight(place: str, text: str) -> Iterator[Hazard]:
    pushed = next((run for run in _BLANKS.finditer(text) if _is_far(run[0])), None)
    if pushed:
        detail = "goes on after a stretch of blanks that pushes the rest out of sight"
        yield Hazard("pushed-out-of-sight", place, detail, excerpt(text[pushed.end() : pushed.end() + 200]))
    comment = _comment(text)
    if comment:
        yield Hazard("html-comment", place, "holds a comment that no page shows", excerpt(comment))
    image = _IMAGE.search(text)
    if image:
        detail = "holds an image of another host, which a client that shows it fetches"
        yield Hazard("remote-image", place, detail, excerpt(text, *image.span()))


def _is_far(blanks: str) -> bool:
    return blanks.count("\n") >= _HIGH or max(map(len, blanks.split("\n"))) >= _WIDE


def _comment(text: str) -> str:
    """The first comment that says something; one that is never closed goes to the end."""
    opening, closing = _COMMENT
    start = text.find(opening)
    while start >= 0:
        end = text.find(closing, start + len(opening))
        said = text[start + len(opening) : len(text) if end < 0 else end]
        if said.strip():
            return text[start : start + 200]
        start = -1 if end < 0 else text.find(opening, end)
    return ""


def _encoded(place: str, text: str) -> Iterator[Hazard]:
    for found, decode in ((_BASE64, _of_base64), (_HEX, bytes.fromhex)):
        for blob in found.finditer(text):
            said = _sentence(blob[0], decode)
            if said:
                yield Hazard("encoded-text", place, f"holds encoded words: `{said[:120]}`", excerpt(blob[0]))
                return


def _of_base64(text: str) -> bytes:
    plain = text.rstrip("=").replace("-", "+").replace("_", "/")
    return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)


def _sentence(blob: str, decode: object) -> str:
    """The text that a blob stands for, where it is words."""
    assert callable(decode)
    try:
        said = decode(blob).decode("utf-8")
    except (binascii.Error, ValueError):
        return ""
    words = re.findall(r"[^\W\d_]{2,}", said)
    return said if said.isprintable() and len(words) >= 4 and said.count(" ") >= 3 else ""


def _tags(place: str, text: str) -> Iterator[Hazard]:
    runs = _TAGS.findall(text)
    if runs:
        said = "".join(chr(ord(each) - 0xE0000) for each in "".join(runs))
        shown = "".join(each for each in said if each.isprintable())[:120]
        yield Hazard("hidden-tags", place, f"holds invisible tag characters that spell `{shown}`", excerpt(runs[0]))


def _directions(place: str, text: str) -> Iterator[Hazard]:
    found = _BIDI.search(text)
    if found:
        detail = f"holds U+{ord(found[0]):04X}, which changes the order in which text is shown"
        yield Hazard("bidi-control", place, detail, excerpt(text, *found.span()))


def _widthless(place: str, text: str) -> Iterator[Hazard]:
    rightward = any(unicodedata.bidirectional(each) in ("R", "AL") for each in text)
    for run in _WIDTHLESS.finditer(text):
        length = run.end() - run.start()
        if length >= _MESSAGE:
            detail = f"holds {length} invisible characters in a row, enough for a message"
            yield Hazard("smuggled-bytes", place, detail, excerpt(text, *run.span()))
            return
        if not _needed(text, run, rightward=rightward):
            detail = f"holds the invisible character U+{ord(run[0][0]):04X}"
            yield Hazard("zero-width", place, detail, excerpt(text, *run.span()))
            return


def _needed(text: str, run: re.Match[str], *, rightward: bool) -> bool:
    """Whether the letters beside an invisible character have use for it."""
    if run.end() - run.start() > 1:
        return False
    sides = text[max(0, run.start() - 1) : run.start()] + text[run.end() : run.end() + 1]
    if run[0] in _JOINERS:
        return not sides.isascii() and len(sides) == 2
    return run[0] in _MARKS and rightward


def _selectors(place: str, text: str) -> Iterator[Hazard]:
    for run in _SELECTORS.finditer(text):
        length = run.end() - run.start()
        before = text[max(0, run.start() - 1) : run.start()]
        if length >= 4:
            detail = f"holds {length} variation selectors in a row, which spell bytes: {_bytes(run[0])}"
            yield Hazard("smuggled-bytes", place, detail, excerpt(text, *run.span()))
            return
        if length > 1 or (before.isascii() and before not in "0123456789#*"):
            detail = f"holds the variation selector U+{ord(run[0][0]):04X} where there is nothing to vary"
            yield Hazard("zero-width", place, detail, excerpt(text, *run.span()))
            return


def _bytes(run: str) -> str:
    """A selector stands for a byte: the first sixteen, then the two hundred and forty of the supplement."""
    raw = bytes((ord(each) - 0xFE00) if ord(each) < 0xFE10 else ord(each) - 0xE0100 + 16 for each in run)
    said = "".join(each for each in raw.decode("utf-8", "replace") if each.isprintable())
    return f"`{said[:120]}`"
