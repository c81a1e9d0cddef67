"""Each role sees what it may, and nothing that it may not do is offered."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from toolgate.store import policies, servers

from .office import EMAIL, Office
from .visitor import Visitor

pytestmark = pytest.mark.slow

MENUS = {
    "vera@example.com": ["Overview", "Servers", "Policies", "Grants", "Catalogue", "Decisions", "Approvals"],
    "paul@example.com": ["Overview", "Servers", "Policies", "Grants", "Catalogue", "Decisions", "Approvals"],
    EMAIL: [
        "Overview",
        "Servers",
        "Policies",
        "Grants",
        "Catalogue",
        "Decisions",
        "Approvals",
        "Members",
        "Admin events",
        "Settings",
    ],
}
ADMIN_PAGES = ["/servers/new", "/grants/new", "/members", "/members/new", "/events", "/settings/tokens"]


@pytest.mark.parametrize("email", MENUS)
def test_the_menu_holds_what_the_role_may_open(furnished: Office, visitor: Visitor, email: str) -> None:
    visitor.sign_in(furnished.url, email)
    menu = visitor.page.get_by_role("navigation").first.get_by_role("link")
    shown = [text.strip() for text in menu.all_inner_texts() if text.strip()]
    assert [text for text in shown if text in MENUS[EMAIL]] == MENUS[email]


@pytest.mark.parametrize("email", ["vera@example.com", "paul@example.com"])
def test_what_only_admins_do_is_neither_offered_nor_opened(furnished: Office, visitor: Visitor, email: str) -> None:
    page, engine = visitor.page, furnished.gateway.engine
    visitor.sign_in(furnished.url, email)
    for path in ADMIN_PAGES:
        answer = page.goto(furnished.url + path)
        assert answer is not None
        assert answer.status == 403, path
        expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.goto(f"{furnished.url}/servers/{servers.get(engine, 'shop').id}")
    expect(page.get_by_role("link", name="Change")).to_have_count(0)
    expect(page.get_by_role("link", name="Remove")).to_have_count(0)
    page.goto(f"{furnished.url}/grants")
    expect(page.get_by_text("support-bot").first).to_be_visible()
    expect(page.get_by_text("vera@example.com").locator("visible=true")).to_have_count(
        1 if email.startswith("vera") else 0
    )  # in the menu, for who she is; holders of grants are for admins


def test_a_viewer_reads_policies_and_a_policy_manager_edits_them(furnished: Office, visitor: Visitor) -> None:
    path = f"{furnished.url}/policies/{policies.get(furnished.gateway.engine, 'support').id}"
    page = visitor.page
    visitor.sign_in(furnished.url, "vera@example.com")
    page.goto(path)
    expect(page.get_by_text("Refunds above 500 are made by people.").first).to_be_visible()
    page.goto(f"{path}/edit")
    expect(page.get_by_role("button", name="Look at the changes and save")).to_have_count(0)
    page.context.clear_cookies()
    visitor.sign_in(furnished.url, "paul@example.com")
    page.goto(f"{path}/edit")
    expect(page.get_by_role("button", name="Look at the changes and save")).to_be_visible()


def test_who_approves_nothing_sees_no_call(furnished: Office, visitor: Visitor) -> None:
    page = visitor.page
    visitor.sign_in(furnished.url, "vera@example.com")
    page.goto(f"{furnished.url}/approvals")
    expect(page.get_by_role("link", name="create_refund")).to_have_count(0)
