"""The hazards that any text can have, whatever it belongs to, and its weight."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from toolgate.classifier.hazards.hazard import Hazard
from toolgate.classifier.hazards.hidden import hidden
from toolgate.classifier.hazards.instructions import instructions
from toolgate.classifier.hazards.letters import strange_letters
from toolgate.classifier.hazards.texts import Survey, Text

HEAVY: Final = 2_000
"""Tokens of one definition from which on it is worth a word; half of the tools of the data take fewer than 150."""
_LETTERS_A_TOKEN: Final = 4
_SENTENCE: Final = 12
"""Characters of the shortest text that can tell anybody anything."""
_SAME_RULE: Final = 3
"""Places that one rule names in one definition: the fourth says nothing new."""


def of_texts(found: Survey) -> Iterator[Hazard]:
    """The hazards of every text, and of there being more than was read."""
    if found.cut:
        yield Hazard("unread-definition", "", f"was not read to its end: {found.cut}")
    for each in found.texts:
        yield from _of_text(each)


def _of_text(each: Text) -> Iterator[Hazard]:
    if each.named:
        yield from strange_letters(each.place, each.text)
    yield from hidden(each.place, each.text)
    if len(each.text) >= _SENTENCE:
        yield from instructions(each.place, each.text, named=each.named)


def weight(found: Survey) -> int:
    """About how many tokens of a model's context these texts take."""
    return sum(len(each.text) + 4 for each in found.texts) // _LETTERS_A_TOKEN


def heavy(found: Survey) -> Iterator[Hazard]:
    """The hazard of a weight that is worth a word."""
    tokens = weight(found)
    if tokens > HEAVY:
        yield Hazard("heavy-definition", "", f"takes about {tokens:,} tokens of a model's context")


def few_of_each(found: Iterable[Hazard]) -> Iterator[Hazard]:
    """No hazard twice, and no more than a few of one rule."""
    counts: dict[str, int] = {}
    for each in dict.fromkeys(found):
        counts[each.rule] = counts.get(each.rule, 0) + 1
        if counts[each.rule] <= _SAME_RULE:
            yield each
