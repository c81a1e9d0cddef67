"""Who may decide on which call, and what is written down of it."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from toolgate.control.identity.actor import Actor
from toolgate.control.identity.refusals import NotAllowed
from toolgate.control.inbox.deciding import decide
from toolgate.control.state import State
from toolgate.store import events, grants, organisations, tokens
from toolgate.store.approvals import LOCAL, NotPending
from toolgate.store.directory import database_file
from toolgate.store.errors import BadInput, NotStored, StoreError
from toolgate.store.events import EventFilter
from toolgate.store.tables import DEFAULT_ORGANISATION

from .desk import installation, now, waits

GRACE = Actor("grace@example.com", DEFAULT_ORGANISATION, "viewer", None, "m1", "grace@example.com")
HERS: Any = {"principal": "Grace@Example.com"}


@pytest_asyncio.fixture
async def state(tmp_path: Path) -> AsyncIterator[State]:
    async with installation(tmp_path / "data") as made:
        yield made


async def test_a_decision_and_its_event_say_who_and_why(state: State) -> None:
    approval = waits(state)
    decided = decide(state, GRACE, approval.id, "denied", "not on a Friday")
    assert (decided.state, decided.decided_by, decided.decision_reason) == ("denied", GRACE.name, "not on a Friday")
    (event,) = events.newest(state.engine, EventFilter(kind="approval"))
    assert (event.actor, event.action, event.target) == (GRACE.name, "approval.denied", approval.id)
    assert event.after == {"state": "denied", "reason": "not on a Friday"}


async def test_the_second_is_told_who_was_first(state: State) -> None:
    approval = waits(state)
    decide(state, GRACE, approval.id, "approved")
    with pytest.raises(NotPending, match="approved by grace@example"):
        decide(state, replace(GRACE, name="bob@example.com"), approval.id, "denied")
    assert len(events.newest(state.engine, EventFilter(kind="approval"))) == 1


@pytest.mark.slow
async def test_who_approves_nothing_learns_nothing(state: State) -> None:
    approval = waits(state)
    nobody = replace(GRACE, role="admin", approves=frozenset())
    for id_ in (approval.id, "apr_unknown"):
        with pytest.raises(NotAllowed, match="approvers alone"):
            decide(state, nobody, id_, "approved")
    assert now(state, approval).state == "pending"


async def test_an_approver_of_other_servers_is_told_of_no_such_approval(state: State) -> None:
    approval = waits(state)
    elsewhere = replace(GRACE, approves=frozenset({"another server"}))
    with pytest.raises(NotStored) as theirs:
        decide(state, elsewhere, approval.id, "approved")
    with pytest.raises(NotStored) as unknown:
        decide(state, elsewhere, "apr_unknown", "approved")
    assert str(theirs.value).replace(approval.id, "apr_unknown") == str(unknown.value)
    assert decide(state, replace(GRACE, approves=frozenset({approval.server_id})), approval.id, "approved")


async def test_another_organisation_is_told_of_no_such_approval(state: State) -> None:
    house = organisations.add(state.engine, "ada", "other").id
    theirs, ours = waits(state, {"n": 1}, organisation=house), waits(state, {"n": 2})
    with pytest.raises(NotStored):
        decide(state, GRACE, theirs.id, "approved")
    with pytest.raises(NotStored):
        decide(state, replace(GRACE, organisation=house), ours.id, "approved")
    assert decide(state, replace(GRACE, organisation=house), theirs.id, "approved").state == "approved"
    (event,) = events.newest(state.engine, EventFilter(kind="approval"), organisation=house)
    assert event.target == theirs.id


@pytest.mark.slow
async def test_calls_of_run_are_the_operators_to_decide(state: State) -> None:
    house = organisations.add(state.engine, "ada", "other").id
    approval = waits(state, {"n": 1})
    with closing(sqlite3.connect(state.data / "approvals.db")) as db, db:
        db.execute("UPDATE approvals SET organisation = ?", (LOCAL,))
    with pytest.raises(NotStored):
        decide(state, replace(GRACE, organisation=house), approval.id, "approved")
    assert decide(state, GRACE, approval.id, "approved").state == "approved"


async def test_nobody_approves_the_call_of_a_grant_they_hold(state: State) -> None:
    approval = waits(state, **HERS)
    with pytest.raises(NotAllowed, match="nobody approves their own calls"):
        decide(state, GRACE, approval.id, "approved")
    assert now(state, approval).state == "pending"
    assert decide(state, GRACE, approval.id, "denied", "a mistake of mine").state == "denied"


@pytest.mark.slow
@pytest.mark.parametrize("how", ["made", "rotated"])
async def test_nobody_approves_the_call_of_a_grant_whose_token_they_saw(state: State, how: str) -> None:
    approval = waits(state)
    if how == "rotated":
        grants.rotate(state.engine, "GRACE@example.com", approval.grant_id)
    else:
        given = {"server": "shop", "policy": "asking", "label": "second"}
        made = grants.add(state.engine, GRACE.name, **given)  # type: ignore[arg-type]
        approval = waits(state, {"n": 1}, grant_id=made.grant.id, principal="second")
    with pytest.raises(NotAllowed):
        decide(state, GRACE, approval.id, "approved")
    assert decide(state, replace(GRACE, name="bob@example.com", email="bob@example.com"), approval.id, "approved")


@pytest.mark.slow
async def test_an_api_token_stands_for_who_made_it(state: State) -> None:
    approval = waits(state, **HERS)
    minted = tokens.add(state.engine, GRACE.email, "ci", "viewer", approver=["*"])
    with pytest.raises(NotAllowed):
        decide(state, Actor.token(minted.token), approval.id, "approved")
    other = tokens.add(state.engine, "bob@example.com", "cd", "viewer", approver=["*"])
    assert decide(state, Actor.token(other.token), approval.id, "approved").decided_by == "token:cd"


@pytest.mark.slow
async def test_a_token_of_the_operator_decides_on_what_the_operator_made(state: State) -> None:
    approval = waits(state)
    grants.rotate(state.engine, "cli:ada", approval.grant_id)
    minted = tokens.add(state.engine, "cli:ada", "bot", "viewer", approver=["*"])
    assert decide(state, Actor.token(minted.token), approval.id, "approved").decided_by == "token:bot"


@pytest.mark.slow
async def test_the_operator_may_let_people_approve_their_own(tmp_path: Path) -> None:
    async with installation(tmp_path / "data", allow_self_approval=True) as state:
        assert decide(state, GRACE, waits(state, **HERS).id, "approved").state == "approved"


@pytest.mark.slow
@pytest.mark.parametrize("reason", ["two\nlines", " padded", "x" * 201, "\u202etricky"])
async def test_a_reason_is_a_line_that_people_can_read(state: State, reason: str) -> None:
    approval = waits(state)
    with pytest.raises(BadInput, match="reason"):
        decide(state, GRACE, approval.id, "denied", reason)
    assert now(state, approval).state == "pending"


async def test_a_database_that_cannot_be_written_decides_nothing(state: State) -> None:
    approval = waits(state)
    state.engine.dispose()
    with closing(sqlite3.connect(database_file(state.data))) as db, db:
        db.execute("ALTER TABLE admin_events RENAME TO gone")
    with pytest.raises(StoreError):
        decide(state, GRACE, approval.id, "approved")
    assert now(state, approval).state == "pending"
