"""One thing in a definition that a person should look at before an agent reads it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True, frozen=True)
class Hazard:
    """`rule` is the stable id of its kind. `place` is where in the definition, as `inputSchema.properties.a.title`.

    `detail` says what it is, in words of ours; `quote` is the text of the definition that shows it, never longer than
    200 characters and not escaped.
    """

    rule: str
    place: str
    detail: str
    quote: str = ""


SHOWN = 200


def excerpt(text: str, start: int = 0, end: int | None = None) -> str:
    """What stands between two places of a text, with a little of its surroundings, cut to what a quote may hold."""
    end = len(text) if end is None else end
    first = max(0, start - 30)
    return text[first : min(len(text), max(end + 30, first + 60), first + SHOWN)]
