"""The pages of a built site: complete, linked, harmless whatever a definition says, and the same as their twins."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from tests.site.markup import Markup, read
from tests.site.validating import faults, faults_of

from toolgate.policy.compiler import compile_policy
from toolgate.policy.document import parse


def pages(site: Path) -> list[Path]:
    return sorted(site.rglob("*.html"))


@pytest.fixture(scope="module")
def marked(site: Path) -> dict[str, Markup]:
    """Every page by its address."""
    return {address(site, page): read(page.read_text()) for page in pages(site)}


def address(site: Path, page: Path) -> str:
    return "/cat/" + page.relative_to(site).as_posix().removesuffix("index.html")


def test_every_internal_link_leads_to_something(site: Path, marked: dict[str, Markup]) -> None:
    for where, page in marked.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            path = unquote(parts.path) or where
            assert path.startswith("/cat/"), (where, link)
            file = site / path.removeprefix("/cat/")
            file = file / "index.html" if path.endswith("/") else file
            assert file.is_file(), (where, link)
            if parts.fragment:
                assert parts.fragment in marked[path].ids, (where, link)


def test_every_page_is_reached_from_the_first(marked: dict[str, Markup]) -> None:
    reached, front = {"/cat/"}, ["/cat/"]
    steps = 0
    while front and steps < 5:
        found = {urlsplit(link).path for where in front for link in marked[where].links}
        front = sorted(each for each in found if each in marked and each not in reached)
        reached |= set(front)
        steps += 1
    assert reached == set(marked) - {"/cat/404.html"}


def test_ids_are_unique_and_every_page_has_one_heading(marked: dict[str, Markup]) -> None:
    for where, page in marked.items():
        assert len(page.ids) == len(set(page.ids)), where
        assert page.elements.count("h1") == 1, where
        assert page.elements.count("main") == 1, where


def test_nothing_of_a_definition_becomes_markup(marked: dict[str, Markup]) -> None:
    for where, page in marked.items():
        assert not {"img", "iframe", "object", "style", "base", "textarea", "b"} & set(page.elements), where
        scripts = page.elements.count("script")
        assert scripts == sum(name == "script src" for name, _ in page.attributes), where
        assert not [name for name, _ in page.attributes if name.split()[1].startswith("on") or name.endswith(" style")]
        for link in page.links:
            assert urlsplit(link).scheme in {"", "https", "mailto"}, (where, link)
            assert "evil.example" not in link, where


def test_what_would_hide_or_reorder_is_written_out(site: Path) -> None:
    odd = re.compile(
        "[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f\u0590-\u08ff]"
    )
    for page in pages(site):
        found = odd.search(page.read_text())
        assert found is None, (page, found)


def test_links_of_third_parties_carry_no_referrer(site: Path, marked: dict[str, Markup]) -> None:
    page = (site / "policies/acme--cargo/index.html").read_text()
    assert '<a href="https://mcp.example/mcp" rel="noreferrer nofollow">' in page
    for where, markup in marked.items():
        outward = [link for link in markup.links if urlsplit(link).scheme == "https" and "tools.example" not in link]
        assert markup.attributes.count(("a rel", "noreferrer nofollow")) == len(outward), where
        assert "/attacks/" in where or outward in ([], ["https://mcp.example/mcp"]), where


def test_names_that_differ_in_case_alone_have_files_of_their_own(site: Path) -> None:
    [folder] = (site / "tools").glob("evil--b-bold*")
    names = [entry.name for entry in folder.iterdir()]
    assert len({name.lower() for name in names}) == len(names)
    assert all(len(name.encode()) <= 255 for name in names)
    told = {json.loads(file.read_text())["tool"] for file in folder.glob("*.json")}
    assert {"run", "Run", "RUN", "index", "CON", "高德天气查询助手"} <= told


def test_each_page_has_a_twin_and_every_policy_in_it_is_valid(site: Path) -> None:
    twins = sorted((site / "tools").rglob("*.json"))
    assert len(twins) == len(list((site / "tools").rglob("index.html")))
    for twin in twins:
        told = json.loads(twin.read_text())
        documents = [
            told["recommended_policy"],
            told["tightened_policy"],
            *(one["policy"] for one in told["questions"]),
        ]
        for document in filter(None, documents):
            parsed = parse(json.dumps(document).encode())
            assert compile_policy(parsed)
    for file in (*(site / "policies").rglob("policy.json"), *(site / "policies").rglob("tightened.json")):
        assert compile_policy(parse(file.read_bytes()))


def test_the_tool_page_says_all_that_is_asked_of_it(site: Path) -> None:
    page = " ".join("".join(read((site / "tools/acme--cargo/run/index.html").read_text()).text).split())
    for text in (
        "High risk", "Run the binary of a package.", "A tool of acme/cargo", "Accepts file system path (path)",
        "Agents call it", "It counts as Execute because of this", '"run_rate"', "Other Execute tools",
        "The policy for the whole server", "What does run do?", "How do I enforce a policy on run?",
        "What risk level is run?", "Can I rate limit run?", "How do I block run?",
        "Which server provides run, and from which package?", "path_under",
    ):  # fmt: skip
        assert text in page, text
    assert "approv" in (site / "tools/acme--cargo/pay_invoice/index.html").read_text()


@pytest.mark.slow
def test_a_validator_finds_no_fault_in_any_page(whole: Path) -> None:
    assert faults(whole) == ""


@pytest.mark.slow
def test_every_link_of_every_attack_leads_to_something(whole: Path) -> None:
    marked = {address(whole, page): read(page.read_text()) for page in pages(whole)}
    test_every_internal_link_leads_to_something(whole, marked)
    test_links_of_third_parties_carry_no_referrer(whole, marked)
    test_what_would_hide_or_reorder_is_written_out(whole)


@pytest.mark.slow
def test_the_validator_knows_a_fault_when_it_sees_one() -> None:
    assert "no-dup-id" in faults_of(
        '<!doctype html><html lang="en"><head><title>x</title></head><body><p id="a"><b id="a">'
    )
