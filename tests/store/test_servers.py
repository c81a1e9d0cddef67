from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from toolgate.keys import MasterKey, Sealer
from toolgate.store import grants, headers, servers, tables
from toolgate.store.database import latest_change, reading
from toolgate.store.errors import BadInput, NotStored, StoreError
from toolgate.store.headers import HeaderInput

URL = "https://cargo.example/mcp"


@pytest.fixture
def sealer(engine: Engine, data: Path) -> Sealer:
    return MasterKey.load(data).sealer(headers.PURPOSE)


def test_a_server_is_found_by_name_and_by_id(engine: Engine) -> None:
    added = servers.add(engine, "ada", "cargo", URL)
    assert servers.get(engine, "cargo") == servers.get(engine, added.id) == added
    assert servers.every(engine) == [added]
    assert (added.url, added.pin, added.reach) == (URL, False, servers.Reach())


def test_settings_of_a_server_are_kept(engine: Engine) -> None:
    reach = servers.Reach(True, "/ca.pem", "/cert.pem", "/key.pem", "http://proxy.internal:3128")
    added = servers.add(engine, "ada", "cargo", "http://10.0.0.1/", reach=reach, pin=True)
    assert (added.reach, added.pin) == (reach, True)


def test_a_name_is_taken_until_its_server_is_removed(engine: Engine) -> None:
    first = servers.add(engine, "ada", "cargo", URL)
    with pytest.raises(StoreError, match="named `cargo` already"):
        servers.add(engine, "ada", "cargo", URL)
    servers.remove(engine, "ada", "cargo")
    assert servers.add(engine, "ada", "cargo", URL).id != first.id


def test_credentials_are_stored_sealed_and_removed_with_the_server(engine: Engine, data: Path, sealer: Sealer) -> None:
    given = [HeaderInput("authorization", value="Bearer s3cret-value"), HeaderInput("x-key", variable="KEY")]
    added = servers.add(engine, "ada", "cargo", URL, credentials=given, sealer=sealer)
    assert added.headers == {"authorization": "sealed", "x-key": "env:KEY"}
    servers.remove(engine, "ada", "cargo")
    with reading(engine) as connection:
        assert connection.execute(sa.select(tables.upstream_headers)).all() == []
    for file in data.glob("toolgate.db*"):
        assert b"s3cret-value" not in file.read_bytes()


def test_a_refused_server_leaves_nothing(engine: Engine) -> None:
    with pytest.raises(BadInput):
        servers.add(engine, "ada", "cargo", URL, credentials=[HeaderInput("x-key", value="v")], sealer=None)
    with pytest.raises(BadInput):
        servers.add(engine, "ada", "cargo", "http://10.0.0.1/")
    with pytest.raises(BadInput):
        servers.add(engine, "ada", "two words", URL)
    assert servers.every(engine) == []
    assert latest_change(engine) == 0


@pytest.mark.parametrize("reference", ["", "nobody", "00000000-0000-4000-8000-00000000dead", "' OR 1=1 --", "\x1b[2J"])
def test_what_does_not_exist_is_said_to_be_missing(engine: Engine, reference: str) -> None:
    with pytest.raises(NotStored, match="there is no server") as caught:
        servers.get(engine, reference)
    assert str(caught.value).isprintable()


def test_removing_a_server_revokes_its_grants_alone(engine: Engine) -> None:
    servers.add(engine, "ada", "cargo", URL)
    servers.add(engine, "ada", "crm", URL)
    mine = grants.add(engine, "ada", server="cargo", policy=None, label="a").grant
    other = grants.add(engine, "ada", server="crm", policy=None, label="b").grant
    assert servers.get(engine, "cargo").grants == 1
    assert servers.remove(engine, "ada", "cargo") == [mine.id]
    assert grants.get(engine, mine.id, 0.0).state == "revoked"
    assert grants.get(engine, other.id, 0.0).state == "active"
    with pytest.raises(NotStored):
        servers.get(engine, "cargo")


def test_each_change_is_told_to_the_gateways_and_to_the_administrators(engine: Engine, sealer: Sealer) -> None:
    given = [HeaderInput("authorization", value="s3cret-value")]
    added = servers.add(engine, "ada", "cargo", URL, credentials=given, sealer=sealer)
    servers.remove(engine, "grace", added.id)
    with reading(engine) as connection:
        changed = connection.execute(sa.select(tables.changes).order_by(tables.changes.c.seq)).all()
        events = connection.execute(sa.select(tables.admin_events).order_by(tables.admin_events.c.id)).all()
    assert [tuple(row) for row in changed] == [(1, "server", added.id), (2, "server", added.id)]
    assert [(row.actor, row.action, row.kind, row.target) for row in events] == [
        ("ada", "add", "server", added.id),
        ("grace", "remove", "server", added.id),
    ]
    assert "s3cret-value" not in str(events)
