"""Pages and their twins, the frame around them, what templates do with strangers' texts, and what fails."""

from __future__ import annotations

import io
import json
import re
from collections.abc import AsyncIterator

import pytest
from markupsafe import Markup
from tests.control.running import Control

from toolgate.control.front import BODY_LIMIT
from toolgate.control.pages.navigation import navigation
from toolgate.control.pages.rendering import render_template
from toolgate.control.pages.static import DIGEST, static
from toolgate.design import filters
from toolgate.store.legible import legible_lines
from toolgate.store.roles import Role

HOSTILE = "<script>alert(1)</script>\u202egpj.exe\x1b[31m\x00 {{ 7 * 7 }}"


async def test_every_part_is_shown_and_nothing_in_it_acts(control: Control) -> None:
    browser = await control.signed_in("viewer")
    page = await browser.get("/patterns")
    assert page.status == 200
    assert "<script>alert" not in page.text
    assert r"\u202egpj.exe \u001b[31mred" in page.text
    assert "{{ 7 * 7 }}" in page.text
    assert not re.search(r"\sstyle=|\son[a-z]+=|javascript:|<script>", page.text)


@pytest.mark.slow
async def test_the_twin_of_a_page_is_its_data(control: Control) -> None:
    browser = await control.signed_in("viewer")
    twin = await browser.get("/patterns.json")
    assert twin.headers["content-type"] == "application/json"
    assert twin.json["risks"] == ["low", "medium", "high", "critical"]


@pytest.mark.slow
async def test_the_files_of_pages_are_kept_for_ever_under_their_digest(control: Control) -> None:
    browser = await control.browser()
    style = await browser.get(static("toolgate.css"))
    assert (style.status, style.headers["cache-control"]) == (200, "public, max-age=31536000, immutable")
    assert style.headers["content-type"].startswith("text/css")
    for path in (
        "/static/0000000000000000/toolgate.css",
        f"/static/{DIGEST}/..%2fapplication.py",
        f"/static/{DIGEST}/x",
    ):
        assert (await browser.get(path)).status == 404


async def test_pages_send_strangers_to_sign_in_and_back(control: Control) -> None:
    browser = await control.browser()
    page = await browser.get("/servers?q=a&after=b")
    assert (page.status, page.location) == (303, "/sign-in?to=%2Fservers%3Fq%3Da%26after%3Db")
    assert (await browser.post("/servers/new", {"name": "x"})).location == "/sign-in"
    twin = await browser.get("/servers.json")
    assert (twin.status, twin.headers["content-type"]) == (401, "application/problem+json")
    assert twin.json["status"] == 401


@pytest.mark.slow
async def test_an_address_without_a_page_says_so(control: Control) -> None:
    browser = await control.signed_in("viewer")
    page = await browser.get("/no/such/page")
    assert page.status == 404
    assert "there is nothing at this address" in page.text
    assert "Servers" in page.text
    assert (await browser.get("/no/such/page.json")).json["status"] == 404


async def test_a_form_of_another_session_is_refused(control: Control) -> None:
    browser = await control.signed_in("admin")
    answer = await browser.post("/servers/new", {"name": "x", "url": "https://example.com/", "csrf": "0" * 64})
    assert answer.status == 403
    assert "does not belong to this session" in answer.text


@pytest.mark.parametrize(
    ("role", "labels"),
    [
        ("viewer", {"Overview", "Servers", "Policies", "Grants", "Catalogue", "Attacks", "Decisions", "Approvals"}),
        (
            "policy_manager",
            {"Overview", "Servers", "Policies", "Grants", "Catalogue", "Attacks", "Decisions", "Approvals"},
        ),
        (
            "admin",
            {
                "Overview",
                "Servers",
                "Policies",
                "Grants",
                "Catalogue",
                "Attacks",
                "Decisions",
                "Approvals",
                "Members",
                "Admin events",
                "Settings",
            },
        ),
    ],
)
def test_the_menu_has_what_a_role_may_open(role: Role, labels: set[str]) -> None:
    entries = [entry for group in navigation(role, "/servers/new") for entry in group]
    assert {entry.label for entry in entries} == labels
    assert [(entry.label, entry.exact) for entry in entries if entry.here] == [("Servers", False)]


def test_a_page_belongs_to_the_closest_section_alone() -> None:
    for path, label in (("/catalogue/tools/a/b", "Catalogue"), ("/catalogue/attacks/x", "Attacks")):
        entries = [entry for group in navigation("viewer", path) for entry in group]
        assert [entry.label for entry in entries if entry.here] == [label]


def test_a_moment_is_for_people_and_programs() -> None:
    machine = '<time datetime="2026-11-22T19:00:00Z">2026-11-22 19:00 UTC</time>'
    assert filters.time("2026-11-22T19:00:00Z") == machine
    assert filters.time("2026-11-22T20:00:00.9+01:00") == machine
    assert filters.time(1_795_374_000.5) == machine


def test_what_stands_between_backticks_is_code_and_never_markup() -> None:
    assert filters.words("`<b>` is not a name") == Markup("<code>&lt;b&gt;</code> is not a name")
    assert filters.words("an odd ` one <i>") == Markup("an odd ` one &lt;i&gt;")
    assert "\u202e" not in filters.words("`\u202e`")


def test_a_long_text_is_cut_on_one_line() -> None:
    assert filters.cut("a\n b") == "a b"
    assert filters.cut("x" * 1000, 10) == "x" * 9 + "…"
    assert len(filters.cut(" " * 100_000 + "x", 10)) <= 10
    assert filters.beginning("x" * 30, 10) == "x" * 10 + "\n… and 20 more characters"


def test_json_is_shown_with_what_does_not_print_escaped() -> None:
    assert filters.pretty({"a": HOSTILE}).isprintable() is False  # its line breaks
    assert all(line.isprintable() for line in filters.pretty({"a": HOSTILE}).splitlines())


@pytest.mark.parametrize(
    "value",
    [{}, {"a": {}, "b": []}, [1, 2.5, -1e300, 10**400, None, True], {"\ud800": 'é\u202e\n"\\'}, [[], [{}]], "x"],
)
def test_json_is_laid_out_as_pythons_own_module_does_it(value: object) -> None:
    assert filters.pretty(value) == legible_lines(json.dumps(value, indent=2, ensure_ascii=False))


def test_a_template_that_uses_what_is_not_there_fails() -> None:
    with pytest.raises(Exception, match="is undefined"):
        render_template("problem.html", title="x")


@pytest.mark.slow
async def test_a_request_without_end_is_cut_off(control: Control) -> None:
    browser = await control.signed_in("admin")

    async def endless() -> AsyncIterator[bytes]:
        for number in range(100):
            yield b"field%d=" % number + b"x" * 100_000 + b"&"

    form = {"content_type": "application/x-www-form-urlencoded"}
    for data in (b"a=b&" * (BODY_LIMIT // 4 + 1), b"name=" + b"x" * (BODY_LIMIT + 1)):
        answer = await browser.ask("POST", "/servers/new", io.BytesIO(data), **form)
        assert answer.status in (400, 413)
    assert (await browser.ask("POST", "/servers/new", endless(), **form)).status == 413
    script = {"content_type": "application/json", "x_csrf_token": browser.csrf}
    assert (await browser.ask("POST", "/api/v1/servers", endless(), **script)).status == 413
