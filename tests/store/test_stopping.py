from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy.engine import Engine

from toolgate.keys import token_digest
from toolgate.store import approvals, described, events, grants, policies, servers, stopping
from toolgate.store.approvals import ApprovalStore, Wanted
from toolgate.store.errors import BadInput, Conflict, NotStored, StoreError
from toolgate.store.grant_search import Sought
from toolgate.store.view import View

DOCUMENT = '{"version": "1", "default": "deny"}'
WHY = "It mails what it reads."


@pytest.fixture
def desk(data: Path) -> ApprovalStore:
    return ApprovalStore(data)


@pytest.fixture(autouse=True)
def minted(engine: Engine) -> grants.Minted:
    policies.put(engine, "ada", "careful", DOCUMENT)
    servers.add(engine, "ada", "cargo", "https://cargo.example/mcp")
    return grants.add(engine, "ada", server="cargo", policy="careful", label="ci")


def asked(desk: ApprovalStore, grant: grants.Grant, tool: str = "deploy") -> approvals.Approval:
    of = {"grant_id": grant.id, "server_id": grant.server_id, "tool": tool, "method": "tools/call"}
    rest = {field: "" for field in Wanted.__dataclass_fields__ if field not in of}
    return desk.ask(Wanted(**{**rest, **of, "revision": 1}), 60.0, lambda _: b"", 20)  # type: ignore[arg-type]


def last_event(engine: Engine) -> tuple[object, ...]:
    event = events.newest(engine)[0]
    return (event.actor, event.action, event.kind, event.target, event.before, event.after)


def test_a_stopped_grant_says_since_when_by_whom_and_why(engine: Engine, data: Path) -> None:
    before = time.time()
    grant = stopping.stop_grant(engine, data, "ada", "ci", WHY)
    assert grant.state == "stopped"
    assert grant.stopped is not None
    assert (grant.stopped.by, grant.stopped.reason, before <= grant.stopped.at <= time.time()) == ("ada", WHY, True)
    assert described.grant(grant)["stopped"] == {"at": described.when(grant.stopped.at), "by": "ada", "reason": WHY}
    assert last_event(engine) == ("ada", "stop", "grant", grant.id, None, {"reason": WHY})


def test_what_is_resumed_is_as_it_was(engine: Engine, data: Path, minted: grants.Minted) -> None:
    server = servers.get(engine, "cargo")
    stopping.stop_grant(engine, data, "ada", "ci", WHY)
    stopping.stop_server(engine, data, "ada", "cargo")
    assert stopping.resume_grant(engine, "bob", minted.grant.id[:8]) == minted.grant
    assert last_event(engine) == ("bob", "resume", "grant", minted.grant.id, {"reason": WHY}, None)
    assert stopping.resume_server(engine, "bob", "cargo") == server
    assert last_event(engine) == ("bob", "resume", "server", server.id, {"reason": ""}, None)


def test_resuming_what_runs_changes_nothing_and_tells_nobody(engine: Engine) -> None:
    before = events.newest(engine)
    assert stopping.resume_grant(engine, "ada", "ci").state == "active"
    assert stopping.resume_server(engine, "ada", "cargo").stopped is None
    assert events.newest(engine) == before


def test_stopping_again_says_another_reason(engine: Engine, data: Path) -> None:
    stopping.stop_grant(engine, data, "ada", "ci")
    again = stopping.stop_grant(engine, data, "bob", "ci", WHY)
    assert again.stopped is not None
    assert (again.stopped.by, again.stopped.reason) == ("bob", WHY)


Step = Callable[[Engine, Path], object]


