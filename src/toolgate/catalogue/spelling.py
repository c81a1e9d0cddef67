"""Words that are meant where one is misspelt: those of names in the catalogue, one or two edits away."""

from __future__ import annotations

from collections.abc import Sequence
from sqlite3 import Connection
from typing import Final

from toolgate.catalogue.index import SHORTEST, grams

_TWO: Final = 6
"""Letters from which on two edits are allowed, one below."""
_LOST: Final = 3
"""Pairs of letters that one edit changes at most: two letters that changed places."""
_CANDIDATES: Final = 200
_SHOWN: Final = 6
"""Words that are taken for one."""


def meant(db: Connection, word: str) -> list[str]:
    """The words of names that are likest, all as many edits away, those first that are used most.

    Where none is like it, some that hold it.
    """
    edits = 0 if len(word) < SHORTEST else 1 if len(word) < _TWO else 2
    nearest: dict[int, list[str]] = {}
    for each in _candidates(db, word, edits) if edits else ():
        nearest.setdefault(distance(word, each, edits), []).append(each)
    alike = next((nearest[far] for far in range(1, edits + 1) if far in nearest), [])
    common = used(db, alike)
    return sorted(alike, key=lambda each: (-common.get(each, 0), each))[:_SHOWN] or _holding(db, word)


def used(db: Connection, words: Sequence[str]) -> dict[str, int]:
    """In how many tools each of these words occurs, those that occur."""
    query = f"SELECT term, doc FROM vocabulary WHERE term IN ({', '.join('?' * len(words))})"  # noqa: S608
    return dict(db.execute(query, tuple(words)))


def distance(one: str, other: str, most: int) -> int:
    """Letters to insert, remove, replace, or neighbours to exchange; some number beyond `most` where there are more."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: Sequence[int] = []
    above: Sequence[int] = range(len(other) + 1)
    for row, letter in enumerate(one, start=1):
        current = _row(row, letter, one, other, above, before)
        if min(current) > most:
            return most + 1
        before, above = above, current
    return above[-1]


def _row(row: int, letter: str, one: str, other: str, above: Sequence[int], before: Sequence[int]) -> list[int]:
    current = [row]
    for place, char in enumerate(other, start=1):
        least = min(above[place] + 1, current[-1] + 1, above[place - 1] + (letter != char))
        if row > 1 and place > 1 and letter == other[place - 2] and one[row - 2] == char:
            least = min(least, before[place - 2] + 1)
        current.append(least)
    return current


def _candidates(db: Connection, word: str, edits: int) -> list[str]:
    pairs = sorted(grams(word))
    shared = max(len(pairs) - edits * _LOST, 1)
    query = (
        f"SELECT word FROM grams WHERE gram IN ({', '.join('?' * len(pairs))}) AND length(word) BETWEEN ? AND ?"  # noqa: S608
        " GROUP BY word HAVING count(*) >= ? ORDER BY count(*) DESC, word LIMIT ?"
    )
    values = (*pairs, len(word) - edits, len(word) + edits, shared, _CANDIDATES)
    return [found for (found,) in db.execute(query, values)]


def _holding(db: Connection, word: str) -> list[str]:
    query = "SELECT word FROM grams WHERE gram = ? AND instr(word, ?) > 0 ORDER BY length(word), word LIMIT ?"
    return [found for (found,) in db.execute(query, (word[:2], word, _SHOWN)) if found != word]
