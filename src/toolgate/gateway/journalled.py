"""Which decisions stand in the journal: what a process that died had reserved for the others is given back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from toolgate.audit.reader import entries
from toolgate.audit.records import Decision, read_line


class JournalledIds:
    """Whether a decision stands in the journal; reads the chain of its process once, when first asked."""

    def __init__(self, journal: Path) -> None:
        self._journal = journal
        self._ids: dict[str, frozenset[str]] = {}

    def __contains__(self, decision_id: str) -> bool:
        process = decision_id.partition("-")[0]
        if process not in self._ids:
            self._ids[process] = frozenset(self._of(process))
        return decision_id in self._ids[process]

    def _of(self, process: str) -> Iterator[str]:
        for located in entries(self._journal):
            if located.chain.endswith(process):
                entry = read_line(located.line)
                if isinstance(entry, Decision):
                    yield entry.decision_id
