"""Search: the tool that is meant comes first, also where a word is misspelt or in another script."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.catalogue.samples import NOW, catalogue, tool

from toolgate.catalogue.entries import ServerFacts
from toolgate.catalogue.spelling import distance
from toolgate.catalogue.store import Catalogue
from toolgate.catalogue.terms import name_terms, terms


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalogue]:
    with catalogue(tmp_path_factory.mktemp("data")) as opened:
        tools = [
            tool("run", "Run it."),
            tool("run_all_tests", "Run, run and run all tests. Run."),
            tool("kubernetes_apply", "Apply a manifest."),
            tool("Ölstand_lesen", "Read the level of oil."),
        ]
        opened.put(ServerFacts("acme/runner", about="Runs things."), tools, source="import", now=NOW)
        yield opened


@pytest.mark.parametrize(
    ("sought", "first"),
    [
        ("run", "run"),
        ("create_issue", "create_issue"),
        ("createIssue", "create_issue"),
        ("createissue", "create_issue"),
        ("delete repo", "delete_repository"),
        ("DELETE   Repository!", "delete_repository"),
        ("delte_repo", "delete_repository"),
        ("stripee", "create_refund"),
        ("refnud", "create_refund"),
        ("kuberntes", "kubernetes_apply"),
        ("get repo github", "getRepo"),
        ("oelstand", "Ölstand_lesen"),
        ("olstand", "Ölstand_lesen"),
        ("天気", "天気予報"),
        ("天気予報", "天気予報"),
        ("погода", "天気予報"),
        ("forecast", None),
        ("xyzzyq", None),
        ("!?*", None),
        ('"', None),
        ("facets : oxx", None),
        ("name OR 1=1 --", None),
    ],
)
def test_what_is_meant_comes_first(opened: Catalogue, sought: str, first: str | None) -> None:
    found = opened.tools(sought=sought)
    assert (found.items[0].name if found.items else None) == first
    assert found.total >= len(found.items)


def test_a_name_that_is_exactly_so_comes_before_one_that_says_it_often(opened: Catalogue) -> None:
    assert [entry.name for entry in opened.tools(sought="run", server="acme--runner").items][:2] == [
        "run",
        "run_all_tests",
    ]


def test_servers_are_found_by_their_words_and_misspelt_ones(opened: Catalogue) -> None:
    for sought in ("runner", "runnr", "things"):
        assert [entry.slug for entry in opened.servers(sought=sought).items] == ["acme--runner"]
    assert opened.servers(sought="stripee").items[0].slug == "npm--acme--stripe"


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sought=st.text(max_size=250), signal=st.none() | st.text(max_size=20), server=st.none() | st.text(max_size=20))
def test_nothing_that_is_sought_breaks_the_search(
    opened: Catalogue, sought: str, signal: str | None, server: str | None
) -> None:
    found = opened.tools(sought=sought, signal=signal, server=server)
    assert len(found.items) == min(found.total, 50)
    assert opened.servers(sought=sought, signal=signal).total <= 5


@pytest.mark.parametrize(
    ("one", "other", "edits"),
    [
        ("delete", "delete", 0),
        ("delte", "delete", 1),
        ("deleet", "delete", 1),
        ("stripee", "stripe", 1),
        ("repositry", "repository", 1),
        ("kitten", "sitting", 3),
        ("short", "muchlonger", 3),
    ],
)
def test_edits_are_counted_until_there_are_too_many(one: str, other: str, edits: int) -> None:
    assert min(distance(one, other, 2), 3) == min(distance(other, one, 2), 3) == edits


def test_words_are_told_apart_in_every_spelling() -> None:
    assert name_terms("getUserByID-v2.list_all") == ["get", "user", "by", "id", "v2", "list", "all"]
    assert terms("Crème brûlée, 天気 СПАСИБО") == ["creme", "brulee", "天", "気", "спасибо"]
    assert max(map(len, terms("x" * 100))) == 40
