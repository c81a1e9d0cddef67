"""A lexicon as the rules ask it: each question one look into a dictionary."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from toolgate.classifier.lexicon.entries import Entry
from toolgate.policy.categories import PRECEDENCE, Category

Kind = Literal["plain", "noun", "money", "light", "open"]
_KINDS: dict[str, Kind] = {"also-nouns": "noun", "of-money": "money"}


class Verb(NamedTuple):
    """What a verb means. A `noun` names things as often; of `money` is Financial only where it moves money; `light` and
    `open` ones mean what their object or the text says, and their category where neither says anything."""

    word: str
    category: Category
    kind: Kind


@dataclass(frozen=True, slots=True)
class Lexicon:
    """All that the rules know of words. `forms` has the verbs with `-s` and `-ing`, as sentences have them."""

    verbs: Mapping[str, Verb]
    forms: Mapping[str, Verb]
    acts: Mapping[str, Category]
    pairs: Mapping[tuple[str, str], Category]
    alone: Mapping[str, frozenset[str]]
    signs: tuple[tuple[str, Category], ...]
    stems: Mapping[str, Category]
    phrases: Mapping[str, tuple[str, ...]]
    version: str

    def has(self, table: str, word: str) -> bool:
        """Whether a word stands in a table such as `objects.money`."""
        return word in self.alone[table]


def lexicon_of(entries: Iterable[Entry]) -> Lexicon:
    """The lexicon of these entries; where a word stands twice in tables of one kind the later counts."""
    tables: dict[str, list[str]] = defaultdict(list)
    for entry in entries:
        tables[entry.table].append(entry.word)
    verbs = _verbs(tables)
    signs = _by_category(tables, "signs")
    return Lexicon(
        verbs=verbs,
        forms=_forms(verbs),
        acts=_by_category(tables, "acts"),
        pairs={_pair(words): category for words, category in _by_category(tables, "pairs").items()},
        alone=defaultdict(frozenset, {table: frozenset(words) for table, words in tables.items()}),
        signs=tuple(sorted(signs.items(), key=lambda pair: (-len(pair[0]), pair[0]))),
        stems=_by_category(tables, "stems"),
        phrases={table.partition(".")[2]: tuple(words) for table, words in tables.items() if "phrases." in table},
        version=_digest(tables),
    )


def _verbs(tables: Mapping[str, list[str]]) -> dict[str, Verb]:
    found: dict[str, Verb] = {}
    for table, words in tables.items():
        slot, _, rest = table.partition(".")
        kind, _, special = rest.partition(".")
        if slot in ("verbs", "light", "open"):
            category = next(each for each in PRECEDENCE if each == kind)
            sort: Kind = "light" if slot == "light" else "open" if slot == "open" else _KINDS.get(special, "plain")
            found.update((word, Verb(word, category, sort)) for word in words)
    return found


def _by_category(tables: Mapping[str, list[str]], slot: str) -> dict[str, Category]:
    return {word: category for category in PRECEDENCE for word in tables.get(f"{slot}.{category}", ())}


def _pair(words: str) -> tuple[str, str]:
    verb, _, target = words.partition(" ")
    return verb, target


def _forms(verbs: Mapping[str, Verb]) -> dict[str, Verb]:
    """The verbs as sentences have them; a form that is a verb of its own stays that one."""
    made = {form: verb for word, verb in verbs.items() if len(word) > 2 for form in _inflected(word)}
    return {**made, **verbs}


def _inflected(word: str) -> tuple[str, ...]:
    stem = word[:-1]
    if word.endswith("y") and stem[-1] not in "aeiou":
        return (f"{stem}ies", f"{word}ing")
    if word.endswith("e"):
        return (f"{word}s", f"{stem}ing", f"{word}ing")
    ends = "es" if word.endswith(("s", "sh", "ch", "x", "z", "o")) else "s"
    return (f"{word}{ends}", f"{word}ing", f"{word}{word[-1]}ing")


def _digest(tables: Mapping[str, list[str]]) -> str:
    text = "\0".join(f"{table}\1{word}" for table in sorted(tables) for word in sorted(tables[table]))
    return hashlib.sha256(text.encode()).hexdigest()[:8]
