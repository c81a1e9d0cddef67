"""Rotating and retiring keys of an installation whose gateway does not run: files, records, signatures."""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import fields
from pathlib import Path

import pytest
from tests.audit.samples import decision

from toolgate.audit.chain import Head
from toolgate.audit.checkpoints import FILE, CheckpointFile
from toolgate.audit.journal import Journal
from toolgate.audit.verify import verify
from toolgate.cli.root import run
from toolgate.keyfiles import KEY_FILE_VARIABLE, KeyFiles
from toolgate.keys import MasterKey, sealed_under
from toolgate.rotation import NotConfirmed, Ring
from toolgate.store import headers, servers
from toolgate.store.approvals import SEAL, ApprovalStore, Wanted
from toolgate.store.changes import listen
from toolgate.store.database import open_database
from toolgate.store.errors import Busy, Conflict, NotStored
from toolgate.store.sealed import BRIEF, SEALED, census
from toolgate.store.tables import metadata

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _no_named_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_FILE_VARIABLE, raising=False)


def wanted_call(mark: str) -> Wanted:
    texts = {field.name: mark for field in fields(Wanted) if field.name != "revision"}
    return Wanted(**texts, revision=1)


class Place:
    """A data directory with a sealed header and a held call."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.engine = open_database(data)
        self.said: list[str] = []
        self.ring = Ring(data, self.engine, "test", 5.0, self.said.append)
        sealer = MasterKey.load(data).sealer(headers.PURPOSE)
        given = [headers.parse_header("X-Key: secret")]
        self.server = servers.add(
            self.engine, "test", "one", "https://one.example/mcp", credentials=given, sealer=sealer
        ).id
        self.approval = self._hold()

    def _hold(self) -> str:
        wanted = wanted_call("x")
        sealer = MasterKey.load(self.data).sealer(SEAL)
        store = ApprovalStore(self.data)
        held = store.ask(wanted, 600, lambda id_: sealer.seal(b"the call", id_.encode()), 5)
        store.close()
        return held.id

    def opened(self) -> tuple[str, bytes]:
        """The header's value and the held call, with the keys that lie in the files now."""
        master = MasterKey.load(self.data)
        with self.engine.connect() as connection:
            row = connection.exec_driver_sql("SELECT name, sealed FROM upstream_headers").one()
        stored = headers.StoredHeader(row.name, row.sealed, None)
        store = ApprovalStore(self.data)
        sealed = store.sealed(self.approval)
        store.close()
        value = headers.unseal("here", stored, self.server, master.sealer(headers.PURPOSE))
        return value, master.sealer(SEAL).open(sealed, self.approval.encode())

    def files(self) -> list[str]:
        return sorted(name for name in os.listdir(self.data) if name.startswith("master.key"))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "data")


def test_a_rotation_seals_every_record_with_a_new_key(place: Place) -> None:
    old = MasterKey.load(place.data)
    rotated = place.ring.rotate()
    assert (rotated.old, rotated.new) == (old.id, MasterKey.load(place.data).id)
    assert rotated.old != rotated.new
    assert place.files() == ["master.key", f"master.key.{old.id}"]
    assert {name: set(count) for name, count in census(place.data).items()} == {
        "upstream_headers.sealed": {rotated.new},
        "approvals.sealed": {rotated.new},
    }
    assert place.opened() == ("secret", b"the call")
    assert {name: (it.done, it.broken) for name, it in rotated.records.items()}["approvals.sealed"] == (1, 0)


def test_everything_opens_when_the_old_key_file_is_gone(place: Place) -> None:
    old = place.ring.rotate().old
    place.ring.retire(old, at_once=True)
    assert place.files() == ["master.key"]
    assert place.opened() == ("secret", b"the call")


def test_every_key_file_is_for_its_owner_alone(place: Place) -> None:
    place.ring.rotate()
    assert {os.stat(place.data / name).st_mode & 0o777 for name in place.files()} == {0o600}


