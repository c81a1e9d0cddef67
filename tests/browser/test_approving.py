"""Somebody approves or refuses a call in the browser while a real client waits for it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from .office import EMAIL, Office, until
from .visitor import Visitor

pytestmark = pytest.mark.slow


def refund(place: Office, amount: int) -> subprocess.Popen[str]:
    """A call that the policy gives to a person, held by the gateway by now."""
    before = len(place.pending())
    arguments = {"customer": "c7", "amount": amount, "currency": "eur"}
    agent = place.agent("shop", place.tokens["support-bot"], ("create_refund", arguments))
    until(lambda: len(place.pending()) > before)
    return agent


def read_by(agent: subprocess.Popen[str]) -> str:
    out, err = agent.communicate(timeout=60)
    return out + err


def open_inbox(visitor: Visitor, place: Office, tool: str = "create_refund") -> Page:
    """The waiting call, found as people find it: by the menu."""
    visitor.sign_in(place.url, EMAIL)
    visitor.page.goto(f"{place.url}/approvals")
    visitor.page.get_by_role("link", name=tool).first.click()
    return visitor.page


def test_a_client_that_waits_gets_the_result_of_the_call_that_was_shown(furnished: Office, visitor: Visitor) -> None:
    agent = refund(furnished, 120)
    page = open_inbox(visitor, furnished)
    expect(page.get_by_text('"c7"')).to_be_visible()
    expect(page.get_by_text("120", exact=True)).to_be_visible()
    page.get_by_role("button", name="Approve once").click()
    expect(page.get_by_text("approved").or_(page.get_by_text("used")).first).to_be_visible()
    assert "refunded 120.00 eur to c7" in read_by(agent)
    assert not visitor.complaints


def test_a_refusal_reaches_the_client_with_its_reason(furnished: Office, visitor: Visitor) -> None:
    agent = refund(furnished, 130)
    page = open_inbox(visitor, furnished)
    page.get_by_text("Refuse…").click()
    page.get_by_label("Reason").fill("Ask the customer first.")
    page.get_by_role("button", name="Refuse the call").click()
    expect(page.get_by_text("Ask the customer first.").first).to_be_visible()
    assert "Ask the customer first." in read_by(agent)
    assert not visitor.complaints


def test_a_phone_without_scripts_is_enough(furnished: Office, context: BrowserContext, tmp_path: Path) -> None:
    agent = refund(furnished, 140)
    browser = context.browser
    assert browser is not None
    phone = browser.new_context(viewport={"width": 390, "height": 780}, java_script_enabled=False, has_touch=True)
    page = open_inbox(Visitor(phone.new_page()), furnished)
    button = page.get_by_role("button", name="Approve once")
    box = button.bounding_box()
    assert box is not None
    assert box["height"] >= 44  # what a thumb hits: WCAG 2.2, 2.5.5
    button.tap()
    assert "refunded 140.00 eur to c7" in read_by(agent)
    phone.close()


def test_a_call_that_comes_shows_in_the_inbox_by_itself(furnished: Office, visitor: Visitor) -> None:
    visitor.sign_in(furnished.url, EMAIL)
    visitor.page.goto(f"{furnished.url}/approvals")
    expect(visitor.page.get_by_text("150", exact=False)).to_have_count(0)
    agent = refund(furnished, 150)
    expect(visitor.page.get_by_role("link", name="create_refund").first).to_be_visible(timeout=15_000)
    agent.terminate()
    agent.communicate()
    assert not visitor.complaints
