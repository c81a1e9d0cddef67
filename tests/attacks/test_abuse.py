"""Which attacks abuse a tool: by category and signal, the closest first."""

from __future__ import annotations

import msgspec

from toolgate.attacks.abuse import Abuses, abuses
from toolgate.attacks.case import Case
from toolgate.attacks.reading import CASES, load
from toolgate.policy.categories import Category

PLAIN = load(CASES / "path-prefix-bypass.toml")


def case(number: int, categories: list[Category], signals: list[str]) -> Case:
    return msgspec.structs.replace(PLAIN, number=number, categories=categories, signals=signals)


def test_a_tool_must_have_a_category_and_a_signal_that_the_case_names() -> None:
    both = case(1, ["Read", "Write"], ["path", "url"])
    assert abuses(both, "Read", frozenset({"path", "many"}))
    assert not abuses(both, "Read", frozenset({"many"}))
    assert not abuses(both, "Execute", frozenset({"path"}))


def test_what_a_case_leaves_open_any_tool_has() -> None:
    assert abuses(case(1, ["Financial"], []), "Financial", frozenset())
    assert abuses(case(1, [], ["mail"]), "Read", frozenset({"mail"}))


def test_a_case_that_abuses_no_tool_stands_beside_none() -> None:
    assert not abuses(case(1, [], []), "Read", frozenset({"path"}))


def test_the_case_that_names_most_of_a_tool_and_least_beside_comes_first() -> None:
    broad, close, narrow = case(1, ["Read", "Write"], []), case(2, ["Read"], ["path", "url"]), case(3, ["Read"], [])
    found = Abuses([broad, close, narrow]).of("Read", ["path", "url"])
    assert [each.number for each in found] == [2, 3, 1]


def test_for_a_server_the_case_that_abuses_most_of_its_tools_comes_first() -> None:
    found = Abuses([case(1, ["Read"], []), case(2, ["Write"], [])]).of_all(
        [("Write", frozenset()), ("Read", frozenset()), ("Write", frozenset())]
    )
    assert [each.number for each in found] == [2, 1]
