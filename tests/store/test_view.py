from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from toolgate.keys import MasterKey, token_digest
from toolgate.store import definitions, grants, headers, policies, servers, tables
from toolgate.store.database import open_database, writing
from toolgate.store.definitions import Seen
from toolgate.store.directory import database_file
from toolgate.store.errors import StoreError
from toolgate.store.headers import HeaderInput
from toolgate.store.view import View

DENY = '{"version": "1", "default": "deny"}'
ALLOW = '{"version": "1", "default": "allow"}'
URL = "https://cargo.example/mcp"
RUN = Seen("run", "f1", '{"name": "run"}')


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def view(engine: Engine, data: Path, clock: Clock) -> Iterator[View]:
    view = View.open(data, clock)
    yield view
    view.close()


def kinds(view: View) -> list[tuple[str, str]]:
    return [(change.kind, change.id) for change in view.refresh()]


def test_a_view_of_a_new_database_is_empty_and_confirmed(view: View) -> None:
    assert (view.seq, view.confirmed_at, view.failure) == (0, 100.0, "")
    assert view.servers() == []
    assert view.grant(b"x" * 32) is None
    assert view.definitions("nothing") == {}


def test_opening_loads_everything(engine: Engine, data: Path) -> None:
    sealer = MasterKey.load(data).sealer(headers.PURPOSE)
    server = servers.add(
        engine, "ada", "cargo", URL, pin=True, credentials=[HeaderInput("x-key", value="v")], sealer=sealer
    )
    policy = policies.put(engine, "ada", "careful", DENY)
    definitions.saw(engine, "ada", "cargo", [RUN], trusted=True, protocol_revision="2025-11-25")
    minted = grants.add(engine, "ada", server="cargo", policy="careful", label="ci", labels={"k": "v"}, expires=9e9)
    view = View.open(data)
    row = view.grant(token_digest(minted.token))
    assert row is not None
    assert (row.id, row.label, row.principal, dict(row.labels)) == (minted.grant.id, "ci", "ci", {"k": "v"})
    assert (row.server_id, row.policy_id, row.expires) == (server.id, policy.id, 9e9)
    known = view.server(server.id)
    assert known is not None
    assert (known.name, known.url, known.pin, known.allow_private) == ("cargo", URL, True, False)
    assert known.protocol_revision == "2025-11-25"
    assert headers.open_headers(known.headers, server.id, sealer, {}) == [("x-key", "v")]
    held = view.policy(policy.id)
    assert held is not None
    assert (held.name, held.revision, held.document, held.digest) == ("careful", 1, DENY, policy.digest)
    assert view.definitions(server.id)["run"].definition == RUN.definition
    view.close()


def test_each_kind_of_change_arrives_by_the_next_refresh(engine: Engine, view: View) -> None:
    server = servers.add(engine, "ada", "cargo", URL)
    assert kinds(view) == [("server", server.id)]
    policy = policies.put(engine, "ada", "careful", DENY)
    minted = grants.add(engine, "ada", server="cargo", policy="careful", label="ci")
    assert kinds(view) == [("policy", policy.id), ("grant", minted.grant.id)]
    policies.put(engine, "ada", "careful", ALLOW)
    assert kinds(view) == [("policy", policy.id)]
    held = view.policy(policy.id)
    assert held is not None
    assert (held.revision, held.document) == (2, ALLOW)
    definitions.saw(engine, "gateway", "cargo", [RUN])
    assert kinds(view) == [("definitions", server.id)]
    assert view.definitions(server.id)["run"].status == "current"
    assert kinds(view) == []


def test_a_revoked_grant_is_unknown(engine: Engine, view: View) -> None:
    servers.add(engine, "ada", "cargo", URL)
    minted = grants.add(engine, "ada", server="cargo", policy=None, label="ci")
    view.refresh()
    assert view.grant_by_id(minted.grant.id) is not None
    grants.revoke(engine, "ada", "ci")
    assert kinds(view) == [("grant", minted.grant.id)]
    assert view.grant(token_digest(minted.token)) is None
    assert view.grant_by_id(minted.grant.id) is None


def test_a_rotated_grant_knows_only_its_new_token(engine: Engine, view: View) -> None:
    servers.add(engine, "ada", "cargo", URL)
    first = grants.add(engine, "ada", server="cargo", policy=None, label="ci")
    view.refresh()
    second = grants.rotate(engine, "ada", "ci")
    view.refresh()
    assert view.grant(token_digest(first.token)) is None
    assert view.grant(token_digest(second.token)) == view.grant_by_id(first.grant.id)


def test_a_removed_server_takes_its_grants_and_definitions_along(engine: Engine, view: View) -> None:
    server = servers.add(engine, "ada", "cargo", URL)
    definitions.saw(engine, "gateway", "cargo", [RUN])
    minted = grants.add(engine, "ada", server="cargo", policy=None, label="ci")
    view.refresh()
    servers.remove(engine, "ada", "cargo")
    assert set(kinds(view)) == {("grant", minted.grant.id), ("server", server.id)}
    assert view.server(server.id) is None
    assert view.definitions(server.id) == {}
    assert view.grant(token_digest(minted.token)) is None


def test_several_changes_of_one_row_are_reported_once_at_the_place_of_the_last(engine: Engine, view: View) -> None:
    server = servers.add(engine, "ada", "cargo", URL)
    first = policies.put(engine, "ada", "careful", DENY)
    policies.put(engine, "ada", "other", DENY)
    policies.put(engine, "ada", "careful", ALLOW)
    assert [change.seq for change in view.refresh()] == [1, 3, 4]
    assert view.seq == 4
    assert view.server(server.id) is not None
    held = view.policy(first.id)
    assert held is not None
    assert held.revision == 2


