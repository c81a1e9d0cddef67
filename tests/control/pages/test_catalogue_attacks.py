"""The attack database below the dashboard: for strangers where the catalogue is shown, with results for members."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.control.pages.test_catalogue import CARGO, put
from tests.control.running import Control

from toolgate.attacks.reading import all_cases
from toolgate.attacks.results import FILE, Check, Played, save

pytestmark = pytest.mark.slow

SLUG = "path-prefix-bypass"
PATH = f"/catalogue/attacks/{SLUG}"


@pytest.fixture
async def public(tmp_path: Path) -> AsyncIterator[Control]:
    """An installation that shows its catalogue to everybody."""
    async with Control.running(tmp_path / "data", public_catalogue=True) as running:
        put(running, "acme/cargo", CARGO)
        yield running


def played(*, held: bool) -> Played:
    checks = [Check("bare", True, "seen: `secret`"), Check("wrong", held, "<b>it</b> stopped the attack after all")]
    return Played(SLUG, "STOP", checks, "/tools/read_file/require/0", 1_795_000_000.0, 321, "9.9.9")


async def test_a_stranger_reads_each_list_and_its_twin(public: Control) -> None:
    stranger = await public.browser()
    kind = next(case.kind for case in all_cases() if case.slug == SLUG)
    for path in ("", "/frameworks", f"/category/{kind}", "/verdict/stop", "/verdict/no", f"/{SLUG}"):
        page = await stranger.get(f"/catalogue/attacks{path}")
        assert page.status == 200, path
        assert "public" in page.headers["cache-control"]
        twin = await stranger.get(f"/catalogue/attacks{path}.json")
        assert twin.headers["content-type"] == "application/json"
    assert (await stranger.get("/catalogue/attacks.json")).json["total"] == len(all_cases())


@pytest.mark.parametrize("path", ["none", "category/none", "verdict/none", "verdict/STOP", "none/none"])
async def test_what_is_not_there_is_not_found(public: Control, path: str) -> None:
    stranger = await public.browser()
    assert (await stranger.get(f"/catalogue/attacks/{path}")).status == 404


async def test_without_the_option_a_stranger_is_asked_to_sign_in(control: Control) -> None:
    browser = await control.browser()
    assert (await browser.get(PATH)).location == f"/sign-in?to={PATH.replace('/', '%2F')}"


async def test_members_see_what_came_of_the_last_run_and_strangers_do_not(public: Control) -> None:
    member, stranger = await public.signed_in("viewer"), await public.browser()
    assert "Not run here yet." in (await member.get(PATH)).text
    save(public.state.data, [played(held=True)])
    page = await member.get(PATH)
    assert "as this page says" in page.text
    assert "9.9.9" in page.text
    assert "is stopped" not in page.text
    assert "succeeds without the gateway" in page.text
    assert (await member.get(f"{PATH}.json")).json["last"]["held"] is True
    assert "9.9.9" not in (await stranger.get(PATH)).text
    assert (await stranger.get(f"{PATH}.json")).json["last"] is None


async def test_a_run_that_did_not_hold_is_shown_as_one(public: Control) -> None:
    save(public.state.data, [played(held=False)])
    page = await (await public.signed_in("viewer")).get(PATH)
    assert "not as this page says" in page.text
    assert "did not hold: </span>the tempting mistake does not stop it" in page.text
    assert "<b>it</b>" not in page.text


async def test_results_that_cannot_be_read_are_named_and_the_page_is_there(public: Control) -> None:
    (public.state.data / FILE).write_text("{")
    page = await (await public.signed_in("viewer")).get(PATH)
    assert page.status == 200
    assert "The last result cannot be shown" in page.text
    assert "Not run here yet" not in page.text


async def test_tools_and_attacks_lead_to_each_other(public: Control) -> None:
    member = await public.signed_in("viewer")
    tool = (await member.get("/catalogue/tools/acme--cargo/run.json")).json
    assert tool["attacks"]
    back = (await member.get(f"{tool['attacks'][0]['href']}.json")).json
    assert tool["category"] in back["categories"]
    assert (await member.get("/catalogue/policies/acme--cargo.json")).json["attacks"]


async def test_search_finds_attacks_by_their_words(public: Control) -> None:
    stranger = await public.browser()
    found = (await stranger.get("/catalogue/search.json?q=prefix+traversal")).json
    assert SLUG in [attack["slug"] for attack in found["attacks"]]
    assert PATH in (await stranger.get("/catalogue/search?q=prefix+traversal")).text
    assert (await stranger.get("/catalogue/search.json?q=zzzzqqqq")).json["attacks"] == []
    assert (await stranger.get("/catalogue/search.json?category=Read")).json["attacks"] == []


async def test_machines_find_every_attack(public: Control) -> None:
    stranger = await public.browser()
    sitemap, told = (
        (await stranger.get("/catalogue/sitemap.xml")).text,
        (await stranger.get("/catalogue/llms.txt")).text,
    )
    for case in all_cases():
        assert f"<loc>{public.url}/catalogue/attacks/{case.slug}</loc>" in sitemap
        assert f"/catalogue/attacks/{case.slug})" in told
