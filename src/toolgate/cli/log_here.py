"""The records of a data directory of this machine: its index, brought up to the journal first."""

from __future__ import annotations

import csv
import io
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from toolgate.audit.export import csv_rows, described
from toolgate.audit.filters import Filter
from toolgate.audit.index import Index
from toolgate.audit.search import Records
from toolgate.cli import printing
from toolgate.cli.administration import Described
from toolgate.store.directory import database_file
from toolgate.store.errors import Busy, StoreError


class LogHere:
    """The `Log` of one data directory."""

    def __init__(self, data: Path) -> None:
        self._data = data

    def records(self, wanted: Filter, newest: int | None) -> Iterator[Described]:
        """Oldest first."""
        with self._records() as records:
            for found in records.every(wanted, newest):
                yield described(*found)

    def table(self, since: float) -> Iterator[str]:
        """All since then as lines of CSV."""
        line = io.StringIO(newline="")
        writer = csv.writer(line)
        with self._records() as records:
            for row in csv_rows(records.every(Filter(since=since))):
                writer.writerow(row)
                yield line.getvalue()
                line.seek(0)
                line.truncate()

    @contextmanager
    def _records(self) -> Iterator[Records]:
        with up_to_date(self._data):
            records = Records(database_file(self._data), self._data / "journal")
            try:
                yield records
            finally:
                records.close()


@contextmanager
def up_to_date(data: Path) -> Iterator[Index]:
    """The index, brought up to the journal: what is listed does not depend on whether a gateway runs."""
    database = database_file(data)
    try:
        index = Index(database, data / "journal")
        try:
            index.catch_up()
            if index.unreadable:
                cause = f"{index.unreadable} lines are no entries and are left out"
                printing.warn("journal", cause, "`toolgate audit verify` says where")
            yield index
        finally:
            index.close()
    except sqlite3.Error as error:
        if "locked" in str(error):
            raise Busy(str(database), "is locked by another process", "try again when it has ended") from error
        raise StoreError(str(database), f"cannot be used: {error}") from error
