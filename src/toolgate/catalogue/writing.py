"""How a server's tools come into the catalogue's file: judged, compared with what was known, and kept with history."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from toolgate.catalogue.comparing import changes
from toolgate.catalogue.entries import ServerEntry, ServerFacts, Source
from toolgate.catalogue.index import facet, index_server, index_tool
from toolgate.catalogue.intake import Accepted
from toolgate.catalogue.rows import SERVERS, category_at, counted, riskiest, server_entry, signals_text, text
from toolgate.catalogue.slugs import slug
from toolgate.classifier.classify import Classification
from toolgate.classifier.parameters import text_of
from toolgate.policy.categories import PRECEDENCE, RISK
from toolgate.store.errors import Conflict
from toolgate.store.names import shown

KEPT: Final = 20
"""Versions of a tool; the oldest go first."""
KEPT_GONE: Final = 500
"""Versions of a server's tools that are no longer listed."""
_FACTS: Final = ("title", "about", "version", "repository", "package", "url")
_TOKEN: Final = 4
"""Characters of a definition that make about one token."""


@dataclass(slots=True, frozen=True)
class Known:
    """A tool as it is stored. `fingerprint` and `version_id` are None for what came in the box."""

    id: int
    name: str
    category: str
    parameters: str
    version_id: int | None
    fingerprint: str | None
    definition: str | None


@dataclass(slots=True, frozen=True)
class Tool:
    """A tool to store: its judgement, the paths of its parameters, and the definition unless it is not known."""

    name: str
    judged: Classification
    parameters: tuple[str, ...]
    accepted: Accepted | None = None


