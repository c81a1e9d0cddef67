from __future__ import annotations

import hashlib

import pytest
from sqlalchemy.engine import Engine

from toolgate.errors import ToolgateError
from toolgate.store import policies
from toolgate.store.database import latest_change, writing
from toolgate.store.errors import BadInput, Conflict, NotStored

FIRST = '{"version": "1", "default": "deny", "tools": {"run": {}}}'
SECOND = '{"version": "1", "default": "deny"}\n'


def test_a_new_name_makes_a_policy_at_revision_one(engine: Engine) -> None:
    put = policies.put(engine, "ada", "careful", FIRST)
    assert (put.name, put.revision, put.document, put.author) == ("careful", 1, FIRST, "ada")
    assert put.digest == hashlib.sha256(FIRST.encode()).hexdigest()
    assert policies.get(engine, "careful") == policies.get(engine, put.id) == put


def test_the_same_text_makes_no_new_revision(engine: Engine) -> None:
    first = policies.put(engine, "ada", "careful", FIRST)
    seq = latest_change(engine)
    assert policies.put(engine, "grace", "careful", FIRST) == first
    assert latest_change(engine) == seq


def test_other_text_makes_the_next_revision_and_the_old_one_stays(engine: Engine) -> None:
    first = policies.put(engine, "ada", "careful", FIRST)
    second = policies.put(engine, "grace", "careful", SECOND)
    assert (second.id, second.revision, second.author) == (first.id, 2, "grace")
    assert policies.get(engine, "careful", revision=1).document == FIRST
    assert [row.revision for row in policies.history(engine, first.id)] == [2, 1]
    assert [row.revision for row in policies.every(engine)] == [2]


def test_going_back_to_an_older_text_is_a_revision_of_its_own(engine: Engine) -> None:
    for text in (FIRST, SECOND, FIRST):
        put = policies.put(engine, "ada", "careful", text)
    assert put.revision == 3


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": "2", "default": "deny"}', '{"version": "1"}', "\ufeff{}"])
def test_a_document_that_does_not_validate_is_never_stored(engine: Engine, text: str) -> None:
    kept = policies.put(engine, "ada", "careful", FIRST)
    with pytest.raises(ToolgateError):
        policies.put(engine, "ada", "careful", text)
    assert policies.get(engine, "careful") == kept


def test_names_and_references_are_checked(engine: Engine) -> None:
    with pytest.raises(BadInput):
        policies.put(engine, "ada", "two words", FIRST)
    with pytest.raises(NotStored, match="there is no policy"):
        policies.get(engine, "careful")
    policies.put(engine, "ada", "careful", FIRST)
    with pytest.raises(NotStored, match="no revision 9"):
        policies.get(engine, "careful", revision=9)


def test_a_revision_that_somebody_else_made_first_is_not_overwritten(engine: Engine) -> None:
    policy = policies.put(engine, "ann", "payments", FIRST)
    with writing(engine, "bob") as change:
        policies.revise(change, policy.id, SECOND, 1)
    with (
        pytest.raises(Conflict, match="revision 2 of `payments` was saved by `bob` meanwhile"),
        writing(engine, "ann") as change,
    ):
        policies.revise(change, policy.id, FIRST, 1)
    assert policies.get(engine, policy.id).document == SECOND


def test_a_policy_is_made_and_renamed_only_under_a_free_name(engine: Engine) -> None:
    taken = policies.put(engine, "ann", "taken", FIRST)
    with writing(engine, "ann") as change:
        made = policies.create(change, "fresh", FIRST)
        policies.rename(change, made, "fresher")
        policies.rename(change, made, "fresher")
    assert policies.get(engine, made).name == "fresher"
    with pytest.raises(Conflict, match="named `taken` already"), writing(engine, "ann") as change:
        policies.rename(change, made, "taken")
    with pytest.raises(Conflict, match="named `fresher` already"), writing(engine, "ann") as change:
        policies.create(change, "fresher", FIRST)
    assert policies.get(engine, taken.id).name == "taken"
