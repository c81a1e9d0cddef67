"""`toolgate approval`: what a person is shown, and what the decision writes down."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cli.conftest import Toolgate, data, toolgate

from toolgate.keys import MasterKey
from toolgate.store.approvals import SEAL, Approval, ApprovalStore
from toolgate.store.directory import prepare_directory
from toolgate.store.legible import legible

from .test_store import WANTED

__all__ = ["data", "toolgate"]  # fixtures of the commands' own tests

CALL = b'{"method":"tools/call","params":{"name":"deploy","arguments":{"to":"production","sum":1.10}}}'


@pytest.fixture
def store(data: Path) -> ApprovalStore:
    prepare_directory(data)
    return ApprovalStore(data, patience=10)


def ask(store: ApprovalStore, data: Path, call: bytes = CALL, **changes: Any) -> Approval:
    sealer = MasterKey.load(data).sealer(SEAL)
    return store.ask(replace(WANTED, **changes), 600, lambda id_: sealer.seal(call, id_.encode()), limit=20)


def test_nothing_that_waits_is_said_to_be_nothing(toolgate: Toolgate) -> None:
    assert toolgate("approval", "list").err == "no call waits for a person\n"
    assert toolgate("approval", "list", "--json").json == []


def test_the_list_shows_what_waits_and_with_a_filter_the_rest(
    toolgate: Toolgate, store: ApprovalStore, data: Path
) -> None:
    pending, decided = ask(store, data), ask(store, data, tool="other")
    store.decide(decided.id, "approved", "ada")
    shown = toolgate("approval", "list").out
    assert pending.id in shown
    assert decided.id not in shown
    assert all(word in shown for word in ("ci", "cargo", "deploy", "/tools/deploy/action", "Mind.", " min "))
    assert [one["id"] for one in toolgate("approval", "list", "--state", "approved", "--json").json] == [decided.id]
    everything = toolgate("approval", "list", "--state", "all", "--json").json
    assert {one["state"] for one in everything} == {"pending", "approved"}


def test_show_opens_the_call_whole_with_its_numbers_as_they_were_sent(
    toolgate: Toolgate, store: ApprovalStore, data: Path
) -> None:
    waiting = ask(store, data)
    out = toolgate("approval", "show", waiting.id[:8]).out
    assert '"to": "production",\n' in out
    assert '"sum": 1.10\n' in out
    assert all(word in out for word in (waiting.id, "/tools/deploy/action", "Mind.", "revision 1", "min"))
    described = toolgate("approval", "show", waiting.id, "--json")
    assert '"sum":1.10' in described.out
    assert described.json["call"]["params"]["arguments"] == {"to": "production", "sum": 1.1}
    assert described.json["rule"] == "/tools/deploy/action"


def test_show_names_the_policy_as_people_do(toolgate: Toolgate, store: ApprovalStore, data: Path) -> None:
    policy = data.parent / "careful.json"
    policy.write_text('{"version": "1", "default": "deny"}')
    added = toolgate("policy", "add", "careful", str(policy), "--json").json
    waiting = ask(store, data, policy_id=added["id"])
    assert "careful, revision 1\n" in toolgate("approval", "show", waiting.id).out


HOSTILE = "a\x1b[2Jb\u202ec\U000e0041d\u200be\u3164f\ufe0fg\u0301h\u05d0i\u2028j\x85k\u00ady\x7fz"


@pytest.mark.parametrize("arguments", [["show"], ["show", "--json"], ["list"], ["list", "--json"]])
def test_nothing_in_a_call_hides_or_moves_text(
    toolgate: Toolgate, store: ApprovalStore, data: Path, arguments: list[str]
) -> None:
    call = json.dumps(
        {"method": "tools/call", "params": {"name": HOSTILE, "arguments": {HOSTILE: HOSTILE}}}, ensure_ascii=False
    )
    waiting = ask(store, data, call.encode(), tool=HOSTILE, reason=HOSTILE)
    verb, *options = arguments
    given_ids = [waiting.id] if verb == "show" else []
    out = toolgate("approval", verb, *given_ids, *options).out
    assert out.replace("\n", "").isprintable()
    assert out.isascii()
    if verb == "show":
        assert r"\u202e" in out
        assert r"\udb40\udc41" in out


def test_plain_letters_of_other_languages_stay_readable() -> None:
    assert legible("Größe 価格 €5 ½") == "Größe 価格 €5 ½"


@given(st.text())
def test_what_is_legible_shows_every_character_and_can_be_read_back(text: str) -> None:
    shown = legible(text)
    assert shown.isprintable()
    inner = json.dumps(text, ensure_ascii=False)
    assert json.loads(legible(inner)) == text


@pytest.mark.parametrize(("verb", "state"), [("approve", "approved"), ("deny", "denied")])
def test_a_decision_is_written_down_with_who_and_why(
    toolgate: Toolgate, store: ApprovalStore, data: Path, verb: str, state: str
) -> None:
    waiting = ask(store, data)
    done = toolgate("approval", verb, waiting.id[4:9], "--reason", "ticket 812")
    assert done.out == f"{state} {waiting.id}: deploy for ci on cargo\n"
    decided = store.get(waiting.id)
    assert (decided.state, decided.decision_reason) == (state, "ticket 812")
    assert decided.decided_by.startswith("cli:")
    with closing(sqlite3.connect(data / "toolgate.db")) as db:
        events = db.execute("SELECT actor, action, kind, target, after FROM admin_events").fetchall()
        changes = db.execute("SELECT count(*) FROM changes WHERE kind = 'approval'").fetchone()
    after = json.dumps({"reason": "ticket 812", "state": state})
    assert events == [(decided.decided_by, f"approval.{state}", "approval", waiting.id, after)]
    assert changes == (0,)


def test_the_second_decision_is_told_who_was_first(toolgate: Toolgate, store: ApprovalStore, data: Path) -> None:
    waiting = ask(store, data)
    store.decide(waiting.id, "denied", "cli:bob")
    done = toolgate("approval", "approve", waiting.id, code=1)
    assert done.err == f"{waiting.id}: is not pending any more: denied by cli:bob\n"
    with closing(sqlite3.connect(data / "toolgate.db")) as db:
        assert db.execute("SELECT count(*) FROM admin_events").fetchone() == (0,)


def test_an_approval_that_nobody_asked_for_is_bad_input(toolgate: Toolgate) -> None:
    for verb in ("show", "approve", "deny"):
        assert "there is no approval `apr_nothing`" in toolgate("approval", verb, "apr_nothing", code=2).err


def test_a_call_that_was_sealed_for_another_approval_is_not_shown(
    toolgate: Toolgate, store: ApprovalStore, data: Path
) -> None:
    one, two = ask(store, data), ask(store, data, tool="other")
    with closing(sqlite3.connect(data / "approvals.db")) as db, db:
        db.execute(
            "UPDATE approvals SET sealed = (SELECT sealed FROM approvals WHERE id = ?) WHERE id = ?", (one.id, two.id)
        )
    assert "changed or belongs elsewhere" in toolgate("approval", "show", two.id, code=2).err


def test_a_gateway_loads_no_more_for_approvals() -> None:
    script = (
        "import sys, toolgate.gateway.enforcement; print(sorted({'sqlalchemy', 'typer', 'rich'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
