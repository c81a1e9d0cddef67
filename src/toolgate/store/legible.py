"""Text of a stranger, as a person who decides by it must see it: nothing hides, moves, or reads in another order."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Final

_BLANK: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and signs that look like nothing."""


def legible(text: str) -> str:
    """The text with everything else than plainly visible characters as `\\uXXXX`, as JSON writes them.

    Escaped are control and format characters (bidi marks, tags, zero widths), combining marks and variation selectors,
    blanks other than the space, and scripts that run from right to left, because they reorder what stands beside them.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_shown, text))


def legible_lines(text: str) -> str:
    """The same, with its line breaks kept."""
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    return "\n".join(legible(line) for line in text.split("\n"))


@lru_cache(maxsize=4096)
def _shown(char: str) -> str:
    return char if _is_plain(char) else _escape(char)


def _is_plain(char: str) -> bool:
    if char.isascii():
        return char.isprintable()
    shown = char.isprintable() and unicodedata.category(char)[0] in "LNPS" and char not in _BLANK
    return shown and unicodedata.bidirectional(char) not in {"R", "AL"}


def _escape(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[place]:02x}{units[place + 1]:02x}" for place in range(0, len(units), 2))
