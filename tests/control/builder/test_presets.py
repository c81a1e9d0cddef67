"""A preset in the builder is an edit of the draft like any other."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.policy.presets.playing import BANK, MAIL

from toolgate.control.pages.drafting import EMPTY, Draft, edited
from toolgate.errors import ToolgateError
from toolgate.policy.categories import Category

TOOLS = {str(tool["name"]): tool for tool in [*MAIL, *BANK]}


def chosen(text: str, name: str, options: dict[str, str], taken: dict[str, Category | None] | None = None) -> Draft:
    fields = {f"preset:{name}:{option}": value for option, value in options.items()}
    sent = {"do": "preset", "preset:name": name, **fields}
    return edited(Draft(text, text, 1, fields=sent), TOOLS, taken or {})


def test_an_empty_draft_begins_with_the_tools_of_the_preset() -> None:
    made: Any = json.loads(chosen(EMPTY, "read-only", {}).text)
    assert set(made["tools"]) == {"read_email", "read_file", "get_time", "get_balance"}
    assert made["all_tools"]["require"]


def test_what_the_chosen_server_s_tools_were_judged_to_be_counts() -> None:
    made: Any = json.loads(chosen(EMPTY, "read-only", {}, {"read_file": "Execute"}).text)
    assert "read_file" not in made["tools"]


def test_a_draft_that_says_something_keeps_its_bytes_and_lists_nothing_more() -> None:
    text = '{"version":"1", "default":"deny",\n "tools":{"get_time" :{}, "pay_invoice":{ }}}'
    moved = chosen(text, "freeze", {"from": "2026-12-24T18:00:00Z", "to": "2027-01-02T06:00:00Z"})
    assert moved.text.startswith(text[:-1])
    assert list(json.loads(moved.text)["tools"]) == ["get_time", "pay_invoice"]
    assert moved.before == text


def test_what_a_person_should_know_is_told_once() -> None:
    moved = chosen(EMPTY, "money-cap", {"daily": "100"})
    assert any("`pay_invoice`" in note for note in moved.notes)
    assert not [name for name in moved.fields if name.startswith("preset")]
    assert edited(Draft(moved.text, moved.text, 1, fields={"do": "apply"}), TOOLS).notes == ()


@pytest.mark.parametrize(
    ("name", "options", "place"),
    [
        ("freeze", {"from": "yesterday", "to": "2027-01-02T06:00:00Z"}, "preset:freeze:from"),
        ("money-cap", {"daily": ""}, "preset:money-cap:daily"),
        ("", {}, "preset:name"),
    ],
)
def test_an_option_that_does_not_fit_is_told_at_its_field(name: str, options: dict[str, str], place: str) -> None:
    with pytest.raises(ToolgateError) as refused:
        chosen(EMPTY, name, options)
    assert refused.value.place == place


def test_a_preset_that_is_made_from_tools_asks_for_a_server() -> None:
    sent = {"do": "preset", "preset:name": "money-cap", "preset:money-cap:daily": "5"}
    with pytest.raises(ToolgateError, match="made from the tools of a server") as refused:
        edited(Draft(EMPTY, EMPTY, 1, fields=sent), {})
    assert refused.value.place == "preset:name"
