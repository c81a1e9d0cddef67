"""Names that look like others: letters of several alphabets in one word, or a word that only looks Latin."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final

from toolgate.classifier.hazards.hazard import Hazard, excerpt
from toolgate.classifier.parameters import words_of

_PAIRS: Final = (
    ("аеорсухіјѕһԁԛԝкмтвнгԍ", "aeopcyxijshdqwkmtbhrg"),
    ("АВЕКМНОРСТХУІЈЅҮ", "abekmhopctxyijsy"),
    ("οανικρτυχεηωγ", "oavikptuxenwy"),
    ("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "abezhikmnoptyx"),
    ("ոսօհցզ", "nuohgq"),
    ("ıɡɩʟɑᴀᴄᴏᴜᴠᴡᴢ", "igilaacouvwz"),
)
"""Letters and the Latin ones that they are taken for."""
_LOOKS: Final = {ord(letter): latin for letters, looks in _PAIRS for letter, latin in zip(letters, looks, strict=True)}
_ALIKE: Final = str.maketrans({"0": "o", "1": "l", "i": "l", "|": "l"})
_USUAL: Final = frozenset(
    (
        *("get", "set", "list", "read", "write", "add", "create", "update", "edit", "save", "send", "copy", "move"),
        *("open", "close", "delete", "remove", "search", "find", "fetch", "query", "run", "exec", "execute", "call"),
        *("post", "put", "pay", "transfer", "file", "files", "path", "user", "email", "mail", "message", "token"),
        *("key", "name"),
    )
)
"""Words of names that somebody would want to be taken for."""
_TOGETHER: Final = frozenset({"CJK", "HIRAGANA", "KATAKANA", "HANGUL", "KATAKANA-HIRAGANA", "BOPOMOFO"})
"""Scripts that one language writes side by side, and beside Latin."""


def skeleton(name: str) -> str:
    """What a name looks like: equal for two that a person cannot tell apart at a glance."""
    return _latin(name).translate(_ALIKE).replace("rn", "m").replace("vv", "w")


def _latin(name: str) -> str:
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFKC", name).translate(_LOOKS).lower()


def strange_letters(place: str, name: str) -> Iterator[Hazard]:
    """Letters in a name that are not what they look like."""
    if name.isascii():
        return
    mixed = next((word for word in words_of(name) if len(_scripts(word)) > 1), "")
    if mixed:
        detail = f"mixes {' and '.join(sorted(_scripts(mixed)))} letters in one word"
        yield Hazard("look-alike-letters", place, detail, excerpt(name))
    elif any(not word.isascii() and _latin(word) in _USUAL for word in words_of(name)):
        detail = f"reads as `{_latin(name)[:80]}` and is written with other letters"
        yield Hazard("look-alike-letters", place, detail, excerpt(name))


def _scripts(word: str) -> set[str]:
    named = {unicodedata.name(letter, "?").partition(" ")[0] for letter in word if letter.isalpha()}
    return named - _TOGETHER if named & _TOGETHER else named


def alike(name: str, others: Iterable[str]) -> str:
    """The first other name that looks the same and is not; "" for none. Plain names differ by more than their case."""
    looks = skeleton(name)
    return next((other for other in others if other.lower() != name.lower() and skeleton(other) == looks), "")
