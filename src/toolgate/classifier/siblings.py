"""What the other tools of a server and its name say of one: a product's name in front, what the server is for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from toolgate.classifier.lexicon import Lexicon
from toolgate.classifier.parameters import word_set, words_of
from toolgate.classifier.reading import Setting
from toolgate.policy.categories import Category

_FEW, _MOST_NAME = 3, 200
_SHARE, _HALF = 0.8, 0.5
_LONG = 7
_SCREEN_VERBS = word_set("click hover drag type tap swipe navigate scroll screenshot press")
_MARKET_WORDS = word_set(
    "wallet swap stake erc20 token balance portfolio buy sell pay payment payments trade withdraw deposit"
)


def setting_of(server: str, names: Sequence[Sequence[str]], lexicon: Lexicon) -> Setting:
    """What surrounds every tool of a server whose tools have these words in their names."""
    called = frozenset(words_of(server[:_MOST_NAME]))
    counted = Counter(word for words in names for word in frozenset(words))
    return Setting(
        money=_is(called, "money", lexicon)
        or sum(counted[word] for word in _MARKET_WORDS) >= max(_FEW, len(names) / 4),
        screen=_is(called, "screen", lexicon) or sum(1 for verb in _SCREEN_VERBS if counted[verb]) >= _FEW,
        shell=_is(called, "shell", lexicon),
        prefix=_prefix(names, called, lexicon),
    )


def _is(called: frozenset[str], purpose: str, lexicon: Lexicon) -> bool:
    """Whether a server's name tells a purpose; long words also as the beginning of a product's name."""
    known = lexicon.alone[f"purposes.{purpose}"]
    return any(word in known or any(word.startswith(each) for each in known if len(each) >= _LONG) for word in called)


def within(setting: Setting, words: Sequence[str], amount: str, lexicon: Lexicon) -> Setting:
    """The setting of one tool: its own name counts too."""
    return setting._replace(
        screen=setting.screen or any(lexicon.has("purposes.screen", word) for word in words[:2]),
        amount=amount,
    )


def _prefix(names: Sequence[Sequence[str]], called: frozenset[str], lexicon: Lexicon) -> tuple[str, ...]:
    """The words that (nearly) all names begin with; a verb counts as a product's name only where a verb follows it."""
    found: list[str] = []
    rest = [words for words in names if len(words) > 1]
    while len(rest) >= _FEW and len(rest) >= _SHARE * len(names):
        word, times = Counter(words[0] for words in rest).most_common(1)[0]
        if times < _SHARE * len(names) or not _is_product(word, rest, called, lexicon):
            break
        found.append(word)
        rest = [words[1:] for words in rest if words[0] == word and len(words) > 2]
    return tuple(found)


def _is_product(word: str, names: Sequence[Sequence[str]], called: frozenset[str], lexicon: Lexicon) -> bool:
    if word not in lexicon.verbs:
        return True
    followed = sum(1 for words in names if words[0] == word and words[1] in lexicon.verbs)
    return followed >= _SHARE * len(names) or (word in called and followed * 2 >= len(names))


def learned(names: Sequence[Sequence[str]], known: Mapping[int, Category]) -> dict[int, tuple[Category, str]]:
    """For tools that nothing speaks of: the category of those whose names begin or end alike, and what says so.

    Where half the tools of a server read, a name that is nothing but a plural (`courses`) is taken to read too.
    """
    votes: dict[tuple[int, str], Counter[Category]] = {}
    for at, category in known.items():
        for end in (0, -1):
            if names[at]:
                votes.setdefault((end, names[at][end]), Counter())[category] += 1
    reads = len(known) >= _FEW and Counter(known.values())["Read"] >= _HALF * len(known)
    return {
        at: vote
        for at, words in enumerate(names)
        if at not in known and words and (vote := _vote(words, votes) or (_plural(words[-1]) if reads else None))
    }


def _vote(words: Sequence[str], votes: Mapping[tuple[int, str], Counter[Category]]) -> tuple[Category, str] | None:
    for end in (0, -1):
        counted = votes.get((end, words[end]))
        if counted is not None:
            category, times = counted.most_common(1)[0]
            if times >= 2 and times >= _SHARE * counted.total():
                return category, f"other tools with `{words[end]}` in their name"
    return None


def _plural(word: str) -> tuple[Category, str] | None:
    plural = len(word) > 3 and word.endswith("s") and not word.endswith("ss")
    return ("Read", f"name ends with `{word}`, and the other tools of the server read") if plural else None
