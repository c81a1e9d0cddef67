"""Published frameworks: their lists as we saw them, and what no case covers."""

from __future__ import annotations

from tests.site.collected import odd_cases

from toolgate.attacks.reading import all_cases
from toolgate.site.frameworks import frameworks, frameworks_page, named_by, unknown_to
from toolgate.site.surroundings import Surroundings

HERE = Surroundings()


def test_no_case_names_an_entry_that_no_framework_has() -> None:
    assert {case.slug: unknown for case in all_cases() if (unknown := unknown_to(case))} == {}


def test_the_lists_are_as_long_as_they_say_and_name_nothing_twice() -> None:
    sizes = {name: len(each.entries) for name, each in frameworks().items()}
    assert sizes == {"owasp": 10, "safe_mcp": 86, "practices": 11}
    anchors = [entry.anchor for each in frameworks().values() for entry in each.entries]
    assert len(anchors) == len(set(anchors))
    for framework in frameworks().values():
        names = [name for entry in framework.entries for name in entry.names]
        assert len(names) == len(set(names)), framework.title


def test_an_entry_is_found_by_its_number_its_title_and_its_older_name() -> None:
    [case] = [case for case in odd_cases() if case.slug == "poisoned-answer"]
    assert [entry.id for _, entry in named_by(case)] == [
        "MCP06", "MCP10", "SAFE-T1102", "server-side-request-forgery-ssrf",
    ]  # fmt: skip


def test_gaps_are_shown_beside_what_is_covered() -> None:
    owasp, safe, practices = frameworks_page(HERE, odd_cases()).data["frameworks"]
    assert (owasp["covered"], safe["covered"], practices["covered"]) == (3, 4, 1)
    by_id = {entry["id"]: entry["attacks"] for entry in owasp["entries"]}
    assert [attack["slug"] for attack in by_id["MCP04"]] == ["silent-copy"]
    assert by_id["MCP08"] == []
    assert "at commit" in safe["seen"]
