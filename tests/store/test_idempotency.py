"""The same key of the same actor gets the same answer; it is there exactly when the work is."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.engine import Engine

from toolgate.keys import MasterKey, Sealer
from toolgate.store import idempotency, servers, tables
from toolgate.store.database import open_database, reading, together, writing
from toolgate.store.errors import Conflict, NotStored
from toolgate.store.idempotency import OtherRequest

OTHER = "00000000-0000-4000-8000-0000000000ff"
SEALER = MasterKey(bytes(range(32))).sealer(idempotency.PURPOSE)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = open_database(tmp_path)
    with writing(opened, "test") as change:
        change.connection.execute(tables.organisations.insert().values(id=OTHER, name="other", created=change.now))
    yield opened
    opened.dispose()


def _ask(engine: Engine, actor: str = "ada", organisation: str = tables.DEFAULT_ORGANISATION) -> bytes | None:
    with together(engine, actor, organisation) as change:
        return idempotency.recall(change, "k", b"r" * 32, SEALER)


def _keep(engine: Engine, answer: bytes) -> None:
    with together(engine, "ada") as change:
        idempotency.remember(change, "k", b"r" * 32, answer, SEALER)


def test_the_same_request_gets_the_same_answer(engine: Engine) -> None:
    assert _ask(engine) is None
    _keep(engine, b"made")
    assert _ask(engine) == b"made"


def test_a_key_belongs_to_its_actor_and_organisation(engine: Engine) -> None:
    _keep(engine, b"made")
    assert _ask(engine, actor="bob") is None
    assert _ask(engine, organisation=OTHER) is None


def test_another_request_under_the_same_key_is_refused(engine: Engine) -> None:
    _keep(engine, b"made")
    with pytest.raises(OtherRequest, match="was used for another request"), together(engine, "ada") as change:
        idempotency.recall(change, "k", b"x" * 32, SEALER)


def test_an_answer_is_forgotten_after_a_day(engine: Engine) -> None:
    _keep(engine, b"made")
    with writing(engine, "test") as change:
        old = change.now - idempotency.KEPT - 1
        change.connection.execute(tables.idempotency.update().values(created=old))
    assert _ask(engine) is None
    with reading(engine) as connection:
        assert connection.execute(tables.idempotency.select()).all() == []


def test_an_answer_lies_sealed(engine: Engine) -> None:
    _keep(engine, b"a token")
    with reading(engine) as connection:
        row = connection.execute(tables.idempotency.select()).one()
    assert b"token" not in row.sealed


def test_what_is_done_together_happens_whole_or_not_at_all(engine: Engine) -> None:
    with pytest.raises(Conflict):
        _add_twice(engine)
    with pytest.raises(NotStored):
        servers.get(engine, "cargo")
    assert _ask(engine) is None


def _add_twice(engine: Engine) -> None:
    with together(engine, "ada") as change:
        idempotency.remember(change, "k", b"r" * 32, b"made", SEALER)
        servers.add(engine, "ada", "cargo", "https://cargo.example/mcp")
        assert servers.get(engine, "cargo").name == "cargo"
        servers.add(engine, "ada", "cargo", "https://cargo.example/mcp")


def test_of_equal_requests_at_the_same_moment_one_works(engine: Engine) -> None:
    answers: list[bytes] = []

    def ask(sealer: Sealer, name: bytes) -> None:
        with together(engine, "ada") as change:
            known = idempotency.recall(change, "k", b"r" * 32, sealer)
            if known is None:
                idempotency.remember(change, "k", b"r" * 32, name, sealer)
            answers.append(known or name)

    threads = [threading.Thread(target=ask, args=(SEALER, b"%d" % number)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 4
    assert len(set(answers)) == 1
