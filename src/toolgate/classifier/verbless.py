"""What names without a verb say: a noun for doing or for what is told, words written as one, other languages."""

from __future__ import annotations

from collections.abc import Sequence

from toolgate.classifier.lexicon import Lexicon
from toolgate.classifier.parameters import word_set
from toolgate.classifier.reading import HINTS, PROBABLY, Reading
from toolgate.policy.categories import Category

_MAKERS = word_set("generation generator")
_MANAGERS = word_set("manager management")
_GLUED_ENDS = ("thinking", "reasoning", "analysis", "analyzer", "search", "finder", "checker", "viewer")
_GLUED = ("get", "create", "delete", "update", "search", "fetch")
"""Verbs that are taken off a long word without spelling: `getblocknumber`."""


def without_verb(words: Sequence[str], lexicon: Lexicon) -> Reading | None:
    """What the words say; None where they say nothing."""
    return _by_noun(words, lexicon) or _glued(words, lexicon) or _foreign(words, lexicon)


def _by_noun(words: Sequence[str], lexicon: Lexicon) -> Reading | None:
    """A noun for doing, or for what is told, at the end of a name: `face_detection`, `order_status`."""
    if not words:
        return None
    if "to" in words[1:-1]:
        target = words[-1]
        kept = lexicon.has("objects.kept", target)
        return Reading("Write" if kept else "Read", f"name part `to` with `{target}`", HINTS)
    if lexicon.has("objects.answers", words[-1]):
        return Reading("Read", f"name ends with `{words[-1]}`", HINTS)
    if words[-1] in _MANAGERS:
        return Reading("Write", f"name ends with `{words[-1]}`", HINTS)
    if words[-1] in _MAKERS:
        made = any(lexicon.has("objects.kept", word) for word in words)
        return Reading("Write" if made else "Read", f"name ends with `{words[-1]}`", HINTS)
    for word in reversed(words):
        category = lexicon.acts.get(word)
        if category is not None:
            last = word == words[-1] and category != "Execute"
            return Reading(category, f"name part `{word}`", PROBABLY if last else HINTS, word)
    return None


def _glued(words: Sequence[str], lexicon: Lexicon) -> Reading | None:
    if len(words) != 1 or len(words[0]) < 9:
        return None
    asked = next((act for act in _GLUED_ENDS if words[0].endswith(act)), "")
    if asked:
        return Reading("Read", f"name ends with `{asked}`", HINTS)
    begin = next((verb for verb in _GLUED if words[0].startswith(verb)), "")
    if not begin or words[0].endswith(("ing", "ed", "ion", "able")):
        return None
    return Reading(lexicon.verbs[begin].category, f"name begins with `{begin}`", PROBABLY, begin)


def _foreign(words: Sequence[str], lexicon: Lexicon) -> Reading | None:
    for word in words:
        category = stem_category(word, lexicon)
        if category is not None:
            return Reading(category, f"name part `{word}`", PROBABLY, word)
    return None


def stem_category(word: str, lexicon: Lexicon) -> Category | None:
    """The category of a word of another language, by what it begins with; short stems are whole words."""
    found = lexicon.stems.get(word)
    if found is None:
        sizes = range(min(9, len(word)), 3, -1)
        found = next((lexicon.stems[word[:size]] for size in sizes if word[:size] in lexicon.stems), None)
    return found