def test_a_key_that_was_in_use_until_a_short_time_ago_is_not_retired(place: Place) -> None:
    old = place.ring.rotate().old
    with pytest.raises(Conflict, match="clients hold sessions"):
        place.ring.retire(old)
    assert f"master.key.{old}" in place.files()


def test_a_key_that_still_seals_a_record_is_not_retired(place: Place) -> None:
    old_sealer = MasterKey(KeyFiles.of(place.data).read().current).sealer(SEAL)
    old = place.ring.rotate().old
    late = ApprovalStore(place.data)
    late.ask(wanted_call("y"), 600, lambda id_: old_sealer.seal(b"late", id_.encode()), 5)
    late.close()
    with pytest.raises(Conflict, match="still seals records: 1 in approvals"):
        place.ring.retire(old, at_once=True)
    assert f"master.key.{old}" in place.files()


def test_a_record_that_no_key_opens_stays_and_is_counted(place: Place) -> None:
    with place.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE upstream_headers SET name = 'other'")
    rotated = place.ring.rotate()
    assert rotated.records["upstream_headers.sealed"].broken == 1
    assert place.ring.show()[1].records == {"upstream_headers.sealed": 1}


def test_only_an_earlier_key_is_retired(place: Place) -> None:
    rotated = place.ring.rotate()
    for reference in (rotated.new, "0123456789abcdef"):
        with pytest.raises(NotStored, match="no earlier key"):
            place.ring.retire(reference, at_once=True)


def test_a_second_rotation_replaces_the_second_key(place: Place) -> None:
    first = place.ring.rotate()
    second = place.ring.rotate()
    assert second.old == first.new
    assert [key.use for key in place.ring.show()] == ["current", "earlier", "earlier"]
    assert place.opened() == ("secret", b"the call")
    place.ring.retire(first.old, at_once=True)
    place.ring.retire(second.old, at_once=True)
    assert place.opened() == ("secret", b"the call")


def test_two_rotations_at_once_are_refused(place: Place) -> None:
    tries: list[str] = []

    def again(_step: str) -> None:
        try:
            Ring(place.data, place.engine, "other", 1.0, tries.append).rotate()
        except Busy as error:
            tries.append(error.cause)

    Ring(place.data, place.engine, "test", 1.0, again).rotate()
    assert set(tries) == {"another process is turning the keys"}


def test_a_rotation_and_a_retirement_are_events_of_the_administrators(place: Place) -> None:
    rotated = place.ring.rotate()
    place.ring.retire(rotated.old, at_once=True)
    with place.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT action, target FROM admin_events WHERE kind = 'keys'").all()
    assert [tuple(row) for row in rows] == [("rotate", rotated.new), ("retire", rotated.old)]


async def test_a_process_that_cannot_read_the_new_key_stops_the_rotation_before_anyone_seals_with_it(
    place: Place,
) -> None:
    async def stuck(_mark: int) -> int:
        return 0

    listening = await listen(place.data, stuck, "wake-keys")
    old = MasterKey.load(place.data).id
    with pytest.raises(NotConfirmed, match=f"process {os.getpid()} did not confirm"):
        await asyncio.to_thread(place.ring.rotate)
    await listening.close()
    assert MasterKey.load(place.data).id == old
    assert place.files() == ["master.key", "master.key.next"]
    assert place.ring.rotate().old == old
    assert place.files() == ["master.key", f"master.key.{old}"]


def test_every_sealed_column_of_the_database_is_in_the_list() -> None:
    sealed = {
        (table.name, column.name)
        for table in metadata.tables.values()
        for column in table.columns
        if column.name.startswith("sealed") and table.name not in BRIEF
    }
    assert sealed == {(place.table, place.column) for place in SEALED if place.file == "toolgate.db"}


async def signed(journal: Path, master: MasterKey) -> str:
    """One chain of a process that has this key."""
    opened = Journal.open(journal, master.signer(), "node", "none", master.id)
    await opened.record(decision())
    await opened.close()
    return opened.chain_id


