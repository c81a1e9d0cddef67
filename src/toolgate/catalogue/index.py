"""What servers and tools are found by: their words, facets to filter by, and the words that exist, for spelling."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

from toolgate.catalogue.entries import ServerEntry
from toolgate.catalogue.terms import name_terms, terms, whole

SHORTEST: Final = 3
"""Letters of a word that may be misspelt."""


def facet(kind: str, value: str) -> str:
    """The word of an index that stands for one value of a filter: of letters and digits, whatever the value is."""
    return f"{kind}x{value.encode('utf-8', 'surrogatepass').hex()}"


def index_tool(db: sqlite3.Connection, id_: int, name: str, server: str, about: str, facets: Iterable[str]) -> None:
    """Make a tool found, instead of what was known of it."""
    words = name_terms(name)
    row = (id_, whole(words), " ".join(words), " ".join(name_terms(server)), " ".join(terms(about)), " ".join(facets))
    db.execute(
        "INSERT OR REPLACE INTO tool_words (rowid, whole, name, server, about, facets) VALUES (?,?,?,?,?,?)", row
    )
    learn(db, words)


def index_server(db: sqlite3.Connection, id_: int, server: ServerEntry, facets: Iterable[str]) -> None:
    """Make a server found, instead of what was known of it."""
    words = name_terms(server.name)
    about = terms(f"{server.title} {server.package} {server.about}")
    row = (id_, whole(words), " ".join(words), " ".join(about), " ".join(facets))
    db.execute("INSERT OR REPLACE INTO server_words (rowid, whole, name, about, facets) VALUES (?,?,?,?,?)", row)
    learn(db, words)


def learn(db: sqlite3.Connection, words: Sequence[str]) -> None:
    """Note that these words exist."""
    rows = [(gram, word) for word in words if len(word) >= SHORTEST for gram in grams(word)]
    db.executemany("INSERT OR IGNORE INTO grams VALUES (?, ?)", rows)


def grams(word: str) -> set[str]:
    """The pairs of neighbouring letters of a word, with its ends."""
    return {first + second for first, second in pairwise(f"^{word}$")}
