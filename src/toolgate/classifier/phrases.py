"""What a text gives away wherever it stands: phrases, and the verbs that it names at all."""

from __future__ import annotations

import re

from toolgate.classifier.lexicon import Lexicon
from toolgate.policy.categories import Category

SHOWN = 80
"""Characters of a description that evidence quotes."""
_DENYING = ("not", "never", "without", "n't", " no", "avoid", "in", "if")
_BESIDE = re.compile(r"[^a-z]+")


def phrase(text: str, kind: str, lexicon: Lexicon) -> str:
    """The first phrase of a kind in a text in lower case that nothing denies, with its surroundings; "" for none."""
    for words in lexicon.phrases.get(kind, ()):
        at = text.find(words)
        if at >= 0 and not text[max(0, at - 10) : at].rstrip().endswith(_DENYING):
            begin = text.rfind(" ", 0, max(0, at - 20)) + 1
            return " ".join(text[begin : begin + SHOWN].split())
    return ""


def listed_categories(text: str, lexicon: Lexicon) -> dict[Category, str]:
    """The verbs that a text names at all, by category: what a tool does that does whatever it is asked to."""
    found: dict[Category, str] = {}
    for word in _BESIDE.split(text.lower()):
        verb = lexicon.forms.get(word)
        if verb is not None and verb.kind == "plain":
            found.setdefault(verb.category, word)
    if not text.isascii():
        for sign, category in lexicon.signs:
            if sign in text:
                found.setdefault(category, sign)
    return found
