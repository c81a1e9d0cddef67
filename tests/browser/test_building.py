"""A policy is built by looking at the tools, tried before it is saved, and in force when it is."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from toolgate.store import policies

from .office import EMAIL, POLICY, Office
from .visitor import Visitor

pytestmark = pytest.mark.slow


def pane(page: Page) -> Any:
    return json.loads(page.get_by_role("textbox", name="JSON", exact=True).input_value())


def until_pane_has(page: Page, text: str) -> None:
    expect(page.get_by_role("textbox", name="JSON", exact=True)).to_have_value(re.compile(re.escape(text)))


def add_rule(page: Page, kind: str, argument: str, test: str, value: str, told: str = "") -> None:
    page.get_by_label("Kind of rule").select_option(label=kind)
    page.get_by_label("Argument", exact=True).first.fill(argument)
    page.get_by_label(re.compile("^Test")).first.select_option(label=test)
    page.get_by_label(re.compile("^Value")).first.fill(value)
    page.get_by_label("What the agent is told").fill(told)
    page.get_by_role("button", name="Add the rule").click()


def save(page: Page) -> None:
    page.get_by_role("button", name="Look at the changes and save").click()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).not_to_contain_text("new policy", ignore_case=True)


def build(page: Page, place: Office, name: str) -> None:
    """Two tools allowed, one hidden, one with an argument rule and a limit."""
    page.goto(f"{place.url}/policies/new")
    page.get_by_label("Name of the policy").fill(name)
    page.get_by_label("list_customers is").select_option(label="Allow")
    until_pane_has(page, "list_customers")
    page.get_by_label("delete_customer is").select_option(label="Hide")
    until_pane_has(page, "delete_customer")
    page.get_by_role("button", name="Rules of create_refund").click()
    add_rule(page, "Deny if", "args.amount", "is above", "100", "Larger refunds are made by people.")
    until_pane_has(page, "Larger refunds")
    page.get_by_label("At most", exact=True).fill("2")
    page.get_by_role("button", name="Add the limit").click()
    until_pane_has(page, '"rate_limit": "2/minute"')


def test_a_policy_with_a_rule_and_a_limit_is_built_tried_saved_and_obeyed(furnished: Office, visitor: Visitor) -> None:
    page = visitor.page
    visitor.sign_in(furnished.url, EMAIL)
    build(page, furnished, "built")
    page.get_by_label("A call of").select_option("create_refund")
    page.get_by_label("customer", exact=True).fill("c1")
    page.get_by_label("amount", exact=True).fill("101")
    page.get_by_role("button", name="Try the call").click()
    expect(page.locator("#try-result")).to_contain_text("Larger refunds are made by people.")
    save(page)
    token = furnished.grant("shop", "built", "builder-bot")
    small, large = {"customer": "c1", "amount": 1}, {"customer": "c1", "amount": 101}
    assert furnished.call("shop", token, ("create_refund", small)) == (False, "refunded 1.00 usd to c1")
    assert "Larger refunds are made by people." in furnished.call("shop", token, ("create_refund", large))[1]
    denied, read = furnished.call("shop", token, ("create_refund", small), ("create_refund", small))
    assert denied
    assert "2 of 2" in read
    assert "Unknown tool" in furnished.call("shop", token, ("delete_customer", {"customer": "c1"}))[1]
    assert not visitor.complaints


def test_what_is_typed_in_one_of_form_and_json_shows_in_the_other(furnished: Office, visitor: Visitor) -> None:
    page = visitor.page
    visitor.sign_in(furnished.url, EMAIL)
    page.goto(f"{furnished.url}/policies/new")
    text = '{ "version": "1", "default": "deny",\n\t"tools": {"run_report": {"action": "deny"}} }'
    page.get_by_role("textbox", name="JSON", exact=True).fill(text)
    expect(page.get_by_label("run_report is")).to_have_value(re.compile("deny"))
    page.get_by_label("list_customers is").select_option(label="Allow")
    until_pane_has(page, "list_customers")
    assert pane(page)["tools"]["run_report"] == {"action": "deny"}
    assert (
        '{ "version": "1", "default": "deny",\n\t"tools"'
        in page.get_by_role("textbox", name="JSON", exact=True).input_value()
    )
    page.get_by_role("textbox", name="JSON", exact=True).fill('{"version": "1", "default": "perhaps"}')
    expect(page.get_by_text("/default").first).to_be_visible()
    assert not visitor.complaints


def test_what_nobody_edits_keeps_its_bytes(furnished: Office, visitor: Visitor) -> None:
    odd = (
        json.dumps(POLICY, indent="\t").replace('"max": 60', '"max": 6.0e1').replace("support", "supp\\u006frt")
        + "\n\n"
    )
    policy = furnished.policy("odd", odd)
    page = visitor.page
    visitor.sign_in(furnished.url, EMAIL)
    page.goto(f"{furnished.url}/policies/{policy}/edit")
    page.get_by_label("run_report is").select_option(label="Hide")
    until_pane_has(page, '"run_report"')
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_label("run_report is")).to_have_value(re.compile("deny"))
    expect(page.get_by_role("textbox", name="JSON", exact=True)).to_have_value(odd)
    expect(page.get_by_role("button", name="Look at the changes and save")).to_be_disabled()
    page.get_by_label("list_customers is").select_option(label="Deny")
    until_pane_has(page, '"list_customers": {')
    save(page)
    saved = policies.get(furnished.gateway.engine, "odd").document
    assert saved != odd
    assert without_line(saved, "list_customers") == without_line(odd, "list_customers")
    assert not visitor.complaints


def without_line(text: str, word: str) -> str:
    """The text but for what was edited in it."""
    return re.sub(rf'"{word}": \{{[^}}]*\}}', "", text)


def compose_flow(page: Page) -> None:
    """After customers were listed and a report was run, nothing is written any more."""
    page.locator("#flows summary", has_text="Add a flow").click()
    page.get_by_label("After one of these").last.fill("list_*")
    page.get_by_label("and one of these (optional)").last.fill("run_report")
    page.get_by_role("group", name="or anything that").last.get_by_label("writes").check()
    page.get_by_label("For how long").last.fill("1h")
    page.get_by_role("button", name="Add the flow").click()


def test_a_flow_is_built_tried_after_other_calls_and_obeyed(furnished: Office, visitor: Visitor) -> None:
    page = visitor.page
    visitor.sign_in(furnished.url, EMAIL)
    page.goto(f"{furnished.url}/policies/new")
    page.get_by_label("Name of the policy").fill("flowing")
    for tool in ("list_customers", "run_report", "update_customer"):
        page.get_by_label(f"{tool} is").select_option(label="Allow")
        until_pane_has(page, tool)
    compose_flow(page)
    until_pane_has(page, '"within": "1h"')
    assert pane(page)["flows"][0]["deny"] == [{"category": ["Write"]}]
    page.get_by_label("A call of").select_option("update_customer")
    page.get_by_label("customer", exact=True).fill("c1")
    page.get_by_label("Used before in the same session").fill("list_customers")
    page.get_by_role("button", name="Try the call").click()
    expect(page.locator("#try-result")).to_contain_text("allowed")
    page.get_by_label("Used before in the same session").fill("list_customers, run_report")
    expect(page.locator("#try-result")).to_contain_text("/flows/0")
    save(page)
    token = furnished.grant("shop", "flowing", "flow-bot")
    update = ("update_customer", {"customer": "c1", "email": "a@example.com"})
    read, report = ("list_customers", {"limit": 1}), ("run_report", {"sql": "select 1"})
    assert furnished.call("shop", token, read, update)[0] is False
    denied, told = furnished.call("shop", token, report, update)
    assert denied
    assert "Rule: /flows/0" in told
    assert not visitor.complaints


def test_a_policy_begins_with_a_preset(furnished: Office, visitor: Visitor) -> None:
    page = visitor.page
    visitor.sign_in(furnished.url, EMAIL)
    page.goto(f"{furnished.url}/policies/new")
    page.get_by_role("radio", name="money-cap").check()
    page.get_by_role("button", name="Add the preset").click()
    wrong = page.get_by_label("The most that is moved in a day")
    expect(wrong).to_be_focused()
    expect(wrong).to_have_attribute("aria-invalid", "true")
    wrong.fill("100")
    page.get_by_role("button", name="Add the preset").click()
    until_pane_has(page, '"counter": "money"')
    expect(page.get_by_text("The preset was added")).to_be_visible()
    assert pane(page)["tools"]["create_refund"]["limits"][0]["cost"] == "args.amount"
    assert not visitor.complaints


def test_without_scripts_a_preset_and_a_flow_are_added(furnished: Office, context: BrowserContext) -> None:
    browser = context.browser
    assert browser is not None
    plain = browser.new_context(java_script_enabled=False)
    visitor = Visitor(plain.new_page())
    page = visitor.page
    visitor.sign_in(furnished.url, EMAIL)
    page.goto(f"{furnished.url}/policies/new")
    page.get_by_role("radio", name="read-only").check()
    page.get_by_role("button", name="Add the preset").click()
    compose_flow(page)
    made = pane(page)
    assert made["all_tools"]["require"]
    assert made["flows"][0]["after"] == ["list_*"]
    plain.close()


def test_without_scripts_the_form_builds_the_same(furnished: Office, context: BrowserContext) -> None:
    browser = context.browser
    assert browser is not None
    plain = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 800})
    visitor = Visitor(plain.new_page())
    page = visitor.page
    visitor.sign_in(furnished.url, EMAIL)
    page.goto(f"{furnished.url}/policies/new")
    page.get_by_label("Name of the policy").fill("plain")
    page.get_by_label("list_customers is").select_option(label="Allow")
    page.get_by_role("button", name="Apply", exact=True).last.click()
    save(page)
    assert json.loads(policies.get(furnished.gateway.engine, "plain").document)["tools"] == {"list_customers": {}}
    plain.close()
