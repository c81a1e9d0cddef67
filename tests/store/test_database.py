from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.engine import Engine
from tests.store import schema

from toolgate.store import database, migrate, servers, tables
from toolgate.store.database import latest_change, open_database, reading, writing
from toolgate.store.directory import database_file, prepare_directory
from toolgate.store.errors import Busy, StoreError


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_only_the_owner_may_read_what_is_made(engine: Engine, data: Path) -> None:
    with reading(engine) as connection:
        connection.execute(sa.select(tables.organisations)).all()
        assert mode(data) == 0o700
        assert {path.name: mode(path) for path in data.glob("toolgate.db*")} == {
            "toolgate.db": 0o600,
            "toolgate.db-wal": 0o600,
            "toolgate.db-shm": 0o600,
        }


def test_an_empty_directory_is_tightened(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o755)
    open_database(data).dispose()
    assert mode(data) == 0o700


def test_a_database_that_others_may_read_is_tightened(engine: Engine, data: Path) -> None:
    engine.dispose()
    database_file(data).chmod(0o644)
    data.chmod(0o755)
    open_database(data).dispose()
    assert (mode(data), mode(database_file(data))) == (0o700, 0o600)


def test_a_foreign_directory_keeps_its_permissions_and_is_refused_when_others_may_write(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "thesis.tex").write_text("mine")
    foreign.chmod(0o777)
    with pytest.raises(StoreError, match="others may write"):
        open_database(foreign)
    assert mode(foreign) == 0o777
    foreign.chmod(0o755)
    open_database(foreign).dispose()
    assert mode(foreign) == 0o755


def test_a_link_in_place_of_the_database_is_refused(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    (tmp_path / "elsewhere").touch()
    database_file(data).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError):
        open_database(data)


def test_a_path_that_is_no_directory_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError) as caught:
        open_database(tmp_path / "file")
    assert caught.value.place == str(tmp_path / "file")


def test_head_is_the_newest_script(engine: Engine, data: Path) -> None:
    assert migrate.head() == database.HEAD
    with closing(sqlite3.connect(database_file(data))) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(database.HEAD,)]


def test_the_migrations_make_exactly_the_tables(engine: Engine) -> None:
    with reading(engine) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, tables.metadata) == []


def test_there_is_one_organisation_from_the_start(engine: Engine) -> None:
    with reading(engine) as connection:
        rows = connection.execute(sa.select(tables.organisations.c.id, tables.organisations.c.name)).all()
    assert rows == [(tables.DEFAULT_ORGANISATION, "default")]