async def test_the_journal_verifies_before_during_and_after_a_rotation(tmp_path: Path) -> None:
    place = Place(tmp_path / "data")
    journal = place.data / "journal"
    old = MasterKey.load(place.data)
    chain = await signed(journal, old)
    assert verify(journal, old.public_keys()).valid
    rotated = await asyncio.to_thread(place.ring.rotate)
    new = MasterKey.load(place.data)
    await signed(journal, new)
    assert verify(journal, old.public_keys()).valid, "the key that was published first vouches for the second"
    assert verify(journal, new.public_keys()[:1]).valid, "the second key vouches for the first"
    place.ring.retire(rotated.old, at_once=True)
    assert verify(journal, MasterKey.load(place.data).public_keys()).valid
    assert not verify(journal, [MasterKey(b"o" * 32).signer().public_key()]).valid
    assert chain


async def test_a_retired_key_signs_nothing_any_more(tmp_path: Path) -> None:
    place = Place(tmp_path / "data")
    journal = place.data / "journal"
    old = MasterKey.load(place.data)
    chain = await signed(journal, old)
    await asyncio.to_thread(place.ring.rotate)
    CheckpointFile(journal, old.signer(), old.id).append("periodic", chain, Head(99, "f" * 64), 1.0)
    assert "not signed" not in str(verify(journal, MasterKey.load(place.data).public_keys()).problems)
    (journal / FILE).write_bytes(b"".join((journal / FILE).read_bytes().splitlines(keepends=True)[:-1]))
    place.ring.retire(old.id, at_once=True)
    CheckpointFile(journal, old.signer(), old.id).append("periodic", chain, Head(99, "f" * 64), 1.0)
    report = verify(journal, MasterKey.load(place.data).public_keys())
    assert f"not signed with the journal's key (it names key `{old.id}`)" in str(report.problems)


async def test_a_stranger_s_key_is_not_trusted_by_its_own_word(tmp_path: Path) -> None:
    place = Place(tmp_path / "data")
    own = MasterKey.load(place.data)
    await signed(place.data / "journal", own)
    other = Place(tmp_path / "other")
    other.ring.rotate()
    with (place.data / "journal" / FILE).open("ab") as file:
        file.write((other.data / "journal" / FILE).read_bytes())
    report = verify(place.data / "journal", own.public_keys())
    assert "not signed with the journal's key" in str(report.problems)


def test_the_command_shows_foretells_rotates_and_retires(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    data = ["--data", str(place.data), "--json"]

    def answer(*words: str, status: int = 0) -> object:
        assert run(["keys", *words, *data]) == status
        return json.loads(capsys.readouterr().out or "null")

    old = MasterKey.load(place.data).id
    assert answer("rotate", "--dry-run") == {
        "under_way": False,
        "processes": 0,
        "records": {"upstream_headers.sealed": 1, "approvals.sealed": 1},
    }
    assert place.files() == ["master.key"]
    rotated = answer("rotate")
    assert isinstance(rotated, dict)
    assert rotated["old"] == old
    shown = answer("show")
    assert isinstance(shown, list)
    assert [(key["id"], key["use"]) for key in shown] == [(rotated["new"], "current"), (old, "earlier")]
    assert shown[0]["since"] is not None
    answer("retire", old[:6], status=2)
    assert answer("retire", old[:6], "--now") == {"retired": old[:6]}


def test_the_key_of_every_signature_is_printed_also_of_a_retired_one(
    place: Place, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    place.ring.retire(place.ring.rotate().old, at_once=True)
    assert run(["audit", "key", "--data", str(place.data)]) == 0
    pem = capsys.readouterr().out
    assert pem.count("BEGIN PUBLIC KEY") == 2
    published = tmp_path / "journal.pem"
    published.write_text(pem)
    assert run(["audit", "verify", "--data", str(place.data), "--public-key", str(published)]) == 0


def test_a_sealed_record_names_its_key(place: Place) -> None:
    master = MasterKey.load(place.data)
    assert sealed_under(master.sealer("a").seal(b"x", b"y")) == master.id
