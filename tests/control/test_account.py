"""One's own account: password and sessions."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import pytest
from tests.control.running import PASSWORD, Control

from toolgate.control.identity.cookies import SESSION
from toolgate.store import entering, members, sessions

NEW = "another horse, another battery"


def change(**fields: str) -> dict[str, str]:
    return {"present": PASSWORD, "password": NEW, "again": NEW, **fields}


@pytest.mark.slow
async def test_a_new_password_ends_every_other_session_and_renews_this_one(control: Control) -> None:
    member = control.member("viewer")
    here, elsewhere = await control.signed_in(member), await control.signed_in(member)
    before = here.cookie(SESSION)
    done = await here.post("/account/password", change())
    assert (done.status, done.location) == (303, "/account?done=password")
    assert "The password is changed." in (await here.get("/account?done=password")).text
    assert (await elsewhere.get("/account")).status == 303
    assert here.cookie(SESSION) != before
    stolen = await control.browser()
    assert (await stolen.get("/account", cookie=f"{SESSION}={before}")).status == 303
    page = await stolen.get("/sign-in")
    assert (await stolen.post("/sign-in", {"csrf": page.csrf, "email": member.email, "password": NEW})).status == 303


BAD: list[tuple[dict[str, str], str]] = [
    ({"present": "not the one I have"}, "is not the present one"),
    ({"password": "short", "again": "short"}, "has 5 characters"),
    ({"again": "something else entirely"}, "is not the same password"),
    ({"csrf": "x"}, "does not belong to this session"),
    ({"csrf": ""}, "does not belong to this session"),
]


@pytest.mark.slow
async def test_a_password_that_cannot_be_changed_stays(control: Control) -> None:
    member = control.member("viewer")
    browser = await control.signed_in(member)
    stored = entering.password_of(control.engine, member.email)
    for fields, said in BAD:
        wrong = await browser.post("/account/password", change(**fields))
        assert wrong.status == (403 if "csrf" in fields else 422)
        assert said in wrong.text
        assert entering.password_of(control.engine, member.email) == stored


async def test_own_sessions_are_listed_and_ended_and_nobody_elses(control: Control) -> None:
    member, other = control.member("viewer"), await control.signed_in("viewer")
    here, elsewhere, third = [await control.signed_in(member) for _ in range(3)]
    listed = (await here.get("/account.json")).json["sessions"]
    assert [session["this"] for session in listed].count(True) == 1
    assert len(listed) == 3
    foreign = (await other.get("/account.json")).json["sessions"][0]["id"]
    assert (await here.post(f"/account/sessions/{foreign}/end")).status == 404
    assert (await other.get("/account")).status == 200
    theirs = (await elsewhere.get("/account.json")).json["sessions"]
    own = next(session["id"] for session in theirs if session["this"])
    assert (await here.post(f"/account/sessions/{own}/end")).location == "/account?done=ended"
    assert (await elsewhere.get("/account")).status == 303
    assert (await here.post("/account/sessions/end-others")).status == 303
    assert (await third.get("/account")).status == 303
    assert (await here.get("/account")).status == 200


@pytest.mark.slow
async def test_sessions_end_by_themselves_and_with_the_member(control: Control) -> None:
    member = control.member("viewer")
    cases = {
        "last_used": time.time() - sessions.IDLE - 1,
        "expires": time.time() - 1,
    }
    for column, moment in cases.items():
        browser = await control.signed_in(member)
        assert (await browser.get("/account")).status == 200
        with sqlite3.connect(control.state.data / "toolgate.db") as database:
            database.execute(f"UPDATE sessions SET {column} = ?", (moment,))
        database.close()
        assert (await browser.get("/account")).status == 303, column
    browser = await control.signed_in(member)
    members.disable(control.engine, "test", member.id, disabled=True)
    assert (await browser.get("/account")).status == 303
    members.disable(control.engine, "test", member.id, disabled=False)
    assert (await browser.get("/account")).status == 303  # an ended session stays so
    browser = await control.signed_in(member)
    members.amend(control.engine, "test", member.id, members.Terms("x", "policy_manager"))
    assert (await browser.get("/account")).status == 303


def everything_in(data: Path) -> bytes:
    return b"".join(file.read_bytes() for file in data.rglob("*") if file.is_file())


@pytest.mark.slow
async def test_the_database_holds_no_session_and_no_password(control: Control) -> None:
    browser = await control.signed_in("viewer")
    secret = browser.cookie(SESSION).encode()
    content = everything_in(control.state.data)
    assert browser.member.email.encode() in content
    assert secret not in content
    assert PASSWORD.encode() not in content


async def test_a_token_of_the_api_has_no_account(control: Control) -> None:
    browser = await control.browser()
    answer = await browser.get("/account.json", authorization=f"Bearer {control.token('admin')}")
    assert answer.status == 403
