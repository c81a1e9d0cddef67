"""What comes into the catalogue: a server's whole list of tools, what a registry says of it, another judgement."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from sqlite3 import Connection
from typing import Final

import msgspec

from toolgate.catalogue.entries import Drift, ServerEntry, ServerFacts, Source
from toolgate.catalogue.identity import owns_repository, repository_of
from toolgate.catalogue.intake import Accepted, accept, check_server
from toolgate.catalogue.rows import text
from toolgate.catalogue.slugs import slug
from toolgate.catalogue.writing import Known, Tool, Writer, tokens_of
from toolgate.classifier.classify import classify_all
from toolgate.classifier.parameters import parameters

MOST_PATH: Final = 200
"""Characters of a parameter's path that are kept."""


def put(
    db: Connection,
    server: ServerFacts,
    tools: Iterable[Mapping[str, object]],
    source: Source,
    now: float,
    organisation: str,
) -> Drift:
    """Store a server's list of tools as it is now, in a transaction that is open."""
    facts = check_server(server)
    accepted, refused = accept(tools)
    new = judged(accepted, facts.name)
    writer = Writer(db, facts, source, organisation)
    known = writer.known()
    drift = _drift(known, new)
    for name in drift.removed:
        writer.remove(known[name], now)
    for tool in new:
        writer.store(tool, known.get(tool.name), now)
    writer.finish(tokens_of(new), now)
    writer.prune()
    return replace(drift, refused=tuple(refused))


def describe(db: Connection, server: ServerFacts, now: float) -> ServerEntry:
    """Store what a registry says of a server, in a transaction that is open. Its tools stay what they are.

    One that is known by its repository is that server, if its name shows that the repository's owner registered it:
    anybody may claim a repository. Where a registry names several of one repository, the others are servers of their
    own.
    """
    facts = check_server(server)
    known = _by_repository(db, facts) if owns_repository(facts) else None
    named = facts if known is None else replace(facts, name=known)
    writer = Writer(db, named, "registry", "", registered=facts.name)
    writer.seen(now)
    return writer.entry()


def reclassify(db: Connection, server: ServerEntry) -> int:
    """Judge a server's tools again, those of which the definition is known; how many were judged otherwise.

    In a transaction that is open.
    """
    writer = Writer(db, ServerFacts(server.name), server.source, server.organisation)
    known = writer.known()
    defined = [tool for tool in known.values() if tool.definition is not None]
    new = judged([_again(tool) for tool in defined], server.name)
    changed = 0
    for tool, before in zip(new, defined, strict=True):
        changed += tool.judged.category != before.category
        writer.store(tool, before, None)
    writer.finish(server.tokens, None)
    return changed


def judged(accepted: Sequence[Accepted], server: str) -> list[Tool]:
    """The tools of one server with their judgements."""
    judgements = classify_all([each.definition for each in accepted], server)
    return [
        Tool(each.name, judgement, paths(each.definition), each)
        for each, judgement in zip(accepted, judgements, strict=True)
    ]


def paths(definition: Mapping[str, object]) -> tuple[str, ...]:
    """The parameters of a definition, nested ones by their paths."""
    return tuple(each.path[:MOST_PATH] for each in parameters(definition.get("inputSchema")))


def _again(tool: Known) -> Accepted:
    stored = tool.definition or "{}"
    return Accepted(tool.name, msgspec.json.decode(stored), stored, tool.fingerprint or "")


def _by_repository(db: Connection, facts: ServerFacts) -> str | None:
    """The name of the public server that this one is, by its repository."""
    query = "SELECT name FROM servers WHERE slug = ? AND organisation = '' AND registered IN ('', ?)"
    row = db.execute(query, (slug(repository_of(facts.repository)), facts.name)).fetchone()
    return None if row is None else str(row[0])


def _drift(known: Mapping[str, Known], new: Sequence[Tool]) -> Drift:
    names = {tool.name for tool in new}
    same = {tool.name for tool in new if tool.name in known and _is_same(known[tool.name], tool)}
    return Drift(
        added=tuple(sorted(names - known.keys())),
        changed=tuple(sorted((names & known.keys()) - same)),
        removed=tuple(sorted(known.keys() - names)),
        same=tuple(sorted(same)),
    )


def _is_same(known: Known, tool: Tool) -> bool:
    """By its fingerprint; what came in the box has none, and is compared by its facts."""
    if known.fingerprint is None:
        return (known.category, known.parameters) == (tool.judged.category, text(tool.parameters))
    return tool.accepted is not None and known.fingerprint == tool.accepted.fingerprint
