"""Signed links in a browser: looking never acts, one press does, once; and nobody else's link opens anything."""

from __future__ import annotations

import base64
import re
import sqlite3
import time
from contextlib import closing
from typing import Any

import pytest
from tests.control.running import Browser, Control

from toolgate.control.inbox import links
from toolgate.control.inbox.deciding import opened
from toolgate.store import organisations, webhooks
from toolgate.store.approvals import FILE, Approval
from toolgate.store.events import EventFilter, newest

from .desk import now, waits, webhook

PREVIEWERS = ("Slackbot-LinkExpanding 1.0", "facebookexternalhit/1.1", "Mozilla/5.0 (compatible; safelinks)")


def link(control: Control, approval: Approval, name: str = "ops", **options: Any) -> str:
    hook = webhook(control.state, "https://hooks.example.com/x", name, **options).webhook
    return links.PATH + links.sign(control.state.master, approval, hook)


async def press(browser: Browser, path: str, what: str = "approve", **form: str) -> int:
    """Open the page of a link and send its form."""
    page = await browser.get(path)
    return (await browser.post(f"{path}/{what}", {"csrf": page.csrf, **form})).status


async def test_looking_shows_the_call_and_one_press_decides(control: Control) -> None:
    approval = waits(control.state, {"amount": 990000})
    path, browser = link(control, approval), await control.browser()
    page = await browser.get(path)
    assert page.status == 200
    assert "990000" in page.text
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["x-robots-tag"] == "noindex, nofollow"
    assert page.headers["cache-control"] == "no-store"
    assert 'content="noindex, nofollow"' in page.text
    assert now(control.state, approval).state == "pending"
    done = await browser.post(f"{path}/approve", {"csrf": page.csrf})
    assert (done.status, done.location) == (303, f"{path}?done=approved")
    decided = now(control.state, approval)
    assert (decided.state, decided.decided_by) == ("approved", "link:ops")
    after = await browser.get(done.location)
    assert "Decided by <strong>link:ops</strong>" in after.text
    assert "990000" not in after.text
    (event,) = newest(control.engine, EventFilter(kind="approval"))
    assert event.actor == "link:ops"


async def test_previews_and_scanners_never_decide(control: Control) -> None:
    approval = waits(control.state)
    path, browser = link(control, approval), await control.browser()
    for agent in PREVIEWERS:
        for method in ("GET", "HEAD"):
            assert (await browser.ask(method, path, user_agent=agent)).status == 200
            assert (await browser.ask(method, f"{path}/approve", user_agent=agent)).status == 405
        assert (await browser.get(path, purpose="prefetch", sec_purpose="prefetch;prerender")).status == 200
        assert (await browser.get(f"{path}.json", user_agent=agent)).status == 200
    for method in ("OPTIONS", "PUT", "DELETE", "POST"):
        assert (await browser.ask(method, path)).status == 405
    assert now(control.state, approval).state == "pending"


@pytest.mark.slow
async def test_an_answer_needs_the_form_of_this_very_page(control: Control) -> None:
    one, other = waits(control.state, {"n": 1}), waits(control.state, {"n": 2})
    path = link(control, one)
    hook = webhooks.every(control.engine)[0]
    second = links.PATH + links.sign(control.state.master, other, hook)
    browser = await control.browser()
    theirs = (await browser.get(second)).csrf
    own = (await browser.get(path)).csrf
    for form in ({}, {"csrf": ""}, {"csrf": "00"}, {"csrf": theirs}):
        assert (await browser.post(f"{path}/approve", form)).status == 403
    assert (await browser.post(f"{path}/approve", {"csrf": own}, sec_fetch_site="cross-site")).status == 403
    assert now(control.state, one).state == now(control.state, other).state == "pending"


async def test_a_link_is_used_once_and_then_says_what_became_of_it(control: Control) -> None:
    approval = waits(control.state)
    path, browser = link(control, approval), await control.browser()
    token = (await browser.get(path)).csrf
    assert (await browser.post(f"{path}/deny", {"csrf": token, "reason": "not on a Friday"})).status == 303
    replayed = await browser.post(f"{path}/approve", {"csrf": token})
    assert replayed.status == 409
    assert "denied by link:ops" in replayed.text
    decided = now(control.state, approval)
    assert (decided.state, decided.decision_reason) == ("denied", "not on a Friday")
    page = await browser.get(path)
    assert "This link has done its work" in page.text
    assert "Approve once" not in page.text


@pytest.mark.slow
async def test_a_reason_that_cannot_be_kept_is_said_and_the_call_waits_on(control: Control) -> None:
    approval = waits(control.state)
    path, browser = link(control, approval), await control.browser()
    assert await press(browser, path, "deny", reason="x" * 300) == 422
    assert now(control.state, approval).state == "pending"


@pytest.mark.slow
async def test_after_the_end_of_the_call_nothing_is_decided(control: Control) -> None:
    approval = waits(control.state)
    path, browser = link(control, approval), await control.browser()
    token = (await browser.get(path)).csrf
    with closing(sqlite3.connect(control.state.data / FILE, timeout=10)) as db, db:
        db.execute("UPDATE approvals SET expires = ?", (time.time() - 1,))
    assert "Its time is over" in (await browser.get(path)).text
    assert (await browser.post(f"{path}/approve", {"csrf": token})).status == 409
    assert now(control.state, approval).state == "expired"


