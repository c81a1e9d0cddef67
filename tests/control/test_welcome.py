"""Links that let somebody in once."""

from __future__ import annotations

import asyncio
import sqlite3
import time

import pytest
from tests.control.running import PASSWORD, Answer, Browser, Control

from toolgate.control.first_run import offer
from toolgate.control.identity.cookies import SESSION
from toolgate.store import events, links, members
from toolgate.store.events import EventFilter
from toolgate.store.members import Terms


def first_link(control: Control, capture: pytest.CaptureFixture[str]) -> str:
    """The path of the link that the control process says while nobody can sign in."""
    offer(control.engine, control.url)
    line = capture.readouterr().err.strip()
    assert line.count("\n") == 0
    return line.partition(control.url)[2]


def forms(page: Answer, **fields: str) -> dict[str, str]:
    return {"csrf": page.csrf, "password": PASSWORD, "again": PASSWORD, **fields}


def first(page: Answer, **fields: str) -> dict[str, str]:
    return forms(page, **{"email": "ada@example.com", "name": "Ada", **fields})


async def test_the_first_admin_comes_in_by_the_link_on_the_log(
    control: Control, capsys: pytest.CaptureFixture[str]
) -> None:
    old, path = first_link(control, capsys), first_link(control, capsys)
    browser = await control.browser()
    assert (await browser.get(old)).status == 404  # each start makes a new one
    page = await browser.get(path)
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"
    assert (await browser.get(path)).status == 200  # to look uses nothing up
    done = await browser.post(path, first(page))
    assert (done.status, done.location) == (303, "/")
    assert "ada@example.com" in (await browser.get("/account")).text
    [admin] = members.every(control.engine)
    assert (admin.role, admin.approves, admin.enters) == ("admin", None, "password")
    assert (await browser.get(path)).status == 404
    offer(control.engine, control.url)
    assert capsys.readouterr().err == ""
    noted = [(event.actor, event.action) for event in events.newest(control.engine, EventFilter(kind="member"))]
    assert noted == [("ada@example.com", "sign_in"), ("ada@example.com", "add")]


BAD: list[tuple[dict[str, str], str]] = [
    ({"password": "short", "again": "short"}, "has 5 characters"),
    ({"password": "x" * 257, "again": "x" * 257}, "has 257 characters"),
    ({"password": "Ada@Example.com", "again": "Ada@Example.com"}, "is the e-mail"),
    ({"again": "something else"}, "is not the same password"),
    ({"email": "ada"}, "is not an e-mail"),
    ({"name": ""}, "is not a line of text"),
    ({"csrf": "x"}, "does not belong to this session"),
]


@pytest.mark.slow
async def test_what_is_wrong_is_said_beside_the_field_and_uses_no_link_up(
    control: Control, capsys: pytest.CaptureFixture[str]
) -> None:
    path, browser = first_link(control, capsys), await control.browser()
    page = await browser.get(path)
    for fields, said in BAD:
        wrong = await browser.post(path, first(page, **fields))
        assert wrong.status == (403 if "csrf" in fields else 422)
        assert said in wrong.text
        assert PASSWORD not in wrong.text
    assert members.every(control.engine) == []
    assert (await browser.post(path, first(page))).status == 303


@pytest.mark.slow
async def test_two_who_use_the_link_at_once_are_one_admin(control: Control, capsys: pytest.CaptureFixture[str]) -> None:
    path = first_link(control, capsys)
    browsers = [await control.browser() for _ in range(4)]
    pages = [await browser.get(path) for browser in browsers]

    async def use(number: int) -> int:
        fields = first(pages[number], email=f"ada{number}@example.com")
        return (await browsers[number].post(path, fields)).status

    statuses = await asyncio.gather(*(use(number) for number in range(4)))
    assert sorted(statuses) == [303, 404, 404, 404]
    assert len(members.every(control.engine)) == 1


@pytest.mark.slow
async def test_an_invitation_is_used_once_and_a_reset_ends_every_session(control: Control) -> None:
    control.member("admin")
    invited = members.invite(control.engine, "test", "bob@example.com", Terms("Bob", "viewer"))
    path, browser = f"/welcome/{invited.secret}", await control.browser()
    done = await browser.post(path, forms(await browser.get(path), email="eve@example.com", role="admin"))
    assert done.status == 303
    member = members.get(control.engine, "bob@example.com")
    assert (member.role, member.enters) == ("viewer", "password")
    assert (await browser.get(path)).status == 404

    elsewhere, stolen = await control.signed_in(member), browser.cookie(SESSION)
    reset = members.invite_again(control.engine, "test", member.id)
    assert (await elsewhere.get("/account")).status == 200  # until the link is used
    path, third = f"/welcome/{reset.secret}", await control.browser()
    assert (await third.post(path, forms(await third.get(path)))).status == 303
    for ended in (elsewhere, browser):
        assert (await ended.get("/account")).status == 303
    assert third.cookie(SESSION) not in {"", stolen}


async def holds(browser: Browser, secret: str) -> bool:
    return (await browser.get(f"/welcome/{secret}")).status == 200


@pytest.mark.slow
async def test_a_link_holds_for_its_time_for_an_enabled_member_and_until_the_next(control: Control) -> None:
    control.member("admin")
    browser = await control.browser()
    invited = members.invite(control.engine, "test", "bob@example.com", Terms("Bob", "viewer"))
    again = members.invite_again(control.engine, "test", "bob@example.com")
    assert [await holds(browser, one.secret) for one in (invited, again)] == [False, True]
    members.disable(control.engine, "test", "bob@example.com", disabled=True)
    assert not await holds(browser, again.secret)
    members.disable(control.engine, "test", "bob@example.com", disabled=False)
    with sqlite3.connect(control.state.data / "toolgate.db") as database:
        database.execute("UPDATE sign_in_links SET expires = ?", (time.time() - 1,))
    database.close()
    assert not await holds(browser, again.secret)
    for made_up in ("x", "é", "..%2fsettings", "a" * 5000):
        assert not await holds(browser, made_up)


def test_no_secret_of_a_link_stands_in_a_representation(control: Control) -> None:
    secret = links.first(control.engine, "test")
    assert secret is not None
    assert secret not in repr(links.look(control.engine, secret, time.time()))
    invited = members.invite(control.engine, "test", "bob@example.com", Terms("Bob", "viewer"))
    assert invited.secret not in repr(invited)
