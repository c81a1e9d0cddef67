"""What the name of a tool says: `get_refund` reads, `refund_order` does not. Words count by where they stand."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from itertools import pairwise

from toolgate.classifier.lexicon import Lexicon, Verb
from toolgate.classifier.meaning import Meant, meaning, unmistaken
from toolgate.classifier.parameters import word_set, words_of
from toolgate.classifier.reading import HINTS, PROBABLY, SAYS, Reading, Setting
from toolgate.classifier.verbless import without_verb
from toolgate.policy.categories import PRECEDENCE

_LONGEST = 512
_MOST = 40
_ENDS = word_set("by for of from with in on at into as per to")
_PLAIN = word_set("get list search find fetch create update delete add set remove send read write")
_LOOKS = str.maketrans("аеорсухіјѕкмтвнοανρτυ", "aeopcyxijskmtbhoavptu")
"""Cyrillic and Greek letters, and the Latin ones that they are taken for."""
_ASKS = word_set(
    "get list search find fetch read check show view is are has can describe count validate verify simulate estimate "
    "preview calculate"
)
_EMPTY = word_set("tool tools of v1 v2 v3 mcp function")
_AFTER = word_set("by for of from with")
_STATES = word_set("status progress")
_SETTING = word_set("set update change create add post send edit modify put write save toggle switch mark report")
"""`sync_status` asks, `update_status` does not."""
TOWARDS = word_set("to into in on")
"""Between a verb and what it is done to: `attach_to_process`."""


def name_words(name: str) -> tuple[str, ...]:
    """The words of a tool's name, at most 40; letters that look Latin beside Latin ones are read as Latin."""
    short = name[:_LONGEST]
    words = words_of(short if short.isascii() else unicodedata.normalize("NFKC", short))[:_MOST]
    return words if short.isascii() else tuple(_plain(word) for word in words)


def _plain(word: str) -> str:
    looks = word.translate(_LOOKS)
    return looks if looks.isascii() and any(letter.isascii() and letter.isalpha() for letter in word) else word


def by_name(words: Sequence[str], setting: Setting, lexicon: Lexicon) -> Reading | None:
    """What the words say; None where they say nothing."""
    alone = len(words) == 1
    words = _bare(words, setting)
    words = unmistaken(words)
    joined = " ".join(words)
    if not joined.isascii():
        sign = next((pair for pair in lexicon.signs if pair[0] in joined), None)
        if sign is not None:
            return Reading(sign[1], f"name part `{sign[0]}`", PROBABLY, sign[0])
    pair = _pair(words, lexicon)
    if pair is not None:
        return pair
    place = _verb_place(words, lexicon)
    if place is None:
        return without_verb(words, lexicon)
    return _at(words, place, setting, lexicon, alone=alone)


def _bare(words: Sequence[str], setting: Setting) -> Sequence[str]:
    """The words without those that all tools of the server begin with, and without what says nothing at the end."""
    length = len(setting.prefix)
    if length and len(words) > length and tuple(words[:length]) == setting.prefix:
        words = words[length:]
    last = len(words)
    while last > 1 and (words[last - 1] in _EMPTY or words[last - 1].isdigit()):
        last -= 1
    return words[:last]


def _pair(words: Sequence[str], lexicon: Lexicon) -> Reading | None:
    """Two words that mean something together, side by side or at both ends, unless the name asks for it."""
    if len(words) > 2 and _ENDS.isdisjoint(words) and _is_noun(words[0], lexicon):
        category = lexicon.pairs.get((words[0], words[-1]))
        if category is not None:
            return Reading(category, f"name part `{words[0]}` with `{words[-1]}`", SAYS, words[0], words[-1])
    for at, pair in enumerate(pairwise(words)):
        category = lexicon.pairs.get(pair)
        if category is not None and not (at and category == "Read" and _changes(words[0], lexicon)):
            return Reading(category, f"name part `{pair[0]}` with `{pair[1]}`", SAYS, pair[0], pair[1])
        if words[at] in _ASKS or (at == 0 and _deletes(words[at], lexicon)):
            return None
    return None


def _changes(word: str, lexicon: Lexicon) -> bool:
    """Whether what a name begins with changes something, so that a question behind it is what is changed."""
    verb = lexicon.verbs.get(word)
    return verb is not None and verb.kind in ("plain", "money") and verb.category != "Read"


