"""Single lines of the journal by their places, as the index knows them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from toolgate.audit.records import AnyEntry, EntryUnreadable, read_line
from toolgate.audit.segments import segment_path

_FIRST_READ: Final = 2048
_OPEN_AT_MOST: Final = 16


class Lines:
    """Reads entries of one journal; keeps the segments it read last open. For one thread at a time."""

    def __init__(self, journal: Path) -> None:
        self._journal = journal
        self._open: dict[tuple[str, int], int] = {}

    def at(self, chain: str, segment: int, offset: int) -> AnyEntry | None:
        """The entry whose line begins there; None where no such line is any more (pruned, or taken away)."""
        try:
            return read_line(self._line(self._descriptor(chain, segment), offset))
        except (OSError, EntryUnreadable):
            return None

    def close(self) -> None:
        """Close every segment."""
        for descriptor in self._open.values():
            os.close(descriptor)
        self._open.clear()

    def _descriptor(self, chain: str, segment: int) -> int:
        known = self._open.get((chain, segment))
        if known is not None:
            return known
        if len(self._open) >= _OPEN_AT_MOST:
            os.close(self._open.pop(next(iter(self._open))))
        path = segment_path(self._journal, chain, segment)
        descriptor = self._open[chain, segment] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        return descriptor

    @staticmethod
    def _line(descriptor: int, offset: int) -> bytes:
        size = _FIRST_READ
        while True:
            read = os.pread(descriptor, size, offset)
            end = read.find(b"\n")
            if end >= 0 or len(read) < size:
                return read[:end]
            size *= 8