@pytest.mark.slow
async def test_who_decided_elsewhere_is_named(control: Control) -> None:
    approval = waits(control.state)
    path, browser = link(control, approval), await control.browser()
    with opened(control.state) as store:
        store.decide(approval.id, "approved", "ada@example.com")
    assert "ada@example.com" in (await browser.get(path)).text


@pytest.mark.slow
async def test_forged_and_damaged_links_open_nothing_and_say_the_same(control: Control) -> None:
    approval = waits(control.state)
    path, browser = link(control, approval), await control.browser()
    signed = path.removeprefix(links.PATH)
    whole = bytearray(base64.urlsafe_b64decode(signed + "=" * (-len(signed) % 4)))
    whole[-1] ^= 1
    other = base64.urlsafe_b64encode(bytes(whole)).rstrip(b"=").decode()
    texts = set()
    for forged in (signed[:-4], signed[4:], other, "x", "A" * 500, signed.swapcase(), "%00"):
        for answer in (await browser.get(links.PATH + forged), await browser.post(f"{links.PATH}{forged}/approve")):
            assert answer.status == 404
            assert answer.headers["x-robots-tag"] == "noindex, nofollow"
            texts.add(re.sub(r"\s+", " ", answer.text))
    assert len({text for text in texts if "decides nothing" in text}) == 1
    assert now(control.state, approval).state == "pending"


@pytest.mark.slow
@pytest.mark.parametrize("how", ["removed", "disabled", "narrowed", "without links"])
async def test_a_link_ends_with_what_its_webhook_may(control: Control, how: str) -> None:
    approval = waits(control.state)
    path, browser = link(control, approval), await control.browser()
    token, (hook,) = (await browser.get(path)).csrf, webhooks.every(control.engine)
    sealer = control.state.master.sealer(webhooks.PURPOSE)
    if how == "removed":
        webhooks.remove(control.engine, "ada", hook.id)
    elif how == "disabled":
        webhooks.switch(control.engine, "ada", hook.id, enabled=False)
    else:
        terms = webhooks.Options(servers=()) if how == "narrowed" else webhooks.Options(links="none")
        webhooks.amend(control.engine, "ada", sealer, hook.id, name="ops", options=terms)
    assert (await browser.get(path)).status == 404
    assert (await browser.post(f"{path}/approve", {"csrf": token})).status == 404
    assert now(control.state, approval).state == "pending"


@pytest.mark.slow
async def test_a_webhook_of_another_organisation_opens_none_of_our_calls(control: Control) -> None:
    approval = waits(control.state)
    house = organisations.add(control.engine, "ada", "other").id
    sealer = control.state.master.sealer(webhooks.PURPOSE)
    theirs = webhooks.add(control.engine, "eve", sealer, name="ops", url="https://x.example.com/", organisation=house)
    path = links.PATH + links.sign(control.state.master, approval, theirs.webhook)
    browser = await control.browser()
    assert (await browser.get(path)).status == 404
    assert (await browser.post(f"{path}/approve")).status == 404
    assert now(control.state, approval).state == "pending"


@pytest.mark.slow
async def test_where_the_webhook_says_so_only_approvers_who_sign_in_decide(control: Control) -> None:
    approval = waits(control.state, {"amount": 990000}, principal="grace@example.com")
    path = link(control, approval, links="sign_in")
    stranger = await control.browser()
    asked = await stranger.get(path)
    assert (asked.status, asked.location.startswith("/sign-in?to=%2Fdecide%2F")) == (303, True)
    assert (await stranger.get(f"{path}.json")).status == 401
    assert (await stranger.post(f"{path}/approve")).status == 303
    viewer = await control.signed_in("admin")
    assert (await viewer.get(path)).status == 403
    assert (await viewer.post(f"{path}/approve")).status == 403
    grace = await control.signed_in(control.member("viewer", email="grace@example.com", approver=("*",)))
    assert "This is a call of your own" in (await grace.get(path)).text
    assert (await grace.post(f"{path}/approve")).status == 403
    assert now(control.state, approval).state == "pending"
    approver = await control.signed_in("viewer", approver=("*",))
    page = await approver.get(path)
    assert page.headers["referrer-policy"] == "same-origin"
    assert "990000" in page.text
    assert (await approver.post(f"{path}/approve", {"csrf": "00"})).status == 403
    assert (await approver.post(f"{path}/approve")).status == 303
    assert now(control.state, approval).decided_by == approver.member.email


@pytest.mark.slow
async def test_of_the_inbox_and_the_link_one_decides(control: Control) -> None:
    approval = waits(control.state)
    path, browser = link(control, approval), await control.browser()
    token = (await browser.get(path)).csrf
    member = await control.signed_in("viewer", approver=("*",))
    assert (await member.post(f"/approvals/{approval.id}/deny")).status == 303
    assert (await browser.post(f"{path}/approve", {"csrf": token})).status == 409
    assert now(control.state, approval).state == "denied"
