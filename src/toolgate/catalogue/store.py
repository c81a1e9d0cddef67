"""The stored catalogue: what is known of servers and their tools, found, and kept up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from sqlite3 import Connection
from tempfile import TemporaryDirectory
from typing import Any

from toolgate.catalogue.entries import Counts, Drift, Found, ServerEntry, ServerFacts, Source, ToolEntry, Version
from toolgate.catalogue.file import FILE, CatalogueFile
from toolgate.catalogue.intake import accept, check_server
from toolgate.catalogue.rows import SERVERS, TOOLS, VERSIONS, server_entry, text, tool_entry, version
from toolgate.catalogue.search import HIDDEN, SERVER, TOOL, Wanted, found
from toolgate.catalogue.writing import Known, Tool, Writer, tokens_of
from toolgate.classifier.classify import classify_all
from toolgate.classifier.parameters import parameters
from toolgate.policy.categories import PRECEDENCE, RISK


@contextmanager
def open_catalogue(data: Path | None) -> Iterator[Catalogue]:
    """The catalogue of a data directory; for None what is in the box alone, in a directory that is removed again."""
    with ExitStack() as stack:
        place = data or Path(stack.enter_context(TemporaryDirectory(prefix="toolgate-")))
        file = CatalogueFile(place / FILE)
        stack.callback(file.close)
        yield Catalogue(file)


class Catalogue:
    """An open catalogue. May be used from every thread; every method may raise StoreError.

    `organisation=""` sees what is public, an organisation that and its own; where it has a server of its own under a
    slug, it sees that instead of the public one.
    """

    def __init__(self, file: CatalogueFile) -> None:
        self._file = file

    def counts(self) -> Counts:
        """How much is public."""
        with self._file.reading() as db:
            servers = db.execute("SELECT count(*) FROM servers WHERE organisation = ''").fetchone()[0]
            categories = dict(db.execute("SELECT category, count(*) FROM tools WHERE organisation = '' GROUP BY 1"))
            query = "SELECT signal, count(*) FROM signals JOIN tools ON id = tool_id WHERE organisation = '' GROUP BY 1"
            signals = dict(db.execute(query))
        by_category = {category: int(categories.get(category, 0)) for category in PRECEDENCE}
        by_risk = {risk: sum(by_category[each] for each in PRECEDENCE if RISK[each] == risk) for risk in RISK.values()}
        return Counts(servers, sum(by_category.values()), by_category, by_risk, signals)

    def servers(
        self,
        *,
        sought: str = "",
        category: str | None = None,
        risk: str | None = None,
        signal: str | None = None,
        organisation: str = "",
        start: int = 0,
        limit: int = 50,
    ) -> Found[ServerEntry]:
        """Servers that hold a tool of this category and one with this signal, and whose own risk is this one.

        By their slugs, or where words are sought those first that fit best.
        """
        wanted = Wanted(organisation, None, category, risk, signal)
        with self._file.reading() as db:
            ids, total = found(db, SERVER, sought, wanted, start, limit)
            return Found([server_entry(row) for row in _in_order(db, SERVERS, "servers.id", ids)], total)

    def tools(
        self,
        *,
        sought: str = "",
        server: str | None = None,
        category: str | None = None,
        risk: str | None = None,
        signal: str | None = None,
        organisation: str = "",
        start: int = 0,
        limit: int = 50,
    ) -> Found[ToolEntry]:
        """Tools that fit every filter (`server` is a slug).

        By server and slug, or where words are sought those first that fit them best.
        """
        wanted = Wanted(organisation, server, category, risk, signal)
        with self._file.reading() as db:
            ids, total = found(db, TOOL, sought, wanted, start, limit)
            return Found([tool_entry(row) for row in _in_order(db, TOOLS, "tools.id", ids)], total)

    def server(self, slug: str, organisation: str = "") -> ServerEntry | None:
        """The server with this slug."""
        with self._file.reading() as db:
            found = _server_id(db, slug, organisation)
            row = db.execute(f"{SERVERS} WHERE id = ?", (found,)).fetchone()
        return None if row is None else server_entry(row)

    def tool(self, server_slug: str, tool_slug: str, organisation: str = "") -> ToolEntry | None:
        """The tool with this slug of the server with that one."""
        with self._file.reading() as db:
            values = (_server_id(db, server_slug, organisation), tool_slug)
            row = db.execute(f"{TOOLS} WHERE tools.server_id = ? AND tools.slug = ?", values).fetchone()
        return None if row is None else tool_entry(row)

    def every_tool(self, server_slug: str, organisation: str = "") -> list[ToolEntry]:
        """All tools of a server, by their slugs; [] where there is no such server."""
        with self._file.reading() as db:
            values = (_server_id(db, server_slug, organisation),)
            rows = db.execute(f"{TOOLS} WHERE tools.server_id = ? ORDER BY tools.slug", values).fetchall()
        return [tool_entry(row) for row in rows]

    def all_servers(self, organisation: str = "") -> list[ServerEntry]:
        """Every server, by slug."""
        with self._file.reading() as db:
            query = f"{SERVERS} WHERE organisation IN ('', ?) AND id NOT IN ({HIDDEN}) ORDER BY slug"
            rows = db.execute(query, (organisation, organisation or None)).fetchall()
        return [server_entry(row) for row in rows]

    def all_tools(self, organisation: str = "") -> Iterator[ToolEntry]:
        """Every tool, by server and slug: one pass over all, for whoever writes a page of each."""
        query = (
            f"{TOOLS} WHERE tools.organisation IN ('', ?) AND tools.server_id NOT IN ({HIDDEN})"
            " ORDER BY tools.server_slug, tools.slug"
        )
        with self._file.reading() as db:
            for row in db.execute(query, (organisation, organisation or None)):
                yield tool_entry(row)

    def history(self, server_slug: str, tool_slug: str, organisation: str = "") -> list[Version]:
        """The definitions that a tool had, the newest first; also of one that is no longer listed."""
        query = f"{VERSIONS} WHERE server_id = ? AND slug = ? ORDER BY id DESC"
        with self._file.reading() as db:
            rows = db.execute(query, (_server_id(db, server_slug, organisation), tool_slug)).fetchall()
        return [version(row) for row in rows]

    def put(
        self,
        server: ServerFacts,
        tools: Sequence[Mapping[str, object]],
        *,
        source: Source,
        now: float,
        organisation: str = "",
    ) -> Drift:
        """Store the whole list of a server's tools as it is now (epoch seconds), judged; what is not in it is gone.

        All of it or nothing. What cannot be stored is named in `refused`, and the rest is. Raises BadInput for a name
        of a server that cannot be one, Conflict for one that was made to collide with another.
        """
        facts = check_server(server)
        accepted, refused = accept(tools)
        judged = classify_all([each.definition for each in accepted], facts.name)
        new = [
            Tool(each.name, judgement, _paths(each.definition), each)
            for each, judgement in zip(accepted, judged, strict=True)
        ]
        with self._file.writing() as db:
            writer = Writer(db, facts, source, organisation)
            known = writer.known()
            drift = _drift(known, new)
            for name in drift.removed:
                writer.remove(known[name], now)
            for tool in new:
                writer.store(tool, known.get(tool.name), now)
            writer.finish(tokens_of(new), now)
            writer.prune()
        return Drift(drift.added, drift.changed, drift.removed, drift.same, tuple(refused))

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is put inside is stored at its end, in one transaction: much quicker for many servers."""
        with self._file.writing():
            yield


def _in_order(db: Connection, select: str, column: str, ids: list[int]) -> list[tuple[Any, ...]]:
    """The rows with these ids, in the order of the ids."""
    query = f"{select} WHERE {column} = ?"
    return [db.execute(query, (id_,)).fetchone() for id_ in ids]


def _server_id(db: Connection, slug: str, organisation: str) -> int | None:
    query = "SELECT id FROM servers WHERE slug = ? AND organisation IN ('', ?) ORDER BY organisation DESC LIMIT 1"
    row = db.execute(query, (slug, organisation)).fetchone()
    return None if row is None else int(row[0])


def _paths(definition: Mapping[str, object]) -> tuple[str, ...]:
    return tuple(each.path for each in parameters(definition.get("inputSchema")))


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
