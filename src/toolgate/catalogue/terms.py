"""The words that texts are found by: in lower case, without accents; signs of scripts without spaces count one each."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from toolgate.classifier.parameters import words_of

LONGEST: Final = 40
"""Characters of a word that count."""
READ: Final = 8_000
"""Characters of a text that are looked at."""
_ASCII: Final = re.compile(r"[a-z0-9]+")
_SPACELESS: Final = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff"
)
_WORD: Final = re.compile(f"[{_SPACELESS}]|[^\\W_{_SPACELESS}]+")


def terms(text: str) -> list[str]:
    """The words of running text, in its order."""
    read = text[:READ]
    if read.isascii():
        return [word[:LONGEST] for word in _ASCII.findall(read.lower())]
    return [word[:LONGEST] for word in _WORD.findall(_plain(read))]


def name_terms(name: str) -> list[str]:
    """The words of a name in snake, camel, kebab or dotted spelling."""
    return [term for word in words_of(name[:READ]) for term in terms(word)]


def whole(words: list[str]) -> str:
    """Words as one, for whoever writes `createissue`; "" for none."""
    return "".join(words)[:LONGEST]


def _plain(text: str) -> str:
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in parts if not unicodedata.category(char).startswith("M"))
