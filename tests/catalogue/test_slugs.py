"""Slugs: one for each name, readable, and safe for every file system and web server."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolgate.catalogue.slugs import LONGEST, slug

names = st.text(max_size=300) | st.text(alphabet="aB1-_/.~ é高", max_size=12)
"""Any text, surrogates among them, and the pieces that slugs are made of."""


@given(names)
def test_any_name_has_a_slug_of_safe_characters_that_an_extension_may_follow(name: str) -> None:
    made = slug(name)
    assert re.fullmatch(r"[a-z0-9_~-]{1,240}", made)
    assert len(made) <= LONGEST <= 255 - len(".json.gz")
    assert not made.startswith("-")


@given(st.lists(names, unique=True, max_size=30))
def test_different_names_have_different_slugs(given_names: list[str]) -> None:
    assert len(set(map(slug, given_names))) == len(given_names)


@given(names)
def test_a_slug_that_is_a_name_itself_is_no_other_names_slug(name: str) -> None:
    made = slug(name)
    assert made == name or slug(made) != made or made == name.replace("/", "--")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("create_issue", "create_issue"),
        ("d1-query", "d1-query"),
        ("github/github-mcp-server", "github--github-mcp-server"),
        ("modelcontextprotocol/servers/sqlite", "modelcontextprotocol--servers--sqlite"),
    ],
)
def test_a_plain_name_is_its_own_slug(name: str, expected: str) -> None:
    assert slug(name) == expected


@pytest.mark.parametrize(
    ("name", "readable"),
    [
        ("getUserByID", "get-user-by-id"),
        ("GITHUB_CREATE_ISSUE", "github_create_issue"),
        ("Café/Crème", "cafe--creme"),
        ("next.js", "next-js"),
        ("a--b", "a-b"),
        ("../../etc/passwd", "etc--passwd"),
        ("<script>alert(1)</script>", "script-alert-1--script"),
    ],
)
def test_what_is_folded_stays_readable_and_has_a_digest(name: str, readable: str) -> None:
    made, _, digest = slug(name).rpartition("~")
    assert made == readable
    assert re.fullmatch(r"[a-z2-7]{12}", digest)


@pytest.mark.parametrize("name", ["index", "con", "nul", "com1", "lpt9", ".", "..", "", "/", "-", "CON", "Index"])
def test_names_that_mean_something_to_a_machine_are_no_slugs(name: str) -> None:
    assert "~" in slug(name)


def test_names_in_scripts_without_ascii_have_slugs_of_their_own() -> None:
    made = [slug(name) for name in ("高德天气查询助手", "Погода", "الطقس", "날씨", "🌦", "\u202e", "\ud800")]
    assert len(set(made)) == len(made)


def test_names_that_differ_in_case_alone_differ_on_a_file_system_that_folds_it() -> None:
    made = [slug(name) for name in ("getuser", "getUser", "GetUser", "GETUSER")]
    assert len({each.lower() for each in made}) == len(made)
