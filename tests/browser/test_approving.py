"""Somebody approves or refuses a call in the browser while a real client waits for it."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from .office import EMAIL, Office, until
from .visitor import Visitor

pytestmark = pytest.mark.slow


@dataclass
class Held:
    """A call that the gateway holds for a person, and the client that waits for it."""

    agent: subprocess.Popen[str]
    id: str

    def read(self) -> str:
        """What the client got in the end."""
        out, err = self.agent.communicate(timeout=60)
        return out + err


def refund(place: Office, amount: int) -> Held:
    """A call that the policy gives to a person."""
    before = set(place.pending())
    arguments = {"customer": "c7", "amount": amount, "currency": "eur"}
    agent = place.agent("shop", place.tokens["support-bot"], ("create_refund", arguments))
    until(lambda: set(place.pending()) - before)
    return Held(agent, (set(place.pending()) - before).pop())


def open_inbox(visitor: Visitor, place: Office, held: Held) -> Page:
    """The waiting call, found as people find it: in the list of what waits."""
    visitor.sign_in(place.url, EMAIL)
    visitor.page.goto(f"{place.url}/approvals")
    visitor.page.locator(f'a[href="/approvals/{held.id}"]').first.click()
    return visitor.page


def test_a_client_that_waits_gets_the_result_of_the_call_that_was_shown(furnished: Office, visitor: Visitor) -> None:
    held = refund(furnished, 125)
    page = open_inbox(visitor, furnished, held)
    expect(page.get_by_text('"c7"')).to_be_visible()
    expect(page.get_by_text("125", exact=True)).to_be_visible()
    page.get_by_role("button", name="Approve once").click()
    expect(page.get_by_text("approved").or_(page.get_by_text("used")).first).to_be_visible()
    assert "refunded 125.00 eur to c7" in held.read()
    assert not visitor.complaints


def test_a_refusal_reaches_the_client_with_its_reason(furnished: Office, visitor: Visitor) -> None:
    held = refund(furnished, 130)
    page = open_inbox(visitor, furnished, held)
    page.get_by_text("Refuse…").click()
    page.get_by_label("Reason").fill("Ask the customer first.")
    page.get_by_role("button", name="Refuse the call").click()
    expect(page.get_by_text("Ask the customer first.").first).to_be_visible()
    assert "Ask the customer first." in held.read()
    assert not visitor.complaints


def test_a_phone_without_scripts_is_enough(furnished: Office, context: BrowserContext, tmp_path: Path) -> None:
    held = refund(furnished, 140)
    browser = context.browser
    assert browser is not None
    phone = browser.new_context(viewport={"width": 390, "height": 780}, java_script_enabled=False, has_touch=True)
    page = open_inbox(Visitor(phone.new_page()), furnished, held)
    button = page.get_by_role("button", name="Approve once")
    box = button.bounding_box()
    assert box is not None
    assert box["height"] >= 44  # what a thumb hits: WCAG 2.2, 2.5.5
    button.tap()
    assert "refunded 140.00 eur to c7" in held.read()
    phone.close()


def test_a_call_that_comes_shows_in_the_inbox_by_itself(furnished: Office, visitor: Visitor) -> None:
    visitor.sign_in(furnished.url, EMAIL)
    visitor.page.goto(f"{furnished.url}/approvals")
    held = refund(furnished, 150)
    expect(visitor.page.locator(f'a[href="/approvals/{held.id}"]').first).to_be_visible(timeout=15_000)
    held.agent.kill()
    held.read()
    assert not visitor.complaints
