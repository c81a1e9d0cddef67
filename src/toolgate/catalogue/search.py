"""Finding in the catalogue: by words, of which the last letters may be missing, and by filters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Final

from toolgate.catalogue.index import facet
from toolgate.catalogue.spelling import meant, used
from toolgate.catalogue.terms import name_terms, whole

MOST_SOUGHT: Final = 200
"""Characters of what is sought that count."""
MOST_WORDS: Final = 8
"""Words of it that count."""
FEW: Final = 3
"""Where fewer are found, words that are alike are looked for, too."""
HIDDEN: Final = (
    "SELECT id FROM servers WHERE organisation = '' AND slug IN (SELECT slug FROM servers WHERE organisation = ?)"
)
"""The public servers that an organisation knows better itself."""


@dataclass(slots=True, frozen=True)
class Kind:
    """What is searched: its tables, the column of its server, its order, and how much the words of a column count."""

    table: str
    index: str
    server: str
    order: str
    columns: str
    weights: str
    category: str
    signal: str


TOOL: Final = Kind(
    table="tools",
    index="tool_words",
    server="server_id",
    order="server_slug, slug, organisation",
    columns="name server about",
    weights="20.0, 10.0, 5.0, 1.0, 0.0",
    category="category = ?",
    signal="id IN (SELECT tool_id FROM signals WHERE signal = ?)",
)
SERVER: Final = Kind(
    table="servers",
    index="server_words",
    server="id",
    order="slug, organisation",
    columns="name about",
    weights="20.0, 10.0, 1.0, 0.0",
    category="id IN (SELECT server_id FROM tools WHERE category = ?)",
    signal="id IN (SELECT server_id FROM signals JOIN tools ON tools.id = tool_id WHERE signal = ?)",
)


@dataclass(slots=True, frozen=True)
class Wanted:
    """Which entries: of a public or own server, and of each filter that is set. `server` is a slug."""

    organisation: str = ""
    server: str | None = None
    category: str | None = None
    risk: str | None = None
    signal: str | None = None

    def facets(self) -> list[str]:
        """The filters as words of an index."""
        values = (("v", self.server), ("c", self.category), ("r", self.risk), ("s", self.signal))
        return [facet(kind, value) for kind, value in values if value is not None]

    def condition(self, kind: Kind) -> tuple[str, list[str | None]]:
        """The same as a condition of SQL, with its values."""
        filters = (
            ("server_slug = ?", self.server),
            (kind.category, self.category),
            ("risk = ?", self.risk),
            (kind.signal, self.signal),
        )
        chosen = [(condition, value) for condition, value in filters if value is not None]
        visible = f"organisation IN ('', ?) AND {kind.server} NOT IN ({HIDDEN})"
        conditions = [visible, *(condition for condition, _ in chosen)]
        return " AND ".join(conditions), [self.organisation, self.organisation or None, *(value for _, value in chosen)]


def found(db: Connection, kind: Kind, sought: str, wanted: Wanted, start: int, limit: int) -> tuple[list[int], int]:
    """Ids of what fits, from `start` on, and how many fit in all. Words that say nothing find nothing."""
    words = list(dict.fromkeys(name_terms(sought[:MOST_SOUGHT])))[:MOST_WORDS]
    if not words:
        return ([], 0) if sought.strip() else _listed(db, kind, wanted, start, limit)
    ids, total = _matching(db, kind, [[word] for word in words], wanted, start, limit)
    if total >= FEW:
        return ids, total
    # Few or none: perhaps a word is misspelt, one that nobody uses sooner than one that many do. What is written counts
    # on, and ranks first where it is rarer.
    doubtful = set(words) - used(db, words).keys() or set(words)
    groups = [[word, *(meant(db, word) if word in doubtful else ())] for word in words]
    return _matching(db, kind, groups, wanted, start, limit)


def _matching(
    db: Connection, kind: Kind, words: Sequence[Sequence[str]], wanted: Wanted, start: int, limit: int
) -> tuple[list[int], int]:
    # What others have is little and what everybody sees is nearly everything: so that is left out, not this let in.
    others = f"SELECT id FROM {kind.table} WHERE organisation > '' AND organisation != ?"  # noqa: S608 - constants only
    hidden = f"SELECT id FROM {kind.table} WHERE {kind.server} IN ({HIDDEN})"  # noqa: S608 - constants only
    where = f"FROM {kind.index} WHERE {kind.index} MATCH ? AND rowid NOT IN ({others} UNION ALL {hidden})"
    values = (_expression(words, kind.columns, wanted.facets()), wanted.organisation, wanted.organisation or None)
    return _page(db, f"SELECT rowid {where}", f"bm25({kind.index}, {kind.weights}), rowid", values, start, limit)


def _listed(db: Connection, kind: Kind, wanted: Wanted, start: int, limit: int) -> tuple[list[int], int]:
    condition, values = wanted.condition(kind)
    return _page(db, f"SELECT id FROM {kind.table} WHERE {condition}", kind.order, values, start, limit)  # noqa: S608


def _page(
    db: Connection, select: str, order: str, values: Sequence[object], start: int, limit: int
) -> tuple[list[int], int]:
    """Ids, and how many there are in all: counted only where a page does not hold them."""
    rows = db.execute(f"{select} ORDER BY {order} LIMIT ? OFFSET ?", (*values, limit, start)).fetchall()
    if len(rows) < limit and (rows or not start):
        return [row[0] for row in rows], start + len(rows)
    total = db.execute(f"SELECT count(*) FROM ({select})", tuple(values)).fetchone()[0]  # noqa: S608
    return [row[0] for row in rows], total


def _expression(words: Sequence[Sequence[str]], columns: str, facets: Sequence[str]) -> str:
    """One of each group of words, as a word or its beginning, in the columns; or the words as one name."""
    each = " AND ".join(f"({' OR '.join(_beginning(word) for word in group)})" for group in words)
    joined = _beginning(whole([group[0] for group in words]))
    said = f"({{{columns}}} : ({each})) OR whole : ({joined})"
    return " AND ".join([f"({said})", *(f"facets : {each}" for each in facets)])


def _beginning(word: str) -> str:
    """A word or the beginning of one; a single letter begins too many."""
    return f'"{word}"' if len(word) == 1 else f'"{word}" OR "{word}"*'
