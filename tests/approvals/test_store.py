"""The states of an approval, and what happens when two want the same step at once."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from toolgate.store.approvals import FILE, KEPT, Approval, ApprovalStore, NotPending, TooMany, Wanted
from toolgate.store.errors import Busy, NotStored, StoreError

WANTED = Wanted(
    organisation="o",
    grant_id="g",
    grant_label="ci",
    principal="ci",
    server_id="s",
    server_name="cargo",
    method="tools/call",
    tool="deploy",
    arguments="a1",
    rest="",
    fingerprint="f",
    policy_id="p",
    revision=1,
    rule="/tools/deploy/action",
    reason="Mind.",
)


@dataclass
class Clock:
    now: float = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> ApprovalStore:
    return ApprovalStore(tmp_path, clock=clock)


def ask(store: ApprovalStore, wanted: Wanted = WANTED, lifetime: float = 600) -> Approval:
    return store.ask(wanted, lifetime, lambda id_: id_.encode(), limit=20)


def test_the_file_is_made_at_the_first_use_for_its_owner_alone(tmp_path: Path, store: ApprovalStore) -> None:
    assert not (tmp_path / FILE).exists()
    ask(store)
    files = [tmp_path / f"{FILE}{suffix}" for suffix in ("", "-wal", "-shm")]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_identical_calls_share_one_approval(store: ApprovalStore) -> None:
    first = ask(store)
    assert ask(store) == first
    assert store.live(WANTED) == first
    assert store.sealed(first.id) == first.id.encode()


@pytest.mark.parametrize(
    "other",
    [
        {"grant_id": "h"},
        {"server_id": "t"},
        {"method": "resources/read"},
        {"tool": "undeploy"},
        {"arguments": "a2"},
        {"rest": "r"},
        {"fingerprint": "g"},
    ],
)
def test_a_call_that_differs_in_anything_is_another(store: ApprovalStore, other: dict[str, str]) -> None:
    first = ask(store)
    store.decide(first.id, "approved", "ada")
    assert store.live(replace(WANTED, **other)) is None  # type: ignore[arg-type]
    assert ask(store, replace(WANTED, **other)).id != first.id  # type: ignore[arg-type]


def test_one_decision_counts_and_the_other_is_told_whose(store: ApprovalStore) -> None:
    waiting = ask(store)
    decided = store.decide(waiting.id, "denied", "cli:ada", "no")
    assert (decided.state, decided.decided_by, decided.decision_reason) == ("denied", "cli:ada", "no")
    with pytest.raises(NotPending, match="denied by cli:ada"):
        store.decide(waiting.id, "approved", "cli:bob")


def test_a_permit_is_used_once(store: ApprovalStore) -> None:
    waiting = ask(store)
    assert not store.use(waiting.id, "d1")
    store.decide(waiting.id, "approved", "ada")
    assert store.use(waiting.id, "d1")
    assert not store.use(waiting.id, "d2")
    assert (store.get(waiting.id).state, store.get(waiting.id).used_by) == ("used", "d1")
    assert ask(store).id != waiting.id


def test_time_ends_what_is_pending_or_approved_and_nothing_else(store: ApprovalStore, clock: Clock) -> None:
    rows = {name: ask(store, replace(WANTED, tool=name)).id for name in ("pending", "approved", "denied", "used")}
    store.decide(rows["approved"], "approved", "ada")
    store.decide(rows["denied"], "denied", "ada")
    store.decide(rows["used"], "approved", "ada")
    store.use(rows["used"], "d")
    clock.now += 599.9
    assert store.states(rows.values()) == {id_: name for name, id_ in rows.items()}
    clock.now += 0.1
    expected = {"pending": "expired", "approved": "expired", "denied": "denied", "used": "used"}
    assert store.states(rows.values()) == {rows[name]: state for name, state in expected.items()}
    assert {approval.id for approval in store.every(["expired"])} == {rows["pending"], rows["approved"]}
    with pytest.raises(NotPending, match="expired"):
        store.decide(rows["pending"], "approved", "ada")
    assert not store.use(rows["approved"], "d")
    assert ask(store, replace(WANTED, tool="pending")).id != rows["pending"]


def test_a_refusal_holds_for_repeats_until_it_expires(store: ApprovalStore, clock: Clock) -> None:
    refused = ask(store)
    store.decide(refused.id, "denied", "ada")
    assert ask(store).id == refused.id
    clock.now += 600
    assert ask(store).id != refused.id


def test_a_void_approval_cannot_be_decided_on_or_used(store: ApprovalStore) -> None:
    pending, approved = ask(store), ask(store, replace(WANTED, tool="other"))
    store.decide(approved.id, "approved", "ada")
    assert store.void(pending.id)
    assert store.void(approved.id)
    assert not store.void(approved.id)
    assert not store.use(approved.id, "d")
    with pytest.raises(NotPending, match="void"):
        store.decide(pending.id, "approved", "ada")


def test_pending_ones_are_capped_for_each_grant(store: ApprovalStore, clock: Clock) -> None:
    waiting = [ask(store, replace(WANTED, arguments=f"a{number}")) for number in range(20)]
    with pytest.raises(TooMany, match="20 calls"):
        ask(store, replace(WANTED, arguments="one more"))
    assert ask(store, replace(WANTED, arguments="a3")) == waiting[3]
    assert ask(store, replace(WANTED, grant_id="other")).state == "pending"
    store.decide(waiting[0].id, "approved", "ada")
    ask(store, replace(WANTED, arguments="one more"))
    clock.now += 600
    ask(store, replace(WANTED, arguments="when the others expired"))


def test_old_ones_are_removed(store: ApprovalStore, clock: Clock) -> None:
    first = ask(store)
    clock.now += 600 + KEPT
    ask(store)
    assert store.get(first.id)
    clock.now += 1
    ask(store, replace(WANTED, tool="other"))
    with pytest.raises(NotStored):
        store.get(first.id)


def test_the_beginning_of_an_id_is_enough_where_it_is_the_only_one(store: ApprovalStore) -> None:
    first = ask(store)
    assert store.get(first.id[4:10]) == store.get(first.id[:10]) == first
    others = [ask(store, replace(WANTED, grant_id=f"g{number}", tool="other")) for number in range(40)]
    assert len({other.id[:5] for other in others}) < len(others)
    twice = next(one for one in others if sum(other.id[:5] == one.id[:5] for other in others) > 1)
    with pytest.raises(NotStored, match="several"):
        store.get(twice.id[:5])
    for unknown in ("apr_", "", "apr_zzzzzzzzzzz", "%"):
        with pytest.raises(NotStored):
            store.get(unknown)


def test_everything_is_there_after_the_file_is_opened_again(store: ApprovalStore) -> None:
    waiting = ask(store)
    store.decide(waiting.id, "approved", "ada", "fine")
    before = store.get(waiting.id)
    store.close()
    assert store.get(waiting.id) == before
    assert store.use(waiting.id, "d")


def test_a_file_that_is_none_is_an_error_and_not_an_empty_list(tmp_path: Path, store: ApprovalStore) -> None:
    (tmp_path / FILE).write_bytes(b"x" * 5000)
    with pytest.raises(StoreError, match="cannot be used"):
        store.every()


def test_a_file_of_a_later_version_is_refused(tmp_path: Path, store: ApprovalStore) -> None:
    with closing(sqlite3.connect(tmp_path / FILE)) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="version 99"):
        ask(store)


def test_a_file_that_others_hold_is_said_to_be_locked(tmp_path: Path) -> None:
    ask(ApprovalStore(tmp_path))
    with closing(sqlite3.connect(tmp_path / FILE, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        with pytest.raises(Busy, match="locked"):
            ask(ApprovalStore(tmp_path, patience=0.01), replace(WANTED, tool="other"))


RACE = """
import sys
from pathlib import Path
from toolgate.store.approvals import ApprovalStore, NotPending
store = ApprovalStore(Path(sys.argv[1]), patience=30.0)
me, what, ids = sys.argv[2], sys.argv[3], sys.argv[4:]
print("ready", flush=True)
sys.stdin.read()
for id_ in ids:
    if what == "use":
        won = store.use(id_, me)
    else:
        try:
            store.decide(id_, "approved", me)
            won = True
        except NotPending as late:
            assert late.approval.decided_by not in ("", me)
            won = False
    print(id_ if won else "", flush=True)
"""


@pytest.mark.parametrize("what", ["decide", "use"])
def test_of_two_processes_at_once_exactly_one_wins(tmp_path: Path, what: str) -> None:
    store = ApprovalStore(tmp_path)
    ids = [ask(store, replace(WANTED, grant_id=f"g{number}")).id for number in range(60)]
    if what == "use":
        for id_ in ids:
            store.decide(id_, "approved", "ada")
    racers = [start(tmp_path, name, what, ids) for name in ("ada", "bob")]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.close()
    won = [winnings(racer) for racer in racers]
    for place, id_ in enumerate(ids):
        assert sorted([won[0][place], won[1][place]]) == ["", id_]


def start(data: Path, name: str, what: str, ids: list[str]) -> subprocess.Popen[str]:
    """A process that wants each of the steps, as soon as its standard input ends."""
    command = [sys.executable, "-c", RACE, str(data), name, what, *ids]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def winnings(process: subprocess.Popen[str]) -> list[str]:
    assert process.stdout is not None
    with process.stdout as said:
        lines = said.read().split("\n")[:-1]
    assert process.wait(60) == 0
    return lines
