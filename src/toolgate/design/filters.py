"""What templates may do with values: show a stranger's text so that nothing hides in it, and a moment as `<time>`."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Final

import msgspec
from markupsafe import Markup, escape

from toolgate.store.legible import legible, legible_lines

_ANY: Final = ("utf-8", "surrogatepass")
"""How text of a stranger is encoded, half a pair of surrogates included."""


def time(moment: float | str) -> Markup:
    """Epoch seconds, or RFC 3339 text as `store.described` writes it, for people and programs alike; in UTC."""
    read = datetime.fromisoformat(moment) if isinstance(moment, str) else datetime.fromtimestamp(moment, UTC)
    exact = read.astimezone(UTC).isoformat()  # digits and signs alone: nothing to escape
    return Markup(f'<time datetime="{exact[:19]}Z">{exact[:10]} {exact[11:16]} UTC</time>')  # noqa: S704


def pretty(value: object) -> str:
    """A JSON value over several lines, everything that is not plainly visible escaped."""
    line = json.dumps(value, ensure_ascii=False)  # with an indent of its own it is six times as slow
    return legible_lines(msgspec.json.format(line.encode(*_ANY), indent=2).decode(*_ANY))


def cut(text: str, length: int = 200) -> str:
    """The beginning of a long text, on one line."""
    line = " ".join(text[: 4 * length].split())
    return line if len(line) <= length and len(text) <= 4 * length else line[: length - 1].rstrip() + "…"


def beginning(text: str, length: int = 20_000) -> str:
    """A long text up to a bound, which a page must keep; the twin has it whole."""
    return text if len(text) <= length else f"{text[:length]}\n… and {len(text) - length} more characters"


def words(text: str) -> Markup:
    """A sentence of an error: what stands between backticks is somebody's own words, and shown as code."""
    parts = legible(text).split("`")
    if len(parts) % 2 == 0:
        return escape(legible(text))
    coded = (f"<code>{escape(part)}</code>" if place % 2 else escape(part) for place, part in enumerate(parts))
    return Markup("".join(coded))  # noqa: S704 - each part is escaped


FILTERS = {
    "words": words,
    "legible": legible,
    "legible_lines": legible_lines,
    "time": time,
    "pretty": pretty,
    "cut": cut,
    "beginning": beginning,
}
