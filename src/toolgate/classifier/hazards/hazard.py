"""One thing in a definition that a person should look at before an agent reads it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(slots=True, frozen=True)
class Hazard:
    """`rule` is the stable id of its kind. `place` is where in the definition, as `inputSchema.properties.a.title`.

    `detail` says what it is, in words of ours; `quote` is the text of the definition that shows it (a sentence as a
    model reads it: in lower case, without invisible characters), at most 200 characters, not escaped.
    """

    rule: str
    place: str
    detail: str
    quote: str = ""


SHOWN: Final = 200
_AROUND: Final = 30


def excerpt(text: str, start: int = 0, end: int | None = None) -> str:
    """What stands between two places of a text, with a little of its surroundings, cut to what a quote may hold."""
    end = len(text) if end is None else end
    first = max(0, start - _AROUND)
    if first:  # at the beginning of a word
        first = text.find(" ", first, start) + 1 or first
    return text[first : min(max(end + _AROUND, first + 2 * _AROUND), first + SHOWN)]
