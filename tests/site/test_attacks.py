"""The pages of the attack database: honest about each verdict and source, and harmless whatever a case says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import get_args

import pytest
from tests.site.collected import odd_cases
from tests.site.markup import read

from toolgate.attacks.case import Case, Grade, Part, Verdict
from toolgate.attacks.reading import all_cases
from toolgate.site.attack import attack_facts, attack_page
from toolgate.site.attack_links import attack_paths
from toolgate.site.attacks import attacks_page
from toolgate.site.rendering import Renderer
from toolgate.site.surroundings import Surroundings
from toolgate.site.verdicts import ALWAYS, GRADES, STOPPERS, VERDICTS

HERE = Surroundings(prefix="/cat", files=True)
RENDERER = Renderer(HERE)
NOT_READ = (
    "CVE-2025-32711", "CVE-2025-55284", "CVE-2025-68143", "CVE-2025-68145", "AML.T0034", "2508.14925", "2406.13352",
    "MCPTox", "AgentDojo", "Unit 42",
)  # fmt: skip
"""Numbers and names that nobody of us has read at their source: none is published."""


@pytest.fixture(scope="module")
def cases() -> dict[str, Case]:
    return {case.slug: case for case in odd_cases()}


def text_of(case: Case) -> str:
    page = RENDERER.html(attack_page(HERE, case))
    return " ".join(" ".join(read(page).text).split())


def test_every_verdict_grade_and_part_of_the_gateway_has_words() -> None:
    assert set(VERDICTS) == set(get_args(Verdict))
    assert set(GRADES) == set(get_args(Grade))
    assert set(STOPPERS) == set(get_args(Part))
    assert set(STOPPERS) > ALWAYS


def test_a_case_that_nothing_stops_says_so_and_what_helps(cases: dict[str, Case]) -> None:
    text = text_of(cases["silent-copy"])
    for said in (
        "Not stopped", "A gateway cannot stop it", "What still happens The mail goes to the stranger, too.",
        "What helps beside a policy A rule of the network", "The case shows that it does: the record then names egress",
        "No policy does it. Run this. toolgate server tools mailbox --pin", "To trust a package because many people",
        "Not run here yet.", "toolgate attack run silent-copy", "Write tools", "Sends to addresses",
    ):  # fmt: skip
        assert said in text, said
    assert "Stopped by" not in text


def test_a_limit_says_what_stays_possible(cases: dict[str, Case]) -> None:
    text = text_of(cases["many-refunds"])
    assert "What stays possible: At the stub payrail there are 5 entries of paid , and no more." in text
    assert "create_refund(amount = 99) (100 times)" in text
    assert "Policy for payrail" in text
    assert "Behind the gateway it is refused here." not in text


def test_a_source_is_shown_only_as_its_grade_allows(cases: dict[str, Case]) -> None:
    text = text_of(cases["silent-copy"])
    assert "told by others An account at second hand" in text
    assert "2025-09-17 read by us A vendor's analysis" in text


def test_what_nobody_read_is_not_published() -> None:
    for case in all_cases():
        told = json.dumps(attack_facts(case))
        assert not [each for each in NOT_READ if each in told], case.slug
        assert not re.search(r"\bASI\d\d\b", told), case.slug


def test_text_of_a_case_is_never_markup_and_its_links_lead_to_https_alone(cases: dict[str, Case]) -> None:
    page = read(RENDERER.html(attack_page(HERE, cases["silent-copy"])))
    assert "b" not in page.elements
    assert page.elements.count("script") == 2, "those of the frame"
    assert not [link for link in page.links if link.startswith("javascript")]
    assert "https://attacks.example/analysis?a=1&b=2" in page.links


def test_the_steps_are_an_ordered_list_that_says_who_speaks_to_whom(cases: dict[str, Case]) -> None:
    text = text_of(cases["poisoned-answer"])
    assert "agent to sink: http_post(the secret)" in text


def test_no_slug_hides_another_page() -> None:
    paths = list(attack_paths([*all_cases(), *odd_cases()]))
    assert len(paths) == len(set(paths))


def test_the_overview_counts_each_case_once_and_says_what_no_gateway_does() -> None:
    page = attacks_page(HERE, odd_cases())
    assert {each["verdict"]: each["attacks"] for each in page.data["verdicts"]} == {
        "STOP": 0, "BOUND": 1, "PART": 1, "NO": 1,
    }  # fmt: skip
    assert sum(each["attacks"] for each in page.data["kinds"]) == page.data["total"] == 3
    assert "does not see" in page.data["limits"]


@pytest.mark.slow
def test_each_attack_has_a_page_a_twin_and_a_place_in_lists_and_maps(whole: Path) -> None:
    for case in (*all_cases(), *odd_cases()):
        twin = json.loads((whole / f"attacks/{case.slug}.json").read_text())
        assert (twin["attack"], twin["verdict"]) == (case.title, case.verdict)
        assert f"/cat/attacks/{case.slug}/" in (whole / f"attacks/category/{case.kind}/index.html").read_text()
        assert (
            f"/cat/attacks/{case.slug}/" in (whole / f"attacks/verdict/{case.verdict.lower()}/index.html").read_text()
        )
        assert f"/cat/attacks/{case.slug}/)" in (whole / "llms.txt").read_text()
    assert len(json.loads((whole / "attacks.json").read_text())["attacks"]) == len(all_cases()) + len(odd_cases())


def test_tools_and_the_attacks_that_abuse_them_lead_to_each_other(site: Path) -> None:
    tool = json.loads((site / "tools/acme--cargo/pay_invoice.json").read_text())
    assert 0 < len(tool["attacks"]) <= 6
    assert all(link["href"].startswith("/cat/attacks/") for link in tool["attacks"])
    attack = json.loads((site / "attacks/many-refunds.json").read_text())
    assert [link["href"] for link in attack["tools"]] == ["/cat/tools/acme--cargo/pay_invoice/"]
    assert attack["abuses"] == [{"name": "Financial", "href": "/cat/category/financial/"}]
    assert json.loads((site / "policies/acme--cargo.json").read_text())["attacks"]
