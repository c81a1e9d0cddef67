"""What search in a site of files looks through: lists of words, servers and attacks, and for each shard its tools.

A shard holds the tools that have a word, in their name or that of their server, which begins with the same two letters;
so a search loads three lists and a shard or two. Words that most servers are called by say nothing and are left out.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Final

from toolgate.attacks.case import Case
from toolgate.catalogue.entries import ServerEntry, ToolEntry
from toolgate.catalogue.terms import name_terms
from toolgate.policy.categories import PRECEDENCE
from toolgate.site.searching import words_of
from toolgate.site.verdicts import VERDICTS

_COMMON: Final = 0.04
"""The share of servers from which on a word of their names tells none of them."""


def search_files(servers: Sequence[ServerEntry], tools: Iterable[ToolEntry], cases: Sequence[Case]) -> dict[str, Any]:
    """Name and content (JSON) of each file."""
    place = {server.slug: number for number, server in enumerate(servers)}
    telling = _telling(servers)
    numbers: Counter[str] = Counter()
    shards: dict[str, dict[int, list[list[Any]]]] = defaultdict(lambda: defaultdict(list))
    for tool in tools:
        number = place[tool.server_slug]
        words = list(dict.fromkeys((*_words(tool.name), *telling[number])))
        numbers.update(words)
        row = [tool.name, PRECEDENCE.index(tool.category), *([tool.slug] if tool.slug != tool.name else [])]
        for shard in dict.fromkeys(shard_of(word) for word in words):
            shards[shard][number].append(row)
    return {
        "words": dict(sorted(numbers.items())),
        "servers": [[server.name, server.slug, server.tools, server.risk] for server in servers],
        "attacks": [[case.title, case.slug, VERDICTS[case.verdict].word.lower(), words_of(case)] for case in cases],
        **{f"shard-{shard}": sorted(shards[shard].items()) for shard in sorted(shards)},
    }


def shard_of(word: str) -> str:
    """The shard of a word: its first two letters, where these can be part of a file's name everywhere."""
    start = word[:2]
    return start if start.isascii() and start.isalnum() else "other"


def _words(name: str) -> list[str]:
    return [word for word in name_terms(name) if word]


def _telling(servers: Sequence[ServerEntry]) -> list[list[str]]:
    """The words of the name of each server, without those that many have."""
    each = [list(dict.fromkeys(_words(server.name))) for server in servers]
    often = Counter(word for words in each for word in words)
    most = max(10.0, len(servers) * _COMMON)
    return [[word for word in words if often[word] <= most] for words in each]
