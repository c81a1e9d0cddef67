"""Dialogues with a stdio server, as they are written: who asks what, what the server says, who is given it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from toolgate.upstream.stdio_dialogue import (
    Deliver,
    Dialogue,
    Say,
    SessionDialogue,
    SharedDialogue,
    Spoil,
    cancellation,
)
from toolgate.upstream.stdio_messages import Noise, glance

LOG = {"method": "notifications/message", "params": {"level": "info", "data": "x"}}
SAMPLING = {"id": "s1", "method": "sampling/createMessage", "params": {}}
LEVEL = "io.modelcontextprotocol/logLevel"
SUBSCRIPTION = "io.modelcontextprotocol/subscriptionId"


def line(message: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", **message}).encode()


def request(id_: Any, **meta: Any) -> Any:
    return glance(line({"id": id_, "method": "tools/call", "params": {"_meta": meta}}))


def answer(id_: Any) -> bytes:
    return line({"id": id_, "result": {}})


def progress(token: Any) -> bytes:
    return line({"method": "notifications/progress", "params": {"progressToken": token, "progress": 1}})


@pytest.fixture
def session() -> SessionDialogue[str]:
    return SessionDialogue()


@pytest.fixture
def shared() -> SharedDialogue[str]:
    return SharedDialogue()


def test_each_answer_goes_to_who_asked_in_whatever_order(session: SessionDialogue[str]) -> None:
    for id_, asker in ((1, "a"), ("1", "b"), (2, "c")):
        assert session.ask(request(id_), asker) == []
    assert session.hear(answer(2)) == Deliver("c", answer(2), last=True)
    assert session.hear(answer("1")) == Deliver("b", answer("1"), last=True)
    failed = line({"id": 1, "error": {"code": -32601, "message": "no"}})
    assert session.hear(failed) == Deliver("a", failed, last=True, code=-32601)
    assert session.askers == []


def test_an_answer_is_given_once(session: SessionDialogue[str]) -> None:
    session.ask(request(1), "a")
    session.hear(answer(1))
    assert session.hear(answer(1)) is None


def test_an_answer_that_nobody_asked_for_goes_nowhere(session: SessionDialogue[str]) -> None:
    session.listen("stream")
    assert session.hear(answer(9)) is None
    assert session.hear(line({"id": None, "error": {"code": -32700}})) is None


def test_an_id_that_is_in_flight_is_not_taken_again(session: SessionDialogue[str]) -> None:
    session.ask(request(1, progressToken="p"), "a")
    assert not session.takes(request(1))
    assert not session.takes(request(2, progressToken="p"))
    assert session.takes(request("1"))
    session.hear(answer(1))
    assert session.takes(request(1, progressToken="p"))


def test_progress_goes_to_the_request_that_gave_the_token(session: SessionDialogue[str]) -> None:
    session.listen("stream")
    session.ask(request(1, progressToken="p"), "a")
    session.ask(request(2, progressToken=1), "b")
    assert session.hear(progress("p")) == Deliver("a", progress("p"))
    assert session.hear(progress(1)) == Deliver("b", progress(1))
    session.hear(answer(1))
    assert session.hear(progress("p")) == Deliver("stream", progress("p"))


def test_what_names_nobody_goes_to_the_sessions_stream(session: SessionDialogue[str]) -> None:
    session.listen("stream")
    session.ask(request(1), "a")
    assert session.hear(line(LOG)) == Deliver("stream", line(LOG))
    assert session.hear(line(SAMPLING)) == Deliver("stream", line(SAMPLING))


def test_without_a_stream_it_goes_to_the_newest_request(session: SessionDialogue[str]) -> None:
    session.ask(request(1), "a")
    session.ask(request(2), "b")
    assert session.hear(line(SAMPLING)) == Deliver("b", line(SAMPLING))
    session.hear(answer(2))
    assert session.hear(line(SAMPLING)) == Deliver("a", line(SAMPLING))


def test_without_anybody_it_is_kept_for_whoever_comes_first(session: SessionDialogue[str]) -> None:
    assert session.hear(line(LOG)) is None
    assert session.hear(line(SAMPLING)) is None
    assert session.listen("stream") == [line(LOG), line(SAMPLING)]
    session.listener = None
    session.hear(line(LOG))
    assert session.ask(request(1), "a") == [line(LOG)]
    assert session.ask(request(2), "b") == []


def test_what_is_kept_is_bounded_and_a_request_beyond_is_answered(session: SessionDialogue[str]) -> None:
    for _ in range(150):
        assert session.hear(line(LOG)) is None
    said = session.hear(line(SAMPLING))
    assert isinstance(said, Say)
    assert json.loads(said.line)["id"] == "s1"
    assert "error" in json.loads(said.line)
    assert len(session.listen("stream")) == 100
    big = line({"method": "notifications/message", "params": {"data": "x" * 700_000}})
    session.listener = None
    assert session.hear(big) is None
    assert session.hear(big) is None
    assert session.listen("stream") == [big]


@pytest.mark.parametrize("kind", [SessionDialogue, SharedDialogue])
def test_the_id_of_who_went_away_stays_taken_until_its_late_answer(kind: type[Dialogue[str]]) -> None:
    dialogue = kind()
    dialogue.ask(request(1, progressToken="p"), "a")
    assert dialogue.forsake(1) == "a"
    assert dialogue.forsake(1) is None
    assert dialogue.askers == []
    assert not dialogue.takes(request(1))
    assert dialogue.hear(answer(1)) is None
    assert dialogue.takes(request(1, progressToken="p"))
    assert json.loads(cancellation(1))["params"]["requestId"] == 1


def test_a_request_that_the_server_never_heard_of_leaves_its_id_free(session: SessionDialogue[str]) -> None:
    session.ask(request(1, progressToken="p"), "a")
    session.forget(1)
    assert session.takes(request(1, progressToken="p"))


def test_noise_is_for_nobody_and_a_broken_answer_spoils_the_waiting(session: SessionDialogue[str]) -> None:
    session.ask(request(1), "a")
    with pytest.raises(Noise):
        session.hear(b"Server started!")
    with pytest.raises(Noise):
        session.hear(b'{"jsonrpc":"2.0","id":2,"result":"\xff"}')
    broken = session.hear(b'{"jsonrpc":"2.0","id":1,"result":"\xff"}')
    assert broken == Spoil("a", "is not UTF-8")
    assert session.askers == []


def test_of_a_shared_server_nobody_is_given_what_names_nobody(shared: SharedDialogue[str]) -> None:
    shared.ask(request(1), "a")
    assert shared.hear(line(LOG)) is None
    assert shared.hear(progress("p")) is None
    said = shared.hear(line(SAMPLING))
    assert isinstance(said, Say)
    assert json.loads(said.line)["id"] == "s1"


def test_a_subscription_gets_what_names_it(shared: SharedDialogue[str]) -> None:
    shared.ask(request("l1"), "listening")
    shared.ask(request(2), "b")
    changed = line({"method": "notifications/tools/list_changed", "params": {"_meta": {SUBSCRIPTION: "l1"}}})
    assert shared.hear(changed) == Deliver("listening", changed)
    shared.forsake("l1")
    assert shared.hear(changed) is None


def test_who_asks_for_logs_has_a_shared_server_alone(shared: SharedDialogue[str]) -> None:
    logging = request(1, **{LEVEL: "info"})
    shared.ask(request(5), "other")
    assert not shared.takes(logging)
    shared.hear(answer(5))
    shared.ask(logging, "a")
    assert not shared.takes(request(2))
    assert shared.hear(line(LOG)) == Deliver("a", line(LOG))
    shared.hear(answer(1))
    assert shared.hear(line(LOG)) is None
    assert shared.takes(request(2))