def test_a_withheld_version_is_seen_beside_the_one_in_force(engine: Engine, view: View) -> None:
    server = servers.add(engine, "ada", "cargo", URL, pin=True)
    definitions.saw(engine, "ada", "cargo", [RUN], trusted=True)
    definitions.saw(engine, "gateway", "cargo", [Seen("run", "f2", "{}"), Seen("wipe", "f3", "{}")])
    view.refresh()
    known = view.definitions(server.id)
    assert (known["run"].fingerprint, known["run"].status, known["run"].withheld) == ("f1", "current", "f2")
    assert (known["wipe"].fingerprint, known["wipe"].status, known["wipe"].withheld) == ("f3", "withheld", "")


def test_a_mapping_that_was_handed_out_does_not_change(engine: Engine, view: View) -> None:
    server = servers.add(engine, "ada", "cargo", URL)
    definitions.saw(engine, "gateway", "cargo", [RUN])
    view.refresh()
    before = view.definitions(server.id)
    definitions.saw(engine, "gateway", "cargo", [])
    view.refresh()
    assert list(before) == ["run"]
    assert list(view.definitions(server.id)) == []


def test_confirmation_follows_the_clock_only_while_the_database_can_be_read(
    data: Path, view: View, clock: Clock
) -> None:
    clock.now = 130.0
    view.refresh()
    assert view.confirmed_at == 130.0
    database_file(data).rename(data / "elsewhere")
    clock.now = 150.0
    assert view.refresh() == []
    assert view.confirmed_at == 130.0
    assert view.failure
    (data / "elsewhere").rename(database_file(data))
    clock.now = 160.0
    view.refresh()
    assert (view.confirmed_at, view.failure) == (160.0, "")


def test_a_database_that_is_locked_whole_leaves_the_view_as_it_was(
    engine: Engine, data: Path, view: View, clock: Clock
) -> None:
    server = servers.add(engine, "ada", "cargo", URL)
    view.refresh()
    view.close()
    engine.dispose()
    with closing(sqlite3.connect(database_file(data), isolation_level=None)) as locker:
        locker.execute("PRAGMA locking_mode = EXCLUSIVE")
        locker.execute("BEGIN EXCLUSIVE")
        locker.execute("UPDATE servers SET url = 'https://elsewhere.example/'")
        clock.now = 170.0
        assert view.refresh() == []
        assert "locked" in view.failure
        assert view.confirmed_at == 100.0
        assert view.server(server.id) is not None
        locker.execute("ROLLBACK")


def test_a_writer_in_the_middle_of_its_transaction_hinders_no_refresh(engine: Engine, view: View, clock: Clock) -> None:
    with writing(engine, "ada") as change:
        change.connection.execute(sa.update(tables.organisations).values(name="other"))
        clock.now = 140.0
        view.refresh()
    assert view.confirmed_at == 140.0


def test_a_row_that_cannot_be_read_leaves_the_view_whole_and_unconfirmed(
    engine: Engine, view: View, clock: Clock
) -> None:
    servers.add(engine, "ada", "cargo", URL)
    kept = grants.add(engine, "ada", server="cargo", policy=None, label="kept")
    view.refresh()
    broken = grants.add(engine, "ada", server="cargo", policy=None, label="broken")
    grants.revoke(engine, "ada", "kept")
    with writing(engine, "ada") as change:
        which = tables.grants.c.id == broken.grant.id
        change.connection.execute(tables.grants.update().where(which).values(labels="{"))
    clock.now = 150.0
    assert view.refresh() == []
    assert view.failure
    assert view.confirmed_at == 100.0
    assert view.grant_by_id(kept.grant.id) is not None


def test_a_change_of_unknown_kind_is_not_confirmed(engine: Engine, view: View) -> None:
    with writing(engine, "ada") as change:
        change.note("add", "novelty", "x")
    assert view.refresh() == []
    assert "unknown kind `novelty`" in view.failure


def test_a_database_that_was_exchanged_is_read_anew(engine: Engine, data: Path, view: View, tmp_path: Path) -> None:
    old = servers.add(engine, "ada", "cargo", URL)
    view.refresh()
    engine.dispose()
    other = open_database(tmp_path / "other")
    new = servers.add(other, "ada", "crm", URL)
    other.dispose()
    for name in ("toolgate.db-wal", "toolgate.db-shm"):
        (data / name).unlink(missing_ok=True)
    shutil.move(tmp_path / "other" / "toolgate.db", database_file(data))
    assert ("server", old.id) in kinds(view)
    assert view.server(old.id) is None
    assert view.server(new.id) is not None


def test_a_missing_database_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be read"):
        View.open(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_view_loads_no_heavy_library() -> None:
    script = (
        "import sys\n"
        "import toolgate.store.view, toolgate.store.changes\n"
        "print(sorted({'sqlalchemy', 'alembic', 'pydantic', 'typer', 'rich'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_secrets_do_not_show_in_what_a_debugger_prints(engine: Engine, data: Path, view: View) -> None:
    sealer = MasterKey.load(data).sealer(headers.PURPOSE)
    servers.add(engine, "ada", "cargo", URL, credentials=[HeaderInput("x-key", value="v")], sealer=sealer)
    minted = grants.add(engine, "ada", server="cargo", policy=None, label="ci")
    view.refresh()
    assert "sealed" not in repr(view.servers())
    assert repr(token_digest(minted.token)) not in repr(view.grant_by_id(minted.grant.id))
