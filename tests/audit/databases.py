"""New databases, fast: migrated once, copied for each test."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from toolgate.store.database import open_database
from toolgate.store.directory import database_file


@cache
def _migrated() -> bytes:
    with TemporaryDirectory() as name:
        data = Path(name) / "data"
        open_database(data).dispose()
        return database_file(data).read_bytes()


def new_database(data: Path) -> Path:
    """An empty database in this data directory, which is made."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = database_file(data)
    path.write_bytes(_migrated())
    path.chmod(0o600)
    return path
