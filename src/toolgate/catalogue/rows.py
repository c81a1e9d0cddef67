"""Rows of the catalogue's file as entries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import astuple
from typing import Any, Final

import msgspec

from toolgate.catalogue.entries import ServerEntry, ToolEntry, Version
from toolgate.classifier.parameters import text_of
from toolgate.classifier.signals import Signal
from toolgate.policy.categories import PRECEDENCE, RISK, Category

SERVERS: Final = (
    "SELECT servers.name, servers.slug, servers.source, servers.counts, servers.risk, servers.tokens, servers.title,"
    " servers.about, servers.version, servers.repository, servers.package, servers.url, servers.organisation,"
    " servers.seen FROM servers"
)
TOOLS: Final = (
    "SELECT servers.name, tools.server_slug, tools.name, tools.slug, tools.category, tools.risk, tools.confidence,"
    " tools.signals, tools.evidence, tools.parameters, tools.first_seen, versions.fingerprint, versions.definition,"
    " versions.last_seen FROM tools JOIN servers ON servers.id = tools.server_id"
    " LEFT JOIN versions ON versions.id = tools.version_id"
)
VERSIONS: Final = "SELECT fingerprint, category, changed, first_seen, last_seen, gone, definition FROM versions"
_words = msgspec.json.Decoder(tuple[str, ...])
_triples = msgspec.json.Decoder(tuple[tuple[str, str, str], ...])
_numbers = msgspec.json.Decoder(list[int])


def server_entry(row: tuple[Any, ...]) -> ServerEntry:
    """A row of the query SERVERS."""
    name, slug, source, counts, risk, tokens, *facts = row
    numbers = _numbers.decode(counts)
    by_category = dict(zip(PRECEDENCE, numbers, strict=True))
    return ServerEntry(name, slug, source, sum(numbers), by_category, risk, tokens, *facts)


def tool_entry(row: tuple[Any, ...]) -> ToolEntry:
    """A row of the query TOOLS."""
    server, server_slug, name, slug, category, risk, confidence, signals, evidence, parameters, *stored = row
    first_seen, fingerprint, text, last_seen = stored
    definition = None if text is None else msgspec.json.decode(text)
    return ToolEntry(
        server,
        server_slug,
        name,
        slug,
        category,
        risk,
        confidence,
        signals_of(signals),
        _words.decode(evidence),
        _words.decode(parameters),
        text_of((definition or {}).get("description")),
        fingerprint or "",
        definition,
        first_seen,
        last_seen,
    )


def version(row: tuple[Any, ...]) -> Version:
    """A row of the query VERSIONS."""
    fingerprint, category, changed, first_seen, last_seen, gone, definition = row
    words = _words.decode(changed)
    risk = RISK[category_at(category)]
    return Version(fingerprint, category, risk, words, first_seen, last_seen, gone, msgspec.json.decode(definition))


def category_at(text: str) -> Category:
    """The category that a row names."""
    return next(category for category in PRECEDENCE if category == text)


def signals_of(text: str) -> tuple[Signal, ...]:
    """Signals as they are stored."""
    return tuple(Signal(*each) for each in _triples.decode(text))


def signals_text(signals: Iterable[Signal]) -> str:
    """Signals as JSON text."""
    return text([astuple(signal) for signal in signals])


def text(value: object) -> str:
    """A value as JSON text."""
    return msgspec.json.encode(value).decode()


def counted(judged: Iterable[Category]) -> Mapping[Category, int]:
    """How many there are of each category."""
    counts = dict.fromkeys(PRECEDENCE, 0)
    for category in judged:
        counts[category] += 1
    return counts


def riskiest(counts: Mapping[Category, int]) -> Category | None:
    """Of the categories that occur the one that takes precedence."""
    return next((category for category in reversed(PRECEDENCE) if counts[category]), None)
