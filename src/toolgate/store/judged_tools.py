"""What `toolgate run` takes the tools of its servers for: one small file, as there is no database of definitions.

The rules are those of `store.judging`, by which the gateway's database keeps them: judged once, never lowered by a
server. Plain sqlite3; shared by the processes of a data directory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from toolgate.policy.categories import Category, category_of, riskier
from toolgate.store.transactions import transaction
from toolgate.store.versioned import open_versioned

FILE: Final = "judgements.db"
_SCHEMA: Final = (
    "CREATE TABLE judgements (server TEXT, name TEXT, fingerprint TEXT NOT NULL, category TEXT NOT NULL,"
    " judged_by TEXT NOT NULL, PRIMARY KEY (server, name)) WITHOUT ROWID"
)

_MOST: Final = 10_000
"""Tools of one server: one that names ever new ones must not fill the disk. The others are judged as nothing."""


@dataclass(slots=True, frozen=True)
class Told:
    """A tool as its server tells it: its fingerprint, and the JSON text of its definition."""

    fingerprint: str
    text: bytes


class JudgedTools:
    """The file of one data directory."""

    def __init__(self, path: Path) -> None:
        self._db = open_versioned(path, (_SCHEMA,), patience=5.0, synchronous="NORMAL")

    def take(self, server: str, called: str, tools: Mapping[str, Told]) -> dict[str, Category]:
        """What each of these tools (by name) is taken for; what is new or changed is judged and stored.

        `server` is its id, `called` its name for people, which counts as context. Raises sqlite3.Error; then nothing
        is stored.
        """
        with transaction(self._db):
            known = self._known(server)
            new = [name for name, tool in tools.items() if known.get(name, ("",))[0] != tool.fingerprint]
            if new:
                self._judge(server, called, tools, new, known)
        return {name: known[name][1] for name in tools if name in known}

    def forget(self, server: str) -> int:
        """Have the tools of a server judged anew when they are next seen; returns how many. Raises sqlite3.Error."""
        return self._db.execute("DELETE FROM judgements WHERE server = ?", (server,)).rowcount

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _known(self, server: str) -> dict[str, tuple[str, Category]]:
        query = "SELECT name, fingerprint, category FROM judgements WHERE server = ?"
        found = self._db.execute(query, (server,))
        return {name: (printed, known) for name, printed, word in found if (known := category_of(word)) is not None}

    def _judge(
        self,
        server: str,
        called: str,
        tools: Mapping[str, Told],
        new: list[str],
        known: dict[str, tuple[str, Category]],
    ) -> None:
        """Judge what is new beside all that is told, and note it in `known`."""
        # Imported here: only a policy that asks what tools are pays for the lexicons.
        from toolgate import classifier
        from toolgate.classifier.classify import classify_all

        said = classify_all([msgspec.json.decode(tool.text) for tool in tools.values()], called)
        found = {name: one.category for name, one in zip(tools, said, strict=True)}
        for name in new:
            if name not in known and len(known) >= _MOST:
                continue
            category = riskier(known[name][1] if name in known else None, found[name])
            assert category is not None  # one of the two is said just now
            known[name] = (tools[name].fingerprint, category)
            row = (server, name, *known[name], f"lexicon {classifier.VERSION}")
            self._db.execute("INSERT OR REPLACE INTO judgements VALUES (?, ?, ?, ?, ?)", row)
