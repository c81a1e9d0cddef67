"""The contact form: who may send it, what is refused, and what becomes of what was sent."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
from tests.control.api.asking import other_organisation
from tests.control.running import Answer, Browser, Control

from toolgate.store import contact, events
from toolgate.store.events import EventFilter

pytestmark = pytest.mark.slow

FORM = {"name": "Bo", "email": "bo@example.com", "message": "A tool is not what you say."}


@pytest.fixture
async def public(tmp_path: Path) -> AsyncIterator[Control]:
    async with Control.running(tmp_path / "data", public_catalogue=True) as running:
        yield running


async def write(browser: Browser, changed: Mapping[str, str] = {}, **headers: str) -> Answer:
    """Load the form and send it, as people do."""
    page = await browser.get("/catalogue/contact?about=/catalogue/servers")
    form = {**FORM, "csrf": page.csrf, "website": "", "about": "/catalogue/servers", **changed}
    return await browser.post("/catalogue/contact", form, **headers)


async def test_a_stranger_writes_and_an_admin_reads_answers_and_deletes(public: Control) -> None:
    stranger = await public.browser()
    sent = await write(stranger, {"message": "Hello <b>you</b>\nthere \u202e"})
    assert (sent.status, sent.location) == (303, "/catalogue/contact?done=sent")
    assert "Thank you" in (await stranger.get(sent.location)).text
    admin = await public.signed_in("admin")
    page = await admin.get("/messages")
    assert "Hello &lt;b&gt;you&lt;/b&gt;" in page.text
    assert "\u202e" not in page.text
    [message] = (await admin.get("/messages.json")).json["messages"]
    assert (message["email"], message["about"], message["answered"]) == ("bo@example.com", "/catalogue/servers", None)
    await admin.post(f"/messages/{message['id']}/state", {"state": "answered"})
    assert (await admin.get("/messages.json")).json["waiting"] == 0
    assert (await admin.post(f"/messages/{message['id']}/remove")).location == "/messages?done=removed"
    assert (await admin.get("/messages.json")).json["messages"] == []
    told = events.newest(public.engine, EventFilter(kind="message"))
    assert [event.action for event in told] == ["remove", "change"]
    assert "Hello" not in str(told)
    assert (await admin.post("/messages/1/remove")).status == 404


async def test_messages_are_for_admins_of_the_operator_alone(public: Control) -> None:
    await write(await public.browser())
    other = await public.signed_in("admin", organisation=other_organisation(public))
    assert (await other.get("/messages")).status == 403
    assert (await other.post("/messages/1/state", {"state": "answered"})).status == 404
    assert (await other.post("/messages/1/remove")).status == 404
    assert (await (await public.signed_in("policy_manager")).get("/messages")).status == 403
    assert contact.waiting(public.engine) == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""), ("name", " \n"), ("name", "x" * 201), ("name", "a\x00b"), ("email", "nobody"), ("email", ""),
        ("email", "a@b.example\nbcc: c@d.example"), ("message", ""), ("message", "x" * 5001), ("message", "\x1b[31m"),
        ("website", "https://spam.example"),
    ],
)  # fmt: skip
async def test_what_is_no_message_is_refused_and_stays_in_the_form(public: Control, field: str, value: str) -> None:
    answer = await write(await public.browser(), {field: value})
    assert answer.status == 422
    assert f'id="{field}-wrong"' in answer.text
    assert field == "message" or FORM["message"] in answer.text
    assert contact.newest(public.engine) == []


async def test_a_form_of_another_page_is_refused(public: Control) -> None:
    browser, other = await public.browser(), await public.browser()
    foreign = (await other.get("/catalogue/contact")).csrf
    assert (await write(browser, {"csrf": ""})).status == 403
    assert (await write(browser, {"csrf": foreign})).status == 403
    assert (await write(browser, origin="https://evil.example")).status == 403
    assert (await write(browser, sec_fetch_site="cross-site")).status == 403
    assert contact.newest(public.engine) == []


async def test_who_writes_often_waits_and_what_is_wrong_does_not_count(public: Control) -> None:
    browser = await public.browser()
    for _ in range(5):
        assert (await write(browser, {"email": "none"})).status == 422
    answers = [await write(browser) for _ in range(4)]
    assert [answer.status for answer in answers] == [303, 303, 303, 429]
    assert int(answers[-1].headers["retry-after"]) > 0
    assert FORM["message"] in answers[-1].text
    assert len(contact.newest(public.engine)) == 3


async def test_who_is_signed_in_writes_with_the_same_form_and_may_still_sign_out(public: Control) -> None:
    member = await public.signed_in("viewer")
    page = await member.get("/catalogue/contact")
    assert f'name="csrf" value="{member.csrf}"' in page.text  # of the button to sign out
    visit = page.text.split('action="/catalogue/contact"')[1].split('name="csrf" value="')[1].partition('"')[0]
    assert visit != member.csrf
    assert (await member.post("/catalogue/contact", {**FORM, "csrf": visit})).status == 303


async def test_where_strangers_see_nothing_they_write_nothing(control: Control) -> None:
    browser = await control.browser()
    assert (await browser.get("/catalogue/contact")).status == 303
    own = (await browser.get("/sign-in")).csrf
    assert (await browser.post("/catalogue/contact", {**FORM, "csrf": own})).status == 401
    assert contact.newest(control.engine) == []


async def test_too_many_messages_are_not_kept(public: Control, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contact, "KEPT_AT_MOST", 1)
    assert (await write(await public.browser())).status == 303
    refused = await write(await public.browser())
    assert refused.status == 422
    assert len(contact.newest(public.engine)) == 1
