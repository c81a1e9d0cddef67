"""A changed definition at a terminal: place by place, long texts by sentences, nothing hidden in them."""

from __future__ import annotations

from typing import Final

from toolgate.cli import printing
from toolgate.cli.administration import Described
from toolgate.store.drift import places
from toolgate.store.legible import legible

_COLOURS: Final = {"+": "green", "-": "red"}
_VERSION: Final = 12
"""Digits of a fingerprint that are shown."""


def print_change(change: Described) -> None:
    """What a withheld version says otherwise than the one in force; of a new tool, what it says."""
    printing.say(_head(change))
    for place in places(change["differences"]):
        kind = "" if change["before"] is None else f"  ({place['kind']})"
        printing.say(f"  {legible(place['place'])}{kind}")
        for sign, text in place["lines"]:
            printing.say(f"    {sign} {legible(text)}".rstrip(), _COLOURS.get(sign))


def accept_word(change: Described) -> str:
    """What `--accept` takes for exactly this version; without the name where that could not be copied as it is."""
    name = change["name"]
    return f"{name if legible(name) == name else ''}={change['after']}"


def _head(change: Described) -> str:
    version = f"version {change['after'][:_VERSION]}, seen {change['seen']}"
    name, category = legible(change["name"]), change["category"] or "not judged"
    if change["before"] is None:
        return f"{name} is new ({category}), {version}"
    before = change["category_before"] or "not judged"
    judged = category if before == category else f"{before} becomes {category}"
    return f"{name} changed ({judged}), {version}"
