"""The catalogue before a real browser: served to strangers, in the dashboard, and as a site of files."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from tests.site.collected import built, odd_cases

from toolgate.attacks.reading import all_cases
from toolgate.site.surroundings import Surroundings
from toolgate.store import contact

from .files import served
from .office import EMAIL, Office, furnish, office
from .pages import SERVER, TOOL
from .test_accessibility import AXE, FORMS, faults, some_of
from .visitor import Visitor

pytestmark = pytest.mark.slow

SERVED = {
    "home": "/catalogue",
    "servers": "/catalogue/servers",
    "server": f"/catalogue/policies/{SERVER}",
    "tool": f"/catalogue/tools/{SERVER}/{TOOL}",
    "category": "/catalogue/category/execute?page=2",
    "search": "/catalogue/search?q=delete+file",
    "nothing found": "/catalogue/search?q=zzzzqqqq",
    "attacks": "/catalogue/attacks",
    "attack": "/catalogue/attacks/lethal-trifecta",
    "replay": "/catalogue/attacks/duplicate-keys",
    "frameworks": "/catalogue/attacks/frameworks",
    "attack found": "/catalogue/search?q=lethal",
    "contact": "/catalogue/contact",
    "missing": "/catalogue/tools/none/none",
}
FILES = {
    "home": "/cat/",
    "servers": "/cat/servers/",
    "server": "/cat/policies/acme--cargo/",
    "tool": "/cat/tools/acme--cargo/run/",
    "money": "/cat/tools/acme--cargo/pay_invoice/",
    "list": "/cat/category/read/page/2/",
    "attack": "/cat/attacks/path-prefix-bypass/",
    "attack by many": "/cat/attacks/poisoned-answer/",
    "attack unstopped": "/cat/attacks/silent-copy/",
    "frameworks": "/cat/attacks/frameworks/",
    "search": "/cat/search/?q=run",
    "missing": "/cat/404.html",
}


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """An installation that shows its catalogue to everybody."""
    with office(tmp_path_factory.mktemp("public"), "--public-catalogue") as place:
        furnish(place)
        yield place


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A built site below a path, behind a server that knows nothing but files."""
    place = tmp_path_factory.mktemp("files")
    here = Surroundings(prefix="/cat", origin="https://tools.example", files=True)
    built(place, place / "www/cat", here, cases=[*all_cases(), *odd_cases()])
    with served(place / "www") as url:
        yield url, place / "www/cat"


@pytest.fixture(scope="module", params=FORMS, ids=str)
def form(request: pytest.FixtureRequest, browser: Browser) -> Iterator[tuple[Page, int | None]]:
    scheme: Literal["light", "dark"]
    scheme, width, part = request.param
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True, reduced_motion="reduce"
    )
    yield context.new_page(), part
    context.close()


def check(form: tuple[Page, int | None], url: str, paths: dict[str, str]) -> None:
    page, part = form
    if not AXE.exists():
        (pytest.fail if os.environ.get("CI") else pytest.skip)("needs axe-core: `make clients`")
    wrong = {}
    for title, path in some_of(paths, part).items():
        page.goto(url + path, wait_until="networkidle")
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{title} is {wide} pixels wider than the window"
        if found := faults(page):
            wrong[title] = found
    assert not wrong, json.dumps(wrong, indent=2)


def test_no_served_page_has_a_serious_fault(form: tuple[Page, int | None], public: Office) -> None:
    check(form, public.url, SERVED)


def test_no_page_of_files_has_a_serious_fault(form: tuple[Page, int | None], files: tuple[str, Path]) -> None:
    check(form, files[0], FILES)


def test_no_hostile_definition_makes_a_page_wider_than_a_phone(browser: Browser, files: tuple[str, Path]) -> None:
    url, site = files
    context = browser.new_context(viewport={"width": 390, "height": 900})
    visitor = Visitor(context.new_page())
    pages = [*site.glob("tools/evil--*/*/index.html"), *site.glob("policies/evil--*/index.html")]
    assert len(pages) > 15
    for page in pages:
        visitor.page.goto(f"{url}/cat/{page.parent.relative_to(site).as_posix()}/")
        wide = visitor.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, (page, wide)
    assert visitor.complaints == []
    context.close()


def test_no_page_of_the_attack_database_is_wider_than_a_phone(browser: Browser, files: tuple[str, Path]) -> None:
    url, site = files
    context = browser.new_context(viewport={"width": 390, "height": 900})
    visitor = Visitor(context.new_page())
    pages = [*site.glob("attacks/**/index.html")]
    assert len(pages) > 70
    for page in pages:
        visitor.page.goto(f"{url}/cat/{page.parent.relative_to(site).as_posix()}/", wait_until="domcontentloaded")
        wide = visitor.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, (page, wide)
    assert visitor.complaints == []
    context.close()


