"""A new user, from the line that `serve` prints to the first denied call in the live log: by browser only."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from .office import EMAIL, PASSWORD, Office, office
from .visitor import Visitor

pytestmark = pytest.mark.slow

THREE_MINUTES = 180


def become_the_first_admin(page: Page, place: Office) -> None:
    page.goto(place.first_link)
    page.get_by_label("Your name").fill("Ada")
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("The password again").fill(PASSWORD)
    page.get_by_role("button", name="Create the first admin").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")


def add_the_server(page: Page, place: Office) -> None:
    page.get_by_role("link", name="Add a server").first.click()
    page.get_by_label("Address", exact=True).fill(place.shop)
    page.get_by_label("Name", exact=True).fill("shop")
    page.get_by_role("button", name="Add the server").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("shop")
    expect(page.get_by_text("delete_customer").first).to_be_visible()


def take_the_recommended_policy(page: Page) -> None:
    page.get_by_role("link", name="Overview").first.click()
    page.get_by_role("link", name="Write a policy").click()
    page.get_by_label("Name of the policy").fill("support")
    page.get_by_role("button", name="Recommend for all 5 tools").click()
    expect(page.get_by_role("textbox", name="JSON", exact=True)).to_have_value(re.compile("delete_customer"))
    page.get_by_role("button", name="Look at the changes and save").click()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("support")


def make_a_grant(page: Page) -> None:
    page.get_by_role("link", name="Overview").first.click()
    page.get_by_role("link", name="Make a grant").click()
    page.get_by_label("Server", exact=True).select_option("shop")
    page.get_by_label("Policy", exact=True).select_option("support")
    page.get_by_label("Label", exact=True).fill("support-bot")
    page.get_by_role("button", name="Make").click()
    expect(page.get_by_text("This token is shown now and never again")).to_be_visible()


def try_what_is_hidden(page: Page) -> None:
    page.get_by_label("Tool").select_option("delete_customer")
    page.get_by_label("Arguments").fill('{"customer": "c1"}')
    page.get_by_role("button", name="Make this call").click()
    expect(page.get_by_text("Unknown tool: delete_customer").first).to_be_visible()


def test_from_the_first_line_to_the_first_denied_call(tmp_path: Path, context: BrowserContext) -> None:
    visitor, watcher = Visitor(context.new_page()), Visitor(context.new_page())
    page, log = visitor.page, watcher.page
    began = time.monotonic()
    with office(tmp_path / "data") as place:
        become_the_first_admin(page, place)
        add_the_server(page, place)
        take_the_recommended_policy(page)
        make_a_grant(page)
        log.goto(f"{place.url}/records")
        try_what_is_hidden(page)
        row = log.get_by_role("row").filter(has_text="delete_customer")
        expect(row).to_contain_text("denied")  # comes by itself: nobody loads the page again
        expect(row).to_contain_text("(hidden)")
    assert time.monotonic() - began < THREE_MINUTES
    assert not visitor.complaints + watcher.complaints
