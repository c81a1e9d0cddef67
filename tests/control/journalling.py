"""Records for the tests of pages: written as a gateway writes them, and indexed as the control process does."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from toolgate.audit.index import Index
from toolgate.audit.journal import Journal
from toolgate.audit.records import Decision, Entry
from toolgate.keys import MasterKey
from toolgate.store.directory import database_file
from toolgate.store.tables import DEFAULT_ORGANISATION

HOSTILE = "<script>alert(1)</script>\x1b[2J\u202egpj"
"""Markup, a terminal's escape, and a mark that turns the direction of text."""


def decided(decision_id: str, time: float, **fields: Any) -> Decision:
    """A decision of the default organisation."""
    given = {"outcome": "allow", "organisation": DEFAULT_ORGANISATION, "method": "tools/call", "tool": "run"}
    return Decision(time=time, decision_id=decision_id, **(given | fields))


async def record(data: Path, entries: Sequence[Entry]) -> None:
    """Write a chain with these entries, and index it."""
    master = MasterKey.load(data)
    journal = Journal.open(data / "journal", master.signer(), "node", "none", master.id)
    for entry in entries:
        await journal.record(entry)
    await journal.close()
    with closing(Index(database_file(data), data / "journal")) as index:
        index.catch_up()