@pytest.mark.parametrize(
    ("step", "error"),
    [
        (lambda engine, data: stopping.stop_grant(engine, data, "ada", "nobody"), NotStored),
        (lambda engine, data: stopping.stop_server(engine, data, "ada", "nobody"), NotStored),
        (lambda engine, data: stopping.stop_grant(engine, data, "ada", "ci", "a\x1b[2Jb"), BadInput),
        (lambda engine, data: stopping.stop_server(engine, data, "ada", "cargo", "x" * 201), BadInput),
        (lambda engine, data: stopping.stop_grant(engine, data, "ada", "ci", organisation="other"), NotStored),
        (lambda engine, data: stopping.stop_server(engine, data, "ada", "cargo", organisation="other"), NotStored),
    ],
)
def test_what_cannot_be_stopped_stays_as_it_is(
    engine: Engine, data: Path, desk: ApprovalStore, minted: grants.Minted, step: Step, error: type[StoreError]
) -> None:
    waiting = asked(desk, minted.grant)
    with pytest.raises(error):
        step(engine, data)
    assert grants.get(engine, "ci", 0.0) == minted.grant
    assert servers.get(engine, "cargo").stopped is None
    assert desk.get(waiting.id).state == "pending"


def test_a_revoked_grant_is_neither_stopped_nor_resumed(engine: Engine, data: Path) -> None:
    revoked = grants.revoke(engine, "ada", "ci")
    with pytest.raises(Conflict, match="is revoked"):
        stopping.stop_grant(engine, data, "ada", "ci")
    with pytest.raises(Conflict, match="is revoked"):
        stopping.resume_grant(engine, "ada", "ci")
    assert grants.get(engine, "ci", 0.0) == revoked


@pytest.mark.parametrize("whole_server", [False, True])
def test_what_was_asked_before_the_stop_has_to_be_asked_again(
    engine: Engine, data: Path, desk: ApprovalStore, minted: grants.Minted, whole_server: bool
) -> None:
    servers.add(engine, "ada", "crm", "https://crm.example/mcp")
    other = grants.add(engine, "ada", server="crm", policy=None, label="other").grant
    waiting, permit, refused = (asked(desk, minted.grant, tool) for tool in ("deploy", "pay", "wipe"))
    elsewhere = asked(desk, other)
    desk.decide(permit.id, "approved", "bob")
    desk.decide(refused.id, "denied", "bob", "never")
    if whole_server:
        stopping.stop_server(engine, data, "ada", "cargo")
    else:
        stopping.stop_grant(engine, data, "ada", "ci")
    states = [desk.get(one.id).state for one in (waiting, permit, refused, elsewhere)]
    assert states == ["void", "void", "denied", "pending"]
    assert "was stopped" in desk.get(waiting.id).decision_reason
    assert desk.use(permit.id, "dec_1") is False


def test_grants_are_found_by_their_state(engine: Engine, data: Path) -> None:
    soon = time.time() + 60
    grants.add(engine, "ada", server="cargo", policy=None, label="runs")
    grants.add(engine, "ada", server="cargo", policy=None, label="ends", expires=soon)
    for label in ("ci", "ends"):
        stopping.stop_grant(engine, data, "ada", label)
    later = soon + 1
    for state, labels in (("active", ["runs"]), ("stopped", ["ci"]), ("expired", ["ends"]), ("revoked", [])):
        assert [grant.label for grant in grants.every(engine, later, state=state)] == labels, state
        found, number = grants.page(engine, later, Sought(state=state), limit=9)
        assert ([grant.state for grant in found], number) == ([state] * len(labels), len(labels))


def test_the_gateways_are_told_of_both(engine: Engine, data: Path, minted: grants.Minted) -> None:
    view = View.open(data)
    stopping.stop_grant(engine, data, "ada", "ci", WHY)
    stopping.stop_server(engine, data, "ada", "cargo")
    changed = [(change.kind, change.id) for change in view.refresh()]
    assert changed == [("grant", minted.grant.id), ("server", minted.grant.server_id)]
    grant, server = view.grant(token_digest(minted.token)), view.server(minted.grant.server_id)
    assert grant is not None
    assert server is not None
    assert (grant.stopped, server.stopped) == (WHY, "")
    stopping.resume_grant(engine, "ada", "ci")
    stopping.resume_server(engine, "ada", "cargo")
    view.refresh()
    again, back = view.grant(token_digest(minted.token)), view.server(minted.grant.server_id)
    assert again is not None
    assert back is not None
    assert (again.stopped, back.stopped) == (None, None)
    view.close()
