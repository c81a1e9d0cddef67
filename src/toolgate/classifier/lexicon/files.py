"""The lexicon that comes with the classifier, and what a file adds to it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from toolgate.classifier.lexicon.entries import Entry, entries_of
from toolgate.classifier.lexicon.words import Lexicon, lexicon_of

_FOLDER = Path(__file__).parent


def _texts() -> dict[str, str]:
    return {path.name: path.read_text("utf-8") for path in sorted(_FOLDER.glob("*.toml"))}


def digest(rules: int) -> str:
    """A short name of the shipped data together with the number of the rules; reads the files, parses nothing."""
    data = "\0".join(_texts().values()).encode()
    return f"{rules}-{hashlib.sha256(data).hexdigest()[:8]}"


def shipped_entries() -> list[Entry]:
    """All entries that come with the classifier."""
    return [entry for name, text in _texts().items() for entry in entries_of(text, name)]


@cache
def shipped() -> Lexicon:
    """The lexicon that comes with the classifier; read when first asked for."""
    return lexicon_of(shipped_entries())


def extended(text: str, place: str) -> Lexicon:
    """The shipped lexicon with the entries of a file, which override what it says of the same words.

    Raises ToolgateError, naming `place` and the entry, where the file is not a lexicon.
    """
    return lexicon_of(_overridden(shipped_entries(), entries_of(text, place)))


def _overridden(old: Iterable[Entry], new: list[Entry]) -> list[Entry]:
    said = {(entry.slot, entry.word) for entry in new if entry.slot != "objects"}
    # What a word does is said once, by a verb of whatever kind.
    said |= {(slot, entry.word) for entry in new for slot in _DOING if entry.slot in _DOING}
    return [*(entry for entry in old if (entry.slot, entry.word) not in said), *new]


_DOING = ("verbs", "light", "open")


def is_verb(word: str) -> bool:
    """Whether a word, in lower case, says what a tool does."""
    return word in shipped().verbs
