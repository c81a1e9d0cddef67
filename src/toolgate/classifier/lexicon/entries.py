"""The format of a lexicon file: tables that say what their words mean, words that stand with an example."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from toolgate.errors import ToolgateError
from toolgate.policy.categories import PRECEDENCE

MOST = 20_000
"""Entries that a lexicon may have."""
_LONGEST_WORD, _LONGEST_EXAMPLE = 60, 200
_MEND = "see docs/classifier.md for the tables that there are"


def _by_category(kind: str) -> tuple[str, ...]:
    return tuple(f"{kind}.{category}" for category in PRECEDENCE)


KINDS: tuple[str, ...] = (
    *_by_category("verbs"),
    *(f"verbs.{category}.also-nouns" for category in PRECEDENCE),
    "verbs.Financial.of-money",
    *_by_category("light"),
    *_by_category("acts"),
    *_by_category("pairs"),
    *_by_category("signs"),
    *_by_category("stems"),
    "open.Write",
    *(
        f"objects.{kind}"
        for kind in [
            "money",
            "maybe-money",
            "payment",
            "moving",
            "orders",
            "paid",
            "neutral",
            "answers",
            "kept",
            "languages",
            "asking",
        ]
    ),
    *(f"phrases.{kind}" for kind in ["permanent", "overwrites", "replaces", "spends", "keeps", "reads"]),
    *(f"purposes.{kind}" for kind in ["money", "screen", "acting", "shell"]),
)
"""Every table that a lexicon may have."""


class Entry(NamedTuple):
    """`word` means what `table` says; `example` is a tool's name, or a description where it has spaces."""

    table: str
    word: str
    example: str

    @property
    def slot(self) -> str:
        """The kind of table: of one kind a word stands in one table only."""
        return self.table.partition(".")[0]


def entries_of(text: str, place: str) -> list[Entry]:
    """The entries of a lexicon file. Raises ToolgateError, naming `place`, for anything that is not one."""
    try:
        read = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ToolgateError(place, f"is not TOML: {error}", "mend the line") from error
    found = list(_tables(read, "", place))
    if len(found) > MOST:
        raise ToolgateError(place, f"has more than {MOST} entries", "leave out what the classifier knows already")
    return found


def _tables(table: Mapping[str, object], path: str, place: str) -> Iterator[Entry]:
    for key, value in table.items():
        here = f"{path}.{key}" if path else key
        if isinstance(value, dict) and any(kind == here or kind.startswith(f"{here}.") for kind in KINDS):
            yield from _tables(value, here, place)
        elif path in KINDS and not isinstance(value, dict):
            yield _entry(path, key, value, place)
        else:
            raise ToolgateError(f"{place}: [{here}]"[:_LONGEST_EXAMPLE], "is no table of a lexicon", _MEND)


def _entry(table: str, word: str, example: object, place: str) -> Entry:
    where = f"{place}: [{table}] {word[:_LONGEST_WORD]}"
    if not word or word != word.lower() or word != " ".join(word.split()) or len(word) > _LONGEST_WORD:
        cause = f"is not a word or phrase in lower case of at most {_LONGEST_WORD} characters"
        raise ToolgateError(where, cause, "write it as names and sentences have it, in lower case")
    if table.startswith("pairs.") and len(word.split()) > 2:
        raise ToolgateError(where, "is no pair", "write the verb and what it is done to: `close tab`")
    if not isinstance(example, str) or not example.strip() or len(example) > _LONGEST_EXAMPLE:
        raise ToolgateError(where, "has no example", 'write the name of a tool that has it: `word = "word_pages"`')
    return Entry(table, word, example)
