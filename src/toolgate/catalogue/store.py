"""The stored catalogue: what is known of servers and their tools, found, and kept up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from sqlite3 import Connection
from tempfile import TemporaryDirectory
from typing import Any, Final

from toolgate import classifier
from toolgate.catalogue.box import digest, load, shipped
from toolgate.catalogue.entries import Counts, Drift, Found, ServerEntry, ServerFacts, Source, ToolEntry, Version
from toolgate.catalogue.file import FILE, CatalogueFile, note, noted
from toolgate.catalogue.progress import Progress, silent
from toolgate.catalogue.putting import describe, put, reclassify
from toolgate.catalogue.rows import SERVERS, TOOLS, VERSIONS, server_entry, tool_entry, version
from toolgate.catalogue.search import HIDDEN, SERVER, TOOL, Wanted, found
from toolgate.policy.categories import PRECEDENCE, RISK

_BATCH: Final = 4_000


@contextmanager
def open_catalogue(data: Path | None, *, box: bytes | None = None, progress: Progress = silent) -> Iterator[Catalogue]:
    """The catalogue of a data directory; for None what is in the box alone, in a directory that is removed again.

    At first use, and after an upgrade, the box is loaded, which takes seconds. `box` is another than the release's; an
    empty one loads nothing. Raises StoreError.
    """
    with ExitStack() as stack:
        place = data or Path(stack.enter_context(TemporaryDirectory(prefix="toolgate-")))
        file = CatalogueFile(place / FILE)
        stack.callback(file.close)
        catalogue = Catalogue(file)
        if box != b"":
            catalogue.refresh(shipped() if box is None else box, progress)
        yield catalogue


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
        """Every tool, by server and slug, for whoever writes a page of each: read some thousands at a time."""
        query = (
            f"{TOOLS} WHERE tools.organisation IN ('', ?) AND tools.server_id NOT IN ({HIDDEN})"
            " AND (tools.server_slug, tools.slug) > (?, ?) ORDER BY tools.server_slug, tools.slug LIMIT ?"
        )
        last = ("", "")
        while True:
            with self._file.reading() as db:
                rows = db.execute(query, (organisation, organisation or None, *last, _BATCH)).fetchall()
            entries = [tool_entry(row) for row in rows]
            yield from entries
            if len(entries) < _BATCH:
                return
            last = (entries[-1].server_slug, entries[-1].slug)

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
        with self._file.writing() as db:
            return put(db, server, tools, source, now, organisation)

    def describe(self, server: ServerFacts, *, now: float) -> ServerEntry:
        """Store what a registry says of a server, and tell what is known of it then. Its tools stay what they are.

        It is the server of the same repository where there is one. Raises BadInput, Conflict.
        """
        with self._file.writing() as db:
            return describe(db, server, now)

    def reclassify(self, progress: Progress = silent) -> int:
        """Judge every tool again whose definition is known; how many came into another category.

        For the catalogue alone: what a gateway decides by is what somebody accepted there.
        """
        with self._file.writing() as db:
            servers = [server_entry(row) for row in db.execute(SERVERS).fetchall()]
            changed = 0
            for place, server in enumerate(servers, start=1):
                changed += reclassify(db, server)
                progress(place, len(servers))
            note(db, "lexicon", classifier.VERSION)
        return changed

    def refresh(self, box: bytes, progress: Progress = silent) -> None:
        """Load a box that is not the one which was loaded last, and judge anew where the lexicon is another.

        Of several processes one does it, and the others wait.
        """
        if self._is_current(box):
            return
        with self._file.writing() as db:
            if noted(db, "box") != digest(box):
                load(db, box, progress)
                note(db, "box", digest(box))
            if noted(db, "lexicon") not in ("", classifier.VERSION):
                self.reclassify(progress)
            note(db, "lexicon", classifier.VERSION)

    def _is_current(self, box: bytes) -> bool:
        with self._file.reading() as db:
            return (noted(db, "box"), noted(db, "lexicon")) == (digest(box), classifier.VERSION)

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