def test_a_reader_walks_from_a_tool_to_an_attack_and_copies_what_stops_it(
    context: BrowserContext, visitor: Visitor, files: tuple[str, Path]
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=files[0])
    page = visitor.page
    page.goto(f"{files[0]}/cat/tools/acme--cargo/pay_invoice/")
    page.get_by_role("link", name="Many small refunds").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Many small refunds")
    page.get_by_role("button", name="Copy the recommended policy for payrail").click()
    copied = json.loads(page.evaluate("navigator.clipboard.readText()"))
    assert copied["tools"]["create_refund"] == {"rate_limit": "5/day"}
    page.get_by_role("link", name="pay_invoice").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("pay_invoice")
    assert visitor.complaints == []


def test_the_arrows_of_a_diagram_end_at_the_middle_of_their_lanes(visitor: Visitor, files: tuple[str, Path]) -> None:
    page = visitor.page
    page.goto(f"{files[0]}/cat/attacks/silent-copy/")
    lanes = [box["x"] + box["width"] / 2 for each in page.locator(".lanes span").all() if (box := each.bounding_box())]
    arrows = [box for each in page.locator(".sequence .arrow").all() if (box := each.bounding_box())]
    assert len(lanes) == 4
    spans = [(1, 2), (2, 3), (3, 3), (3, 4), (2, 3)]
    for box, (left, right) in zip(arrows, spans, strict=True):
        if left != right:
            assert abs(box["x"] - lanes[left - 1]) < 3
            assert abs(box["x"] + box["width"] - lanes[right - 1]) < 3


def test_attacks_are_read_and_filtered_without_scripts(browser: Browser, public: Office) -> None:
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 900})
    page = context.new_page()
    page.goto(f"{public.url}/catalogue")
    page.get_by_role("link", name="Attacks", exact=True).first.click()
    page.get_by_role("link", name="Not stopped").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Attacks: not stopped")
    page.get_by_role("table").get_by_role("link").first.click()
    expect(page.get_by_text("A gateway cannot stop it").first).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text="to").first).to_be_visible()
    context.close()


def test_a_stranger_finds_a_tool_and_copies_its_policy(
    context: BrowserContext, visitor: Visitor, public: Office
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=public.url)
    page = visitor.page
    page.goto(public.url)
    expect(page.get_by_role("heading", level=1)).to_have_text("Know the tools before your agent does")
    page.get_by_label("Find a server or a tool").fill("github delte file")
    page.get_by_role("button", name="Search").click()
    page.locator(f'a[href="/catalogue/tools/{SERVER}/{TOOL}"]').first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(TOOL)
    page.get_by_role("button", name="Copy the policy", exact=True).click()
    expect(page.get_by_role("button", name="Copied the policy", exact=True)).to_be_visible()
    copied = json.loads(page.evaluate("navigator.clipboard.readText()"))
    assert copied["hide"] == [TOOL]
    expect(page.get_by_role("link", name="Apply to my server")).to_have_count(0)
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    assert visitor.complaints == []


def test_everything_is_read_sought_and_written_without_scripts(browser: Browser, public: Office) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{public.url}/catalogue/tools/{SERVER}/{TOOL}")
    expect(page.get_by_text('"hide"').first).to_be_visible()
    page.get_by_role("link", name="Search").click()
    page.get_by_label("Find a server or a tool").fill("cargo")
    page.get_by_label("Risk").select_option("Critical")
    page.get_by_role("button", name="Search").click()
    assert "risk=Critical" in page.url
    page.get_by_role("link", name="Contact").click()
    page.get_by_label("Your name").fill("Bo")
    page.get_by_label("E-mail").fill("bo@example.com")
    page.get_by_label("Message").fill("Hello.\n<b>bold</b>")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("status").first).to_contain_text("Thank you")
    assert contact.newest(public.gateway.engine)[0].message == "Hello.\r\n<b>bold</b>"
    context.close()


def test_who_is_signed_in_applies_a_policy_from_the_page_of_a_tool(visitor: Visitor, public: Office) -> None:
    visitor.sign_in(public.url, EMAIL)
    page = visitor.page
    page.goto(f"{public.url}/catalogue/tools/{SERVER}/{TOOL}")
    page.get_by_role("link", name="Apply to my server").click()
    assert page.url.startswith(f"{public.url}/catalogue/apply/{SERVER}")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.goto(f"{public.url}/messages")
    page.get_by_role("button", name="Mark as answered").first.click()
    expect(page.get_by_role("status").first).to_contain_text("answered")
    assert visitor.complaints == []


def test_the_search_of_a_site_of_files_finds_as_one_types(visitor: Visitor, files: tuple[str, Path]) -> None:
    page = visitor.page
    page.goto(files[0] + "/cat/")
    page.get_by_label("Find a server or a tool").fill("remvoe crate")
    page.get_by_role("button", name="Search").click()
    expect(page.locator(".results a code").first).to_have_text("remove_crate")
    page.get_by_label("Find a server or a tool").fill("carg")
    expect(page.locator(".results").first).to_contain_text("acme/cargo")
    page.locator(".results").last.get_by_role("link", name="run", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("run")
    assert visitor.complaints == []


def test_without_scripts_every_tool_of_a_site_of_files_is_found_by_its_letter(
    browser: Browser, files: tuple[str, Path]
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(files[0] + "/cat/search/")
    page.get_by_role("link", name="R", exact=True).click()
    page.get_by_role("link", name="remove_crate").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("remove_crate")
    context.close()
