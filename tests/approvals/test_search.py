"""What the inbox asks of the approvals' file."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from toolgate.gateway.stdio_access import ORGANISATION
from toolgate.store.approvals import FILE, LOCAL, ApprovalStore, Search
from toolgate.store.errors import NotStored

from .test_store import WANTED, Clock, ask

HOUSE = (WANTED.organisation,)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> ApprovalStore:
    return ApprovalStore(tmp_path, clock=clock)


def found(store: ApprovalStore, search: Search) -> list[str]:
    assert store.count(search) >= len(store.search(search))
    return [approval.tool for approval in store.search(search)]


def test_what_is_found_is_of_the_organisation_and_newest_first(store: ApprovalStore, clock: Clock) -> None:
    for name in ("first", "second"):
        ask(store, replace(WANTED, tool=name))
        clock.now += 1
    ask(store, replace(WANTED, tool="theirs", organisation="other"))
    assert found(store, Search(HOUSE)) == ["second", "first"]
    assert found(store, Search(("other",))) == ["theirs"]
    assert found(store, Search(("other", *HOUSE))) == ["theirs", "second", "first"]
    assert found(store, Search(())) == []


def test_calls_of_run_have_a_mark_of_their_own() -> None:
    assert LOCAL == ORGANISATION


def test_states_count_the_clock(store: ApprovalStore, clock: Clock) -> None:
    rows = {name: ask(store, replace(WANTED, tool=name)).id for name in ("pending", "approved", "denied")}
    store.decide(rows["approved"], "approved", "ada")
    store.decide(rows["denied"], "denied", "ada")
    assert found(store, Search(HOUSE, ("pending",))) == ["pending"]
    assert set(found(store, Search(HOUSE, ("pending", "denied")))) == {"pending", "denied"}
    clock.now += 600
    assert found(store, Search(HOUSE, ("pending",))) == found(store, Search(HOUSE, ("approved",))) == []
    assert set(found(store, Search(HOUSE, ("expired",)))) == {"pending", "approved"}
    assert found(store, Search(HOUSE, ("denied",))) == ["denied"]


def test_servers_grants_and_tools_narrow_what_is_found(store: ApprovalStore) -> None:
    ask(store, replace(WANTED, server_id="s1", tool="deploy"))
    ask(store, replace(WANTED, server_id="s2", tool="remove"))
    ask(store, replace(WANTED, server_id="s2", grant_id="g2", tool="", method="resources/read"))
    assert found(store, Search(HOUSE, servers=["s1"])) == ["deploy"]
    assert found(store, Search(HOUSE, servers=[])) == []
    assert found(store, Search(HOUSE, grant_id="g2")) == [""]
    assert found(store, Search(HOUSE, tool="remove")) == ["remove"]
    assert found(store, Search(HOUSE, tool="resources/read")) == [""]


def test_pages_follow_each_other_without_gap(store: ApprovalStore) -> None:
    everything = {ask(store, replace(WANTED, tool=f"t{number}")).id for number in range(7)}
    seen: list[str] = []
    before = None
    while page := store.search(Search(HOUSE, before=before, limit=3)):
        seen += [approval.id for approval in page]
        before = (page[-1].created, page[-1].id)
    assert len(seen) == 7
    assert set(seen) == everything


def test_the_previous_call_is_the_last_approved_of_the_same_kind(store: ApprovalStore, clock: Clock) -> None:
    calls = [ask(store, replace(WANTED, arguments=f"a{number}")) for number in range(4)]
    assert store.previous(calls[3]) is None
    for number, state in ((0, "approved"), (1, "approved"), (2, "denied")):
        clock.now += 1
        store.decide(calls[number].id, "denied" if state == "denied" else "approved", "ada")
    store.use(calls[1].id, "d")
    previous = store.previous(calls[3])
    assert previous is not None
    assert previous.id == calls[1].id
    earlier = store.previous(store.get(calls[1].id))
    assert earlier is not None
    assert earlier.id == calls[0].id
    other = ask(store, replace(WANTED, grant_id="another"))
    assert store.previous(other) is None


def test_an_approval_is_of_its_organisation_alone(store: ApprovalStore) -> None:
    mine = ask(store)
    assert store.exact(mine.id, HOUSE) == mine
    for id_, house in ((mine.id, ("other",)), (mine.id[:8], HOUSE), ("apr_unknown", HOUSE), (mine.id, ())):
        with pytest.raises(NotStored, match="there is no approval"):
            store.exact(id_, house)


def test_a_file_of_the_first_version_gets_the_indexes(tmp_path: Path, store: ApprovalStore) -> None:
    waiting = ask(store)
    store.close()
    with closing(sqlite3.connect(tmp_path / FILE)) as db:
        db.execute("DROP INDEX approvals_by_creation")
        db.execute("DROP INDEX approvals_by_state")
        db.execute("PRAGMA user_version = 1")
    assert store.exact(waiting.id, HOUSE) == waiting
    with closing(sqlite3.connect(tmp_path / FILE)) as db:
        names = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'index'")}
    assert {"approvals_by_creation", "approvals_by_state"} <= names
