"""What is done to answers, hidden text and identical calls in the form."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.control.builder.test_form import TOOLS, sent_back

from toolgate.control.builder.form import entry_words
from toolgate.control.pages.drafting import Draft, edited
from toolgate.errors import ToolgateError

RESPONSE = {"redact": ["jwt", "all"], "max_bytes": 65536}
BYTES = {"counter": "bytes", "window": "hour", "max": 1000, "cost": "result.bytes", "reserve": 100}


def document(**more: Any) -> str:
    entry = {"response": RESPONSE, "repeat_limit": {"max": 3, "window": 60}, "limits": [BYTES]}
    return json.dumps({"version": "1", "default": "deny", "tools": {"run": entry}, **more}, indent=2)


def entry(text: str) -> Any:
    return json.loads(text)["tools"]["run"]


def fields(**sent: str) -> str:
    """The text after fields were sent, those of the boxes only where they are marked."""
    text = document()
    return edited(
        Draft(text, text, 1, entry="/tools/run", fields={"do": "apply", "entry": "/tools/run", **sent}), TOOLS
    ).text


@pytest.mark.parametrize("hidden", [{}, {"hidden_text": "remove"}, {"hidden_text": "deny"}, {"hidden_text": "pass"}])
def test_answers_that_nobody_touches_come_back_byte_for_byte(hidden: dict[str, str]) -> None:
    text = document(**hidden)
    assert sent_back(text, "/tools/run") == text
    assert sent_back(text, "") == text


def test_hidden_text_is_one_of_three_and_the_default_is_not_written() -> None:
    denied = sent_back(document(), "", hidden_text="deny")
    assert json.loads(denied)["hidden_text"] == "deny"
    assert "hidden_text" not in json.loads(sent_back(denied, "", hidden_text=""))


def test_detectors_that_stay_keep_their_places_and_new_ones_go_behind() -> None:
    found = fields(**{"response:redact": "", "response:redact:all": "on", "response:redact:github_token": "on"})
    assert entry(found)["response"] == {"redact": ["all", "github_token"], "max_bytes": 65536}


def test_what_is_emptied_goes() -> None:
    assert entry(fields(**{"response:redact": ""}))["response"] == {"max_bytes": 65536}
    assert "response" not in entry(fields(**{"response:redact": "", "response:max_bytes": ""}))
    assert "repeat_limit" not in entry(fields(**{"repeat:max": ""}))


def test_a_longest_answer_that_is_no_number_is_told_at_its_field() -> None:
    with pytest.raises(ToolgateError) as refused:
        fields(**{"response:max_bytes": "64k"})
    assert refused.value.place == "response:max_bytes"


@pytest.mark.parametrize(
    ("sent", "key", "value"),
    [
        ({"repeat:max": "5"}, "repeat_limit", {"max": 5, "window": 60}),
        ({"repeat:scope": "session"}, "repeat_limit", {"max": 3, "window": 60, "scope": "session"}),
        ({"limit:0:reserve": "200"}, "limits", [{**BYTES, "reserve": 200}]),
    ],
)
def test_a_field_changes_its_own_value(sent: dict[str, str], key: str, value: Any) -> None:
    assert entry(fields(**sent)) == {**entry(document()), key: value}


EMPTY = '{"version": "1", "default": "deny", "tools": {"run": {}}}'


def added(text: str = EMPTY, **limit: str) -> Any:
    sent = {"do": "add-limit", **{f"newlimit:{name}": value for name, value in limit.items()}}
    return entry(edited(Draft(text, text, 1, entry="/tools/run", fields=sent), TOOLS).text)


def test_a_limit_on_identical_calls_and_one_on_bytes_are_composed() -> None:
    assert added(of="repeats", max="3", window="60") == {"repeat_limit": "3/minute"}
    found = added(of="bytes", max="1000000", window="hour")
    assert found == {
        "limits": [{"counter": "run_bytes_hour", "window": "hour", "max": 1000000, "cost": "result.bytes"}]
    }
    assert added(of="calls", max="3", window="60", cost="args.a") == {"rate_limit": "3/minute"}


@pytest.mark.parametrize(
    ("limit", "place"),
    [
        ({"of": "repeats", "max": "3", "window": "day"}, "newlimit:window"),
        ({"of": "repeats", "max": "3", "scope": "server"}, "newlimit:scope"),
        ({"of": "repeats", "max": "99999"}, "newlimit:max"),
        ({"of": "argument", "max": "3"}, "newlimit:cost"),
        ({"of": "bytes", "max": "-1"}, "newlimit:max"),
    ],
)
def test_a_limit_that_cannot_be_is_told_at_its_field(limit: dict[str, str], place: str) -> None:
    with pytest.raises(ToolgateError) as refused:
        added(**limit)
    assert refused.value.place == place


def test_an_entry_has_one_limit_on_identical_calls() -> None:
    with pytest.raises(ToolgateError, match="there is a `repeat_limit` already"):
        added(document(), of="repeats", max="3")


def test_what_is_done_to_answers_is_told_in_words() -> None:
    counted, answered = entry_words({"response": RESPONSE, "limits": [BYTES]}, "tools", "run")
    assert "1000 bytes of answers" in counted
    assert "`jwt`, `all`" in answered
    assert "longer than 65536 bytes" in answered
