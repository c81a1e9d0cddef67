"""What the migrations make of an empty file: `python -m tests.store.schema` writes it where it is shipped."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa

from toolgate.store import migrate
from toolgate.store.database import SCHEMA

_ABOUT = (
    "-- What the migrations make of an empty file; written by `python -m tests.store.schema`, compared by a test.\n"
)
_NOW = "(julianday('now') - 2440587.5) * 86400.0"


def migrated(file: Path) -> None:
    """A new file, brought to the newest schema by the migrations."""
    engine = sa.create_engine(f"sqlite+pysqlite:///{file}", poolclass=sa.NullPool)
    with engine.begin() as connection:
        migrate.upgrade(connection)
    engine.dispose()


def statements(file: Path) -> list[str]:
    """All that the file holds; the moment when its organisation was made is that of whoever runs them."""
    with closing(sqlite3.connect(file)) as connection:
        created = repr(connection.execute("SELECT quote(created) FROM organisations").fetchone()[0]).strip("'")
        kept = [each for each in connection.iterdump() if each.startswith(("CREATE", "INSERT"))]
    return [each.replace(created, _NOW) for each in kept if "sqlite_sequence" not in each]


def script(file: Path) -> str:
    """The shipped file as it should be; `file` is made for it."""
    migrated(file)
    return _ABOUT + "\n".join(statements(file)) + "\n"


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as directory:
        SCHEMA.write_text(script(Path(directory) / "new.db"), "utf-8")
