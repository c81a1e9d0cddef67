"""From the home page of the built catalogue to a call that its policy refuses: the Cargo server, found and governed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

import toolgate.demo
from toolgate.catalogue.box import pack
from toolgate.catalogue.lines import read_lines
from toolgate.catalogue.store import open_catalogue
from toolgate.demo.crate import write_crate
from toolgate.site.builder import build
from toolgate.site.collection import Collection
from toolgate.site.surroundings import Surroundings
from toolgate.store import servers

from .files import served
from .office import EMAIL, Office, office, until
from .visitor import Visitor

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("cargo") is None and not os.environ.get("CI"), reason="needs cargo"),
]

CARGO = Path(toolgate.demo.__file__).parent / "cargo.jsonl"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The catalogue of what is packed of the Cargo server and another, as files behind a server of files."""
    place = tmp_path_factory.mktemp("site")
    other = [{"name": f"get_page_{number}", "description": "Get a page."} for number in range(9)]
    with open_catalogue(place, box=pack({**read_lines(CARGO).servers, "acme/pages": other})) as catalogue:
        collected = Collection(catalogue.all_servers(), catalogue.all_tools())
    build(collected, place / "www", Surroundings(files=True), processes=1)
    with served(place / "www") as url:
        yield url


@contextmanager
def cargo(root: Path) -> Iterator[str]:
    """The bundled Cargo server over a crate; gives its address."""
    write_crate(root / "hello")
    words = [sys.executable, "-m", "toolgate.demo.cargo", "--root", str(root), "--http", "0"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        try:
            yield line.split()[-1]
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """An installation with an admin, and the real Cargo server registered."""
    with cargo(tmp_path_factory.mktemp("crates")) as address, office(tmp_path_factory.mktemp("data")) as made:
        made.member(EMAIL, "admin", "*")
        server = servers.add(made.gateway.engine, "test", "cargo", address)
        until(lambda: servers.get(made.gateway.engine, server.id).tools == 12)
        yield made


def go_from_home_to_run(page: Page, home: str) -> None:
    page.goto(home)
    page.get_by_role("link", name="Servers", exact=True).first.click()
    page.get_by_role("link", name="cargo", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("cargo")
    page.get_by_role("link", name="run", exact=True).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("run")
    for sign in ("Accepts file system path (path)", "High parameter count (17 properties)"):
        expect(page.get_by_text(sign).first).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_the_way_to_run_of_cargo_is_there_on_every_screen(browser: Browser, site: str, scheme: Any, width: int) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=False
    )
    go_from_home_to_run(context.new_page(), site + "/")
    context.close()


def test_a_policy_is_copied_from_the_site_stored_and_obeyed(
    context: BrowserContext, visitor: Visitor, site: str, place: Office
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=site)
    page = visitor.page
    go_from_home_to_run(page, site + "/")
    page.get_by_role("button", name="Copy the policy", exact=True).click()
    copied = page.evaluate("navigator.clipboard.readText()")
    limit = {"counter": "run_rate", "window": "minute", "max": 10, "scope": "grant"}
    assert json.loads(copied) == {"version": "1", "default": "deny", "tools": {"run": {"limits": [limit]}}}
    visitor.sign_in(place.url, EMAIL)
    page.goto(f"{place.url}/policies/new")
    page.get_by_label("Name of the policy").fill("copied")
    page.get_by_role("textbox", name="JSON", exact=True).fill(copied)
    page.get_by_role("button", name="Look at the changes and save").click()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("copied")
    token = place.grant("cargo", "copied", "copier")
    failed, said = place.call("cargo", token, ("run", {"path": "hello"}))
    assert not failed, said
    failed, said = place.call("cargo", token, ("tree", {"path": "hello"}))
    assert failed
    assert said == "Unknown tool: tree", "what no rule lists is as if it were not there"
    assert visitor.complaints == []


def test_what_the_catalogue_recommends_is_applied_to_a_registered_server_and_obeyed(
    visitor: Visitor, place: Office
) -> None:
    token = place.grant("cargo", place.policy("open", {"version": "1", "default": "allow"}), "builder")
    failed, said = place.call("cargo", token, ("tree", {"path": "hello"}))
    assert not failed, said
    visitor.sign_in(place.url, EMAIL)
    page = visitor.page
    page.goto(f"{place.url}/catalogue")
    page.get_by_label("Find a server or a tool").fill("crgo run")
    page.get_by_role("button", name="Search").click()
    page.locator('a[href="/catalogue/tools/cargo/run"]').first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("run")
    page.locator('a[href="/catalogue/policies/cargo"]').first.click()
    page.get_by_role("link", name="Apply to my server").first.click()
    page.get_by_label("Server of yours").select_option("cargo")
    page.get_by_label("Policy", exact=True).select_option("open")
    page.get_by_role("button", name="Show what changes").click()
    page.get_by_role("button", name="Save as revision 2").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("open")
    failed, said = place.call("cargo", token, ("remove", {"path": "hello", "dependency": "serde"}))
    assert failed
    assert "remove" in said
    failed, said = place.call("cargo", token, ("tree", {"path": "hello"}))
    assert not failed, said
    assert visitor.complaints == []