def _is_noun(word: str, lexicon: Lexicon) -> bool:
    verb = lexicon.verbs.get(word)
    return verb is not None and verb.kind == "noun"


def _deletes(word: str, lexicon: Lexicon) -> bool:
    verb = lexicon.verbs.get(word)
    return verb is not None and verb.category == "Destructive"


def _verb_place(words: Sequence[str], lexicon: Lexicon) -> int | None:
    """Which word is the verb: names begin or end with it, or have it behind the name of a product."""
    end = next((at for at, word in enumerate(words) if at and word in _AFTER), len(words))
    verbs = [(place, verb) for place, word in enumerate(words[:end]) if (verb := lexicon.verbs.get(word))]
    if not verbs:
        return None
    strong = [(place, verb) for place, verb in verbs if verb.kind != "noun"]
    if not strong:
        return verbs[0][0]
    (first, verb), (last, other) = strong[0], strong[-1]
    if last == len(words) - 1 and last > first and _ends_with_verb(verb, first, other, verbs[0][0]):
        return last
    # `close_list_activities`: what stands before a plain question is the name of something.
    if first == 0 and len(words) > 2 and words[1] in _PLAIN and words[0] not in _PLAIN and verb.category != "Read":
        return 1
    return first


def _ends_with_verb(first: Verb, place: int, last: Verb, begin: int) -> bool:
    """Whether a name goes by its last word although another verb stands before it: `list_delete`, `vm_create`."""
    if last.word == "get" and first.category not in ("Destructive", "Financial"):
        return True
    if place == 0 and begin == 0:
        named = first.word == "list" or (first.category == "Read" and first.word not in _ASKS)
        return named and (last.category == "Destructive" or (last.category != "Read" and last.word in _PLAIN))
    # `inbox_mark_all_read`: what was marked is the state, not the verb.
    return first.word not in _ASKS and not (last.word == "read" and first.category != "Read")


def _at(words: Sequence[str], place: int, setting: Setting, lexicon: Lexicon, *, alone: bool) -> Reading:
    verb = lexicon.verbs[words[place]]
    last = words[-1]
    objects = _objects(words, place)
    named = verb.kind in ("noun", "money") or verb.category == "Financial"
    if named and verb.category != "Read" and len(words) > 1 and lexicon.has("objects.answers", last):
        return Reading("Read", f"name ends with `{last}`", PROBABLY)
    if len(words) == 2 and last in _STATES and verb.category in ("Write", "Execute") and verb.word not in _SETTING:
        return Reading("Read", f"name ends with `{last}`", PROBABLY)
    meant = meaning(verb, objects, setting, lexicon)
    meant = max((meant, *_joined(words, place, setting, lexicon)), key=lambda each: PRECEDENCE.index(each.category))
    weight = SAYS
    if verb.kind == "noun" and not alone:
        weight = PROBABLY if place == 0 else HINTS
    elif (
        place
        and place == len(words) - 1
        and verb.word not in _PLAIN
        and meant.category not in ("Destructive", "Financial")
    ) or (verb.kind in ("light", "open") and not meant.beside):
        weight = PROBABLY
    beside = f" with `{meant.beside}`" if meant.beside and meant.beside != verb.word else ""
    return Reading(meant.category, f"name part `{verb.word}`{beside}", weight, verb.word, meant.beside)


def _objects(words: Sequence[str], place: int) -> Sequence[str]:
    """What the verb is done to: what follows it, up to `by` or `for`; where it stands last, what precedes it."""
    after = words[place + 1 :]
    if not after:
        return words[:place]
    if after[0] in TOWARDS:
        after = after[1:]
    end = next((at for at, word in enumerate(after) if word in _ENDS), len(after))
    return after[:end]


def _joined(words: Sequence[str], place: int, setting: Setting, lexicon: Lexicon) -> Iterator[Meant]:
    """What further verbs mean that `and` or `or` adds: `create_or_update`, `search_and_delete`."""
    for at in range(place + 1, len(words) - 1):
        verb = lexicon.verbs.get(words[at + 1])
        if words[at] in ("and", "or") and verb is not None and verb.kind != "noun":
            yield meaning(verb, words[at + 2 :], setting, lexicon)