def test_opening_again_changes_nothing_and_loads_no_alembic(engine: Engine, data: Path) -> None:
    script = (
        "import pathlib, sys\n"
        "from toolgate.store.database import latest_change, open_database\n"
        "print(latest_change(open_database(pathlib.Path(sys.argv[1]))), 'alembic' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(data)], capture_output=True, text=True, check=True)
    assert done.stdout == "0 False\n"


def test_processes_that_open_a_new_directory_at_once_agree(data: Path) -> None:
    script = (
        "import pathlib, sys\n"
        "from toolgate.store.database import open_database, writing\n"
        "with writing(open_database(pathlib.Path(sys.argv[1])), 'test') as change:\n"
        "    change.note('add', 'server', 'x')\n"
    )
    started = [subprocess.Popen([sys.executable, "-c", script, str(data)]) for _ in range(4)]
    assert [process.wait() for process in started] == [0, 0, 0, 0]
    engine = open_database(data)
    assert latest_change(engine) == 4
    engine.dispose()


def test_an_interrupted_migration_leaves_the_version_before(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def upgrade_and_die(connection: sa.Connection) -> None:
        upgrade(connection)
        raise KeyboardInterrupt

    at_first_version(data)
    upgrade = migrate.upgrade
    monkeypatch.setattr(migrate, "upgrade", upgrade_and_die)
    with pytest.raises(KeyboardInterrupt):
        open_database(data)
    with closing(sqlite3.connect(database_file(data))) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("0001",)]
    monkeypatch.undo()
    open_database(data).dispose()


def test_an_interrupted_creation_leaves_nothing(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cut = tmp_path / "schema.sql"
    cut.write_text(database.SCHEMA.read_text("utf-8") + "CREATE TABLE organisations (id TEXT);\n", "utf-8")
    monkeypatch.setattr(database, "SCHEMA", cut)
    with pytest.raises(StoreError, match="already exists"):
        open_database(data)
    with closing(sqlite3.connect(database_file(data))) as connection:
        assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    monkeypatch.undo()
    open_database(data).dispose()


def test_a_new_database_is_what_the_migrations_make(engine: Engine, data: Path, tmp_path: Path) -> None:
    assert database.SCHEMA.read_text("utf-8") == schema.script(tmp_path / "migrated.db")
    assert schema.statements(database_file(data)) == schema.statements(tmp_path / "migrated.db")


def test_a_foreign_database_is_left_as_it_is(data: Path) -> None:
    prepare_directory(data)
    with closing(sqlite3.connect(database_file(data))) as connection:
        connection.execute("CREATE TABLE organisations (id TEXT)")
    with pytest.raises(StoreError, match="already exists"):
        open_database(data)
    with closing(sqlite3.connect(database_file(data))) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("organisations",)]


def at_first_version(data: Path) -> Engine:
    prepare_directory(data)
    first = sa.create_engine(f"sqlite:///{database_file(data)}", poolclass=sa.NullPool)
    with first.begin() as connection:
        command.upgrade(migrate.configuration(connection), "0001")
    return first


def test_rows_of_the_first_version_are_kept_and_read(data: Path) -> None:
    first = at_first_version(data)
    with first.begin() as connection:
        values = "('s', :organisation, 'cargo', 'https://cargo.example/', 0, 1, 0)"
        columns = "(id, organisation_id, name, url, allow_private, pin, created)"
        row = {"organisation": tables.DEFAULT_ORGANISATION}
        connection.execute(sa.text(f"INSERT INTO servers {columns} VALUES {values}"), row)
    first.dispose()
    engine = open_database(data)
    [server] = servers.every(engine)
    assert (server.name, server.url, server.command, server.origin, server.pin) == (
        "cargo",
        "https://cargo.example/",
        (),
        None,
        True,
    )
    engine.dispose()


def test_a_database_of_a_newer_version_is_refused(engine: Engine, data: Path) -> None:
    with engine.execution_options(writes=True).begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(StoreError, match="newer version"):
        open_database(data)


def test_a_file_that_is_no_database_is_refused(data: Path) -> None:
    data.mkdir(mode=0o700)
    database_file(data).write_bytes(b"not a database at all " * 100)
    with pytest.raises(StoreError, match="cannot be used"):
        open_database(data)


def test_a_lock_that_is_held_too_long_is_reported_as_busy(
    engine: Engine, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "LOCK_WAIT", 0.0)
    second = open_database(data)
    with writing(engine, "first"), pytest.raises(Busy), writing(second, "second"):
        pass
    second.dispose()


def test_a_reader_does_not_wait_for_a_writer(engine: Engine, data: Path) -> None:
    with writing(engine, "first") as change:
        change.note("add", "server", "x")
        assert latest_change(engine) == 0
    assert latest_change(engine) == 1


def test_a_connection_that_is_kept_holds_nobody_up_and_sees_what_others_write(engine: Engine, data: Path) -> None:
    kept = open_database(data, kept=1)
    for number in range(3):
        with ThreadPoolExecutor(1) as thread:
            assert thread.submit(latest_change, kept).result() == number
        with pytest.raises(ZeroDivisionError), writing(kept, "test"):
            raise ZeroDivisionError
        with writing(engine, "test") as change:
            change.note("add", "server", "x")
        with closing(sqlite3.connect(database_file(data), timeout=0)) as connection:
            assert connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone() == (0, 0, 0)
    assert isinstance(kept.pool, sa.QueuePool)
    assert kept.pool.checkedin() == 1
    kept.dispose()


def test_what_raises_inside_a_transaction_undoes_all_of_it(engine: Engine) -> None:
    def write_and_fail() -> None:
        with writing(engine, "test") as change:
            change.note("add", "server", "x", after={"name": "x"})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_fail()
    with reading(engine) as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(tables.admin_events)) == 0
    assert latest_change(engine) == 0


def test_the_numbers_of_changes_never_repeat(engine: Engine) -> None:
    with writing(engine, "test") as change:
        change.note("add", "server", "x")
    with engine.execution_options(writes=True).begin() as connection:
        connection.execute(tables.changes.delete())
    with writing(engine, "test") as change:
        change.note("add", "server", "y")
    assert latest_change(engine) == 2


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError) as caught:
        open_database(tmp_path / "file" / "data")
    assert caught.value.place == str(tmp_path / "file" / "data")