class Writer:
    """Writes one server, in a transaction that is open. Raises Conflict where its slug is another's."""

    def __init__(
        self, db: sqlite3.Connection, facts: ServerFacts, source: Source, organisation: str, registered: str = ""
    ) -> None:
        self._db = db
        self.facts = facts
        self.slug = slug(facts.name)
        self.organisation = organisation
        self.id = self._server(source, registered)

    def known(self) -> dict[str, Known]:
        """The tools that are stored, by name."""
        query = (
            "SELECT tools.id, tools.name, tools.category, tools.parameters, versions.id, versions.fingerprint,"
            " versions.definition FROM tools LEFT JOIN versions ON versions.id = version_id WHERE tools.server_id = ?"
        )
        found = (Known(*row) for row in self._db.execute(query, (self.id,)))
        return {tool.name: tool for tool in found}

    def remove(self, tool: Known, now: float | None) -> None:
        """A tool that is no longer listed; its versions stay."""
        self._unsignal(tool.id)
        self._db.execute("DELETE FROM tool_words WHERE rowid = ?", (tool.id,))
        self._db.execute("DELETE FROM tools WHERE id = ?", (tool.id,))
        if now is not None:
            self._db.execute("UPDATE versions SET gone = ? WHERE id = ?", (now, tool.version_id))

    def store(self, tool: Tool, known: Known | None, now: float | None) -> None:
        """A tool as it is now, with a new version where its definition is another."""
        version = self._version(tool, known, now)
        judged = tool.judged
        row = (
            *(self.id, self.organisation, self.slug, slug(tool.name), tool.name, judged.category, judged.risk),
            *(judged.confidence, signals_text(judged.signals), text(judged.evidence), text(tool.parameters)),
            *(version, now),
        )
        self._index(self._row(row, known), tool)

    def finish(self, tokens: int | None, now: float | None) -> None:
        """The server's own numbers, when its tools are written."""
        query = "SELECT category FROM tools WHERE server_id = ?"
        counts = counted(category_at(row[0]) for row in self._db.execute(query, (self.id,)))
        worst = riskiest(counts)
        numbers = text([counts[category] for category in PRECEDENCE])
        values = (numbers, None if worst is None else RISK[worst], tokens, now, self.id)
        self._db.execute(
            "UPDATE servers SET counts = ?, risk = ?, tokens = ?, seen = coalesce(?, seen) WHERE id = ?", values
        )
        self._reindex()

    def seen(self, now: float) -> None:
        """That a registry named the server: of one whose tools are known that says nothing of when they were seen."""
        self._db.execute("UPDATE servers SET seen = ? WHERE id = ? AND source = 'registry'", (now, self.id))
        self._reindex()

    def drop_unless_registered(self) -> None:
        """Remove the server, unless a registry named it."""
        if self._db.execute("DELETE FROM servers WHERE id = ? AND registered = ''", (self.id,)).rowcount:
            self._db.execute("DELETE FROM server_words WHERE rowid = ?", (self.id,))

    def _reindex(self) -> None:
        """Make the server found by what is stored of it now."""
        entry = self.entry()
        signals = self._db.execute(
            "SELECT DISTINCT signal FROM tools JOIN signals ON tool_id = tools.id WHERE server_id = ?", (self.id,)
        )
        facets = [facet("s", row[0]) for row in signals]
        facets += [facet("c", category) for category, number in entry.counts.items() if number]
        index_server(self._db, self.id, entry, [*facets, facet("r", entry.risk or "")])

    def entry(self) -> ServerEntry:
        """The server as it is stored now."""
        return server_entry(self._db.execute(f"{SERVERS} WHERE id = ?", (self.id,)).fetchone())

    def prune(self) -> None:
        """Forget the oldest versions beyond what is kept."""
        self._db.execute(
            "DELETE FROM versions WHERE server_id = ? AND id IN (SELECT id FROM (SELECT id, row_number() OVER"
            " (PARTITION BY slug ORDER BY id DESC) AS place FROM versions WHERE server_id = ?) WHERE place > ?)",
            (self.id, self.id, KEPT),
        )
        self._db.execute(
            "DELETE FROM versions WHERE id IN (SELECT id FROM versions WHERE server_id = ? AND slug NOT IN"
            " (SELECT slug FROM tools WHERE server_id = ?) ORDER BY id DESC LIMIT -1 OFFSET ?)",
            (self.id, self.id, KEPT_GONE),
        )

    def _server(self, source: Source, registered: str) -> int:
        """The row of the server with what is said of it; what a registry says makes no other source of its tools."""
        query = "SELECT id, name FROM servers WHERE slug = ? AND organisation = ?"
        found = self._db.execute(query, (self.slug, self.organisation)).fetchone()
        said = {name: getattr(self.facts, name) for name in _FACTS if getattr(self.facts, name)}
        if registered:
            said["registered"] = registered
        if found is None:
            return self._insert({**said, "source": source})
        if found[1] != self.facts.name:
            cause = f"its address is that of `{shown(found[1])}` already"
            raise Conflict(shown(self.facts.name), cause, "one of the two names was made to collide; import it renamed")
        if not registered:
            said["source"] = source
        assigned = ", ".join(f"{name} = ?" for name in said)
        self._db.execute(f"UPDATE servers SET {assigned} WHERE id = ?", (*said.values(), found[0]))  # noqa: S608
        return int(found[0])

    def _insert(self, said: dict[str, str]) -> int:
        row = {"organisation": self.organisation, "slug": self.slug, "name": self.facts.name, **said}
        places = ", ".join("?" * len(row))
        query = f"INSERT INTO servers ({', '.join(row)}) VALUES ({places})"  # noqa: S608 - names of columns
        return int(self._db.execute(query, tuple(row.values())).lastrowid or 0)

    def _row(self, row: tuple[Any, ...], known: Known | None) -> int:
        columns = (
            "server_id, organisation, server_slug, slug, name, category, risk, confidence, signals, evidence,"
            " parameters, version_id"
        )
        if known is None:
            query = f"INSERT INTO tools ({columns}, first_seen) VALUES ({', '.join('?' * 13)})"  # noqa: S608
            return int(self._db.execute(query, row).lastrowid or 0)
        self._unsignal(known.id)
        values = f"({columns}) = ({', '.join('?' * 12)}), first_seen = coalesce(first_seen, ?)"
        self._db.execute(f"UPDATE tools SET {values} WHERE id = ?", (*row, known.id))  # noqa: S608
        return known.id

    def _unsignal(self, tool_id: int) -> None:
        self._db.execute("DELETE FROM signals WHERE tool_id = ?", (tool_id,))

    def _index(self, tool_id: int, tool: Tool) -> None:
        signals = {signal.id for signal in tool.judged.signals}
        self._db.executemany("INSERT INTO signals VALUES (?, ?)", [(signal, tool_id) for signal in signals])
        facets = [facet("v", self.slug), facet("c", tool.judged.category)]
        facets += [facet("r", tool.judged.risk), *(facet("s", signal) for signal in signals)]
        definition = tool.accepted.definition if tool.accepted else {}
        about = " ".join((*tool.parameters, text_of(definition.get("title")), text_of(definition.get("description"))))
        index_tool(self._db, tool_id, tool.name, self.facts.name, about, facets)

    def _version(self, tool: Tool, known: Known | None, now: float | None) -> int | None:
        """The row of the definition, a new one where it differs; without a moment nothing was seen."""
        accepted = tool.accepted
        if accepted is None or now is None:
            return None if known is None or accepted is None else known.version_id
        if known is not None and known.fingerprint == accepted.fingerprint:
            self._db.execute("UPDATE versions SET last_seen = ? WHERE id = ?", (now, known.version_id))
            return known.version_id
        changed = self._changed(tool, accepted, known)
        row = (self.id, slug(tool.name), accepted.fingerprint, tool.judged.category, text(changed), now, now)
        query = (
            "INSERT INTO versions (server_id, slug, fingerprint, category, changed, first_seen, last_seen, definition)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        )
        return int(self._db.execute(query, (*row, accepted.text)).lastrowid or 0)

    def _changed(self, tool: Tool, accepted: Accepted, known: Known | None) -> tuple[str, ...]:
        if known is None:
            return ("listed again",) if self._was_listed(slug(tool.name)) else ()
        if known.definition is None:
            return ()
        named = changes(msgspec.json.decode(known.definition), msgspec.json.decode(accepted.text))
        if known.category != tool.judged.category:
            return (f"category {known.category} became {tool.judged.category}", *named)
        return named

    def _was_listed(self, tool_slug: str) -> bool:
        query = "SELECT 1 FROM versions WHERE server_id = ? AND slug = ? LIMIT 1"
        return self._db.execute(query, (self.id, tool_slug)).fetchone() is not None


def tokens_of(tools: Sequence[Tool]) -> int | None:
    """About how many tokens the definitions take; None where one is not known."""
    if not tools or any(tool.accepted is None for tool in tools):
        return None
    return sum(len(tool.accepted.text) for tool in tools if tool.accepted) // _TOKEN
