"""A grant is made, given a new token and revoked in the browser; each time the very next call shows it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from toolgate.store import grants

from .office import EMAIL, Office
from .visitor import Visitor

pytestmark = pytest.mark.slow

LIST = ("list_customers", {"limit": 1})


def shown_token(page: Page) -> str:
    """What the page shows this once."""
    expect(page.get_by_text("This token is shown now and never again")).to_be_visible()
    found = re.search(r"tg_[0-9A-Za-z]{49}", page.inner_text("main"))
    assert found is not None
    return found[0]


def test_a_new_token_replaces_the_old_one_and_a_revoked_grant_is_refused(furnished: Office, visitor: Visitor) -> None:
    page = visitor.page
    visitor.sign_in(furnished.url, EMAIL)
    page.goto(f"{furnished.url}/grants/new")
    page.get_by_label("Server", exact=True).select_option(label="shop")
    page.get_by_label("Policy", exact=True).select_option(label="readers")
    page.get_by_label("Label", exact=True).fill("night-shift")
    page.get_by_role("button", name="Make").click()
    first = shown_token(page)
    assert furnished.call("shop", first, LIST) == (False, "c1")

    page.get_by_role("link", name="I have it").click()
    assert first not in page.content()
    page.get_by_role("link", name="New token").click()
    page.get_by_role("main").get_by_role("button").last.click()
    second = shown_token(page)
    assert furnished.call("shop", first, LIST)[0]
    assert furnished.call("shop", second, LIST) == (False, "c1")

    page.get_by_role("link", name="I have it").click()
    page.get_by_role("link", name="Revoke").click()
    page.get_by_role("main").get_by_role("button").last.click()
    expect(page.get_by_text("every running gateway has confirmed")).to_be_visible()
    assert furnished.call("shop", second, LIST)[0]
    assert not visitor.complaints


def test_a_grant_and_a_server_are_stopped_and_go_on_with_the_same_token(furnished: Office, visitor: Visitor) -> None:
    page = visitor.page
    visitor.sign_in(furnished.url, EMAIL)
    token = furnished.grant("shop", "readers", "switched")
    grant = grants.get(furnished.gateway.engine, "switched", 0.0).id
    for path, list_ in (("grants", "switched"), ("servers", "shop")):
        page.goto(f"{furnished.url}/{path}")
        page.get_by_role("link", name=list_, exact=True).first.click()
        page.get_by_role("main").get_by_role("link", name="Stop", exact=True).click()
        page.get_by_label("Why").fill("Somebody looks at it.")
        page.get_by_role("main").get_by_role("button").last.click()
        expect(page.get_by_text("every running gateway has confirmed")).to_be_visible()
        assert furnished.call("shop", token, LIST)[0]
        last = furnished.gateway.decisions(grant)[-1]
        assert (last.rule, "Somebody looks at it" in last.message) == ("(stopped)", True)
        page.get_by_role("button", name="Resume").click()
        expect(page.get_by_text("It goes on")).to_be_visible()
        assert furnished.call("shop", token, LIST) == (False, "c1")
    assert not visitor.complaints


def test_a_page_with_a_token_that_is_sent_again_makes_no_second_grant(furnished: Office, visitor: Visitor) -> None:
    page = visitor.page
    visitor.sign_in(furnished.url, EMAIL)
    page.goto(f"{furnished.url}/grants/new")
    page.get_by_label("Server", exact=True).select_option(label="shop")
    page.get_by_label("Label", exact=True).fill("only-once")
    page.get_by_role("button", name="Make").click()
    token = shown_token(page)
    page.reload()
    assert token not in page.content()
    page.goto(f"{furnished.url}/grants")
    expect(page.get_by_role("link", name="only-once")).to_have_count(1)
