"""The catalogue below the dashboard: who sees what, what is found, and that hostile definitions stay text."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.control.running import Browser, Control
from tests.site.validating import faults

from toolgate.catalogue.entries import ServerFacts
from toolgate.store.tables import DEFAULT_ORGANISATION

pytestmark = pytest.mark.slow

CARGO: list[dict[str, Any]] = [
    {"name": "run", "description": "Run the binary.", "inputSchema": {"properties": {"path": {"type": "string"}}}},
    {"name": "tree", "description": "Show the dependency tree."},
    {"name": "remove_crate", "description": "Delete a dependency for good."},
]
SERVED = (
    "", "/servers", "/policies/acme--cargo", "/tools/acme--cargo/run", "/category/read", "/search?q=run", "/search",
    "/contact", "/none", "/tools/none/none",
)  # fmt: skip
HOSTILE = {
    "name": "<img src=x onerror=alert(1)>\u202e{{7*7}}",
    "description": "</div><script>alert(1)</script>\u202e\x07 " + "A" * 60_000,
}


def put(control: Control, name: str, tools: list[dict[str, Any]], organisation: str = "", **facts: str) -> None:
    control.state.catalogue().put(
        ServerFacts(name, **facts), tools, source="import", now=time.time(), organisation=organisation
    )


@pytest.fixture
async def public(tmp_path: Path) -> AsyncIterator[Control]:
    """An installation that shows its catalogue to everybody."""
    async with Control.running(tmp_path / "data", public_catalogue=True) as running:
        put(running, "acme/cargo", CARGO)
        yield running


@pytest.fixture
async def stranger(public: Control) -> Browser:
    return await public.browser()


async def test_without_the_option_a_stranger_is_asked_to_sign_in(control: Control) -> None:
    browser = await control.browser()
    assert (await browser.get("/catalogue")).location == "/sign-in?to=%2Fcatalogue"
    assert (await browser.get("/catalogue/tools/a/b.json")).status == 401
    assert (await browser.get("/")).location == "/sign-in"
    assert "Disallow: /\n" in (await browser.get("/robots.txt")).text


async def test_a_stranger_begins_at_the_catalogue_and_may_sign_in(stranger: Browser) -> None:
    assert (await stranger.get("/")).location == "/catalogue"
    page = await stranger.get("/catalogue")
    assert page.status == 200
    assert 'href="/sign-in?to=%2Fcatalogue"' in page.text
    assert "public" in page.headers["cache-control"]
    assert "set-cookie" not in page.headers


async def test_every_kind_of_page_has_a_twin_with_the_same_facts(stranger: Browser) -> None:
    for path in (
        "/catalogue", "/catalogue/servers", "/catalogue/policies/acme--cargo", "/catalogue/tools/acme--cargo/run",
        "/catalogue/risk/high", "/catalogue/category/execute", "/catalogue/signals/path", "/catalogue/search?q=run",
        "/catalogue/contact",
    ):  # fmt: skip
        page = await stranger.get(path)
        assert page.status == 200, path
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        twin = await stranger.get(path.replace("?", ".json?") if "?" in path else f"{path}.json")
        assert twin.status == 200, path
        assert twin.headers["content-type"] == "application/json"
    tool = (await stranger.get("/catalogue/tools/acme--cargo/run.json")).json
    assert (tool["category"], tool["risk"]) == ("Execute", "High")
    assert tool["recommended_policy"]["tools"]["run"]["limits"][0]["max"] == 10
    assert len(tool["questions"]) == 6


async def test_words_a_little_misspelt_find_tools_and_servers(stranger: Browser) -> None:
    found = (await stranger.get("/catalogue/search.json?q=remove+crate")).json
    assert [tool["tool"] for tool in found["tools"]] == ["remove_crate"]
    assert [server["server"] for server in (await stranger.get("/catalogue/search.json?q=crago")).json["servers"]] == [
        "acme/cargo"
    ]
    filtered = (await stranger.get("/catalogue/search.json?category=Destructive")).json
    assert {tool["category"] for tool in filtered["tools"]} == {"Destructive"}
    assert (await stranger.get("/catalogue/search?q=%00%ff&page=999999999&risk=x")).status == 200


async def test_the_policies_of_a_server_can_be_downloaded(stranger: Browser) -> None:
    plain = await stranger.get("/catalogue/policies/acme--cargo/policy.json")
    assert plain.json["hide"] == ["remove_crate"]
    assert "attachment" in plain.headers["content-disposition"]
    tightened = await stranger.get("/catalogue/policies/acme--cargo/tightened.json")
    assert tightened.json["tools"]["run"] != plain.json["tools"]["run"]


@pytest.mark.parametrize(
    "path",
    [
        "/catalogue/tools/acme--cargo/none", "/catalogue/tools/none/run", "/catalogue/policies/none",
        "/catalogue/policies/none/policy.json", "/catalogue/risk/none", "/catalogue/servers?page=2",
        "/catalogue/risk/high?page=0", "/catalogue/risk/high?page=99999999999999999999", "/catalogue/servers?page=-1",
    ],
)  # fmt: skip
async def test_what_is_not_there_is_not_found(stranger: Browser, path: str) -> None:
    assert (await stranger.get(path)).status == 404


async def test_lists_have_pages_and_every_tool_is_on_one(public: Control, stranger: Browser) -> None:
    put(public, "acme/many", [{"name": f"get_{number:03}", "description": "Get it."} for number in range(250)])
    first = await stranger.get("/catalogue/category/read")
    total = (await stranger.get("/catalogue/category/read.json")).json["total"]
    assert 'href="/catalogue/category/read?page=3"' in first.text
    listed = [
        tool["tool"]
        for number in (1, 2, 3)
        for tool in (await stranger.get(f"/catalogue/category/read.json?page={number}")).json["tools"]
    ]
    assert len(set(listed)) == len(listed) == total > 250
    assert (await stranger.get("/catalogue/category/read?page=4")).status == 404


async def test_what_an_organisation_scanned_is_seen_by_its_members_alone(public: Control, stranger: Browser) -> None:
    put(public, "own/secret", CARGO, DEFAULT_ORGANISATION)
    member = await public.signed_in("viewer")
    assert (await member.get("/catalogue/tools/own--secret/run")).status == 200
    for path in (
        "/catalogue/tools/own--secret/run",
        "/catalogue/policies/own--secret",
        "/catalogue/policies/own--secret.json",
    ):
        assert (await stranger.get(path)).status == 404
    for path in ("/catalogue/servers.json", "/catalogue/search.json?q=run", "/catalogue/sitemap.xml", "/catalogue"):
        assert "own--secret" not in (await stranger.get(path)).text, path
        assert "own/secret" not in (await stranger.get(path)).text, path
    assert "own--secret" in (await member.get("/catalogue/servers")).text


async def test_who_is_signed_in_sees_it_in_the_dashboard_and_nothing_is_kept_between(public: Control) -> None:
    member = await public.signed_in("policy_manager")
    page = await member.get("/catalogue/tools/acme--cargo/run")
    assert 'aria-label="Sections"' in page.text
    assert "no-store" in page.headers["cache-control"]
    assert "Apply to my server" in page.text
    viewer = await public.signed_in("viewer")
    assert "Apply to my server" not in (await viewer.get("/catalogue/tools/acme--cargo/run")).text


async def test_a_hostile_definition_is_shown_as_text(public: Control, stranger: Browser) -> None:
    put(
        public,
        "evil/<b>server",
        [HOSTILE, *CARGO],
        about="<i>about</i>",
        url="javascript:alert(1)",
        repository='https://x"onclick=1',
    )
    rows = (await stranger.get("/catalogue/servers.json")).json["servers"]
    [server] = [row for row in rows if row["server"].startswith("evil")]
    policy = await stranger.get(server["href"])
    [tool] = [row for row in (await stranger.get(server["href"] + ".json")).json["listed"] if "img" in row["tool"]]
    page = await stranger.get(tool["href"])
    assert page.status == policy.status == 200
    for text in (policy.text, page.text):
        assert "<img" not in text
        assert "<script>alert" not in text
        assert "\u202e" not in text
        assert "\x07" not in text
        assert "{{7*7}}" in text
        assert 'href="javascript' not in text
        assert 'href="https://x' not in text
    assert "&lt;script&gt;alert(1)" in page.text
    assert "more characters" in page.text


async def test_links_of_third_parties_are_followed_by_people_alone(public: Control, stranger: Browser) -> None:
    put(public, "acme/linked", CARGO, url="https://mcp.example/mcp")
    page = await stranger.get("/catalogue/policies/acme--linked")
    assert '<a href="https://mcp.example/mcp" rel="noreferrer nofollow">' in page.text


async def test_machines_find_the_map_and_what_they_may_read(public: Control, stranger: Browser) -> None:
    found = await stranger.get("/catalogue/sitemap.xml")
    assert found.headers["content-type"] == "application/xml"
    assert f"<loc>{public.url}/catalogue/tools/acme--cargo/run</loc>" in found.text
    assert "SERVER/TOOL.json" in (await stranger.get("/catalogue/llms.txt")).text
    robots = (await stranger.get("/robots.txt")).text
    assert "Allow: /catalogue\n" in robots
    assert robots.rstrip().endswith(f"Sitemap: {public.url}/catalogue/sitemap.xml")


async def test_a_stranger_who_asks_too_often_waits(stranger: Browser) -> None:
    answers = [(await stranger.get("/catalogue/risk/low.json")).status for _ in range(260)]
    assert answers[0] == 200
    refused = await stranger.get("/catalogue/risk/low")
    assert (answers[-1], refused.status) == (429, 429)
    assert int(refused.headers["retry-after"]) > 0


@pytest.mark.slow
async def test_a_validator_finds_no_fault_in_what_is_served(public: Control, tmp_path: Path) -> None:
    put(public, "evil/<b>server", [HOSTILE, *CARGO], about="<i>about</i>")
    readers = {"stranger": await public.browser(), "member": await public.signed_in("admin")}
    pages = tmp_path / "pages"
    pages.mkdir()
    for who, reader in readers.items():
        for number, path in enumerate(SERVED):
            page = await reader.get(f"/catalogue{path}")
            (pages / f"{who}-{number}.html").write_text(page.text)
    assert faults(pages) == ""
