"""Signing in and out with a password, and what tries to get around it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from tests.control.running import PASSWORD, Answer, Browser, Control

from toolgate.control.identity import passwords
from toolgate.control.identity.cookies import KNOWN, SESSION, VISIT
from toolgate.control.pages.visiting import local
from toolgate.store import entering, events, members, sessions
from toolgate.store.database import writing
from toolgate.store.entering import Browser as Browsing
from toolgate.store.entering import NoEntry
from toolgate.store.events import EventFilter
from toolgate.store.members import Terms


async def try_in(browser: Browser, email: str, password: str = PASSWORD, to: str = "", **headers: str) -> Answer:
    """Load the form and send it, as people do."""
    page = await browser.get("/sign-in")
    form = {"email": email, "password": password, "csrf": page.csrf, "to": to}
    return await browser.post("/sign-in", form, **headers)


async def test_whoever_has_the_password_gets_in_and_out_again(control: Control) -> None:
    member = control.member("viewer")
    browser = await control.browser()
    done = await try_in(browser, f" {member.email.upper()} ", to="/patterns?x=1")
    assert (done.status, done.location) == (303, "/patterns?x=1")
    page = await browser.get("/patterns")
    assert page.status == 200
    assert member.email in page.text
    out = await browser.post("/sign-out", {"csrf": page.csrf})
    assert (out.status, out.location) == (303, "/sign-in?done=out")
    assert browser.cookie(SESSION) == ""
    assert (await browser.get("/patterns")).location == "/sign-in?to=%2Fpatterns"
    actions = [event.action for event in events.newest(control.engine, EventFilter(target=member.id))]
    assert actions == ["sign_out", "sign_in", "add"]


async def test_whoever_is_not_signed_in_is_sent_to_the_form_and_programs_get_401(control: Control) -> None:
    browser = await control.browser()
    assert (await browser.get("/patterns?a=b")).location == "/sign-in?to=%2Fpatterns%3Fa%3Db"
    twin = await browser.get("/patterns.json")
    assert (twin.status, twin.headers["content-type"]) == (401, "application/problem+json")
    assert (await browser.post("/sign-out")).location == "/sign-in"


@pytest.mark.slow
@pytest.mark.parametrize("who", ["known", "unknown", "disabled", "invited"])
async def test_every_refused_sign_in_says_the_same(control: Control, who: str) -> None:
    control.member("admin")
    email = "nobody@example.com" if who == "unknown" else control.member("viewer", email="ada@example.com").email
    if who == "disabled":
        members.disable(control.engine, "test", email, disabled=True)
    if who == "invited":
        email = "new@example.com"
        members.invite(control.engine, "test", email, Terms("new", "viewer"))
    refused = await try_in(await control.browser(), email, "a wrong password" if who == "known" else PASSWORD)
    assert refused.status == 401
    assert "E-mail and password do not go together" in refused.text
    assert email in refused.text  # what was typed is kept
    assert PASSWORD not in refused.text
    assert SESSION not in refused.headers.get("set-cookie", "")


@pytest.mark.slow
async def test_a_cookie_planted_before_sign_in_is_worth_nothing_afterwards(control: Control) -> None:
    """Session fixation."""
    attacker = await control.signed_in("viewer")
    planted = attacker.cookie(SESSION)
    victim = await control.browser()
    page = await victim.get("/sign-in")
    admin = control.member("admin")
    form = {"email": admin.email, "password": PASSWORD, "csrf": page.csrf}
    cookies = f"{SESSION}={planted}; {VISIT}={victim.cookie(VISIT)}"
    done = await victim.post("/sign-in", form, cookie=cookies)
    assert done.status == 303
    assert victim.cookie(SESSION) not in {"", planted}
    assert (await attacker.get("/patterns")).status == 303  # what was planted has ended
    assert (await victim.get("/patterns")).status == 200


async def test_another_page_cannot_sign_a_browser_in(control: Control) -> None:
    """Login CSRF: neither without the token, nor with one of another visit, nor from another origin."""
    member = control.member("viewer")
    browser, other = await control.browser(), await control.browser()
    own, foreign = (await browser.get("/sign-in")).csrf, (await other.get("/sign-in")).csrf
    form = {"email": member.email, "password": PASSWORD}
    for forged in ({"csrf": ""}, {"csrf": foreign}, {"csrf": own[:-1]}):
        answer = await browser.post("/sign-in", {**form, **forged})
        assert (answer.status, browser.cookie(SESSION)) == (403, "")
    for headers in ({"origin": "https://evil.example"}, {"origin": "null"}, {"sec_fetch_site": "cross-site"},
                    {"sec_fetch_site": "same-site"}):  # fmt: skip
        answer = await browser.post("/sign-in", {**form, "csrf": own}, **headers)
        assert (answer.status, browser.cookie(SESSION)) == (403, "")
    assert (await browser.post("/sign-in", {**form, "csrf": own}, origin=control.url)).status == 303


@pytest.mark.parametrize(
    "to",
    [
        "https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)",
        "/%0d%0aset-cookie:x=y\r\nx: y", "/\t/evil.example", "http:evil", "evil", "", "/sign-out", "//[::1",
        "/" + "a" * 3000,
    ],
)  # fmt: skip
def test_nobody_is_led_to_another_origin(to: str) -> None:
    assert local(to) == "/"


@pytest.mark.slow
async def test_nobody_is_led_to_another_origin_after_signing_in(control: Control) -> None:
    """Open redirect."""
    member = control.member("viewer")
    assert (await try_in(await control.browser(), member.email, to="//evil.example/")).location == "/"
    inside = await control.signed_in(member)
    assert (await inside.get("/sign-in?to=https://evil.example/")).location == "/"


async def test_a_second_cookie_of_the_name_signs_nobody_in(control: Control) -> None:
    """Cookie tossing: a neighbour can add a cookie of this name, but not choose which one counts."""
    victim, attacker = await control.signed_in("admin"), await control.signed_in("viewer")
    mine, tossed = victim.cookie(SESSION), attacker.cookie(SESSION)
    nobody = await control.browser()
    for cookies in (f"{SESSION}={tossed}; {SESSION}={mine}", f"{SESSION}={mine}; {SESSION}={tossed}"):
        assert (await nobody.get("/patterns", cookie=cookies)).status == 303
    assert (await nobody.get("/patterns", cookie=f"{SESSION}={mine}; other=1")).status == 200


@pytest.mark.slow
async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(control: Control) -> None:
    member = control.member("viewer")
    done = await try_in(await control.browser(), member.email)
    assert "HttpOnly" in done.headers["set-cookie"]
    assert "SameSite=lax" in done.headers["set-cookie"]


@pytest.mark.slow
async def test_guessing_is_held_up_and_whoever_is_signed_in_stays_so(control: Control) -> None:
    member = control.member("viewer")
    inside, guesser = await control.signed_in(member), await control.browser()
    answers = [await try_in(guesser, member.email, "a guess of 12") for _ in range(11)]
    assert [answer.status for answer in answers] == [401] * 10 + [429]
    assert int(answers[-1].headers["retry-after"]) > 0
    right = await try_in(guesser, member.email)
    assert right.status == 429  # not even the right one tells more
    assert (await inside.get("/patterns")).status == 200


@pytest.mark.slow
async def test_a_browser_that_signed_in_before_is_not_held_up_by_strangers(control: Control) -> None:
    member = control.member("viewer")
    known, guesser = await control.browser(), await control.browser()
    signed_in = await try_in(known, member.email)
    assert signed_in.status == 303
    known.http.cookie_jar.clear(lambda cookie: cookie.key != KNOWN)
    for _ in range(11):
        refused = await try_in(guesser, member.email, "a guess of 12")
    assert refused.status == 429
    assert (await try_in(known, member.email)).status == 303
    stolen = await control.browser()
    other = control.member("viewer")
    page = await stolen.get("/sign-in")
    cookies = f"{KNOWN}={known.cookie(KNOWN)}; {VISIT}={stolen.cookie(VISIT)}"
    for _ in range(11):
        form = {"email": other.email, "password": "a guess of 12", "csrf": page.csrf}
        refused = await stolen.post("/sign-in", form, cookie=cookies)
    assert refused.status == 429  # it is good for its own member alone


@pytest.mark.slow
async def test_refused_sign_ins_are_admin_events_in_sum(control: Control) -> None:
    member, browser = control.member("viewer"), await control.browser()
    for email in [member.email] * 3 + ["nobody@example.com", "no-one@example.com"]:
        await try_in(browser, email, "a wrong password")
    await control.application.state.entry.sum_up()
    noted = events.newest(control.engine, EventFilter(action="sign_in.refused"))
    assert [(event.kind, event.after) for event in noted] == [
        ("organisation", {"number": 2}),
        ("member", {"email": member.email, "number": 3}),
    ]


@pytest.mark.slow
async def test_over_https_the_cookie_is_one_that_no_neighbour_can_set(tmp_path: Path) -> None:
    async with Control.running(tmp_path / "data", url="https://gate.example") as control:
        member = control.member("viewer")
        browser = await control.browser()
        page = await browser.get("/sign-in")
        assert "__Host-toolgate_visit=" in page.headers["set-cookie"]
        assert "max-age" in page.headers["strict-transport-security"]
        visit = page.headers["set-cookie"].partition("=")[2].partition(";")[0]
        form = {"email": member.email, "password": PASSWORD, "csrf": page.csrf}
        plain = await browser.post("/sign-in", form, cookie=f"{VISIT}={visit}")
        assert plain.status == 403  # a cookie without the prefix is none of ours
        done = await browser.post("/sign-in", form, cookie=f"__Host-{VISIT}={visit}", origin="https://gate.example")
        assert done.status == 303
        [session] = [one for one in done.cookies if one.startswith("__Host-toolgate_session=")]
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=lax"} <= set(session.split("; "))
        assert "Domain" not in session
        value = session.partition("=")[2].partition(";")[0]
        assert (await browser.get("/account", cookie=f"__Host-{SESSION}={value}")).status == 200
        assert (await browser.get("/account", cookie=f"{SESSION}={value}")).status == 303


@pytest.mark.slow
async def test_an_outdated_hash_is_renewed_at_sign_in(control: Control) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    with writing(control.engine, "test") as change:
        members.insert(change, "ada@example.com", Terms("Ada", "viewer"), {"password": weak})
    assert (await try_in(await control.browser(), "ada@example.com")).status == 303
    found = entering.password_of(control.engine, "ada@example.com")
    assert found is not None
    assert not passwords.outdated(found[1])
    assert (await try_in(await control.browser(), "ada@example.com")).status == 303


@pytest.mark.slow
async def test_what_was_verified_before_a_change_lets_nobody_in_after_it(control: Control) -> None:
    """Between the hash and the session the member may be disabled, or get another password."""
    control.member("admin")
    member, browser = control.member("viewer"), Browsing("127.0.0.1", "test")
    found = entering.password_of(control.engine, member.email)
    assert found is not None
    with pytest.raises(NoEntry):
        entering.by_password(control.engine, member.id, "another hash", browser)
    members.disable(control.engine, "test", member.id, disabled=True)
    with pytest.raises(NoEntry):
        entering.by_password(control.engine, *found, browser)
    with pytest.raises(NoEntry):
        entering.change_password(control.engine, *found, "a new hash", browser)
    assert sessions.of_member(control.engine, member.id, time.time()) == []


@pytest.mark.slow
async def test_a_member_has_a_bounded_number_of_sessions(control: Control) -> None:
    member = control.member("viewer")
    first = await control.signed_in(member)
    with writing(control.engine, "test") as change:
        for number in range(60):
            sessions.begin(change, member.id, "127.0.0.1", f"browser {number}" * 100)
    living = sessions.of_member(control.engine, member.id, time.time())
    assert len(living) == 50
    assert all(len(session.agent) <= 200 for session in living)
    assert (await first.get("/account")).status == 303


async def test_without_an_identity_provider_there_is_no_way_to_one(control: Control) -> None:
    browser = await control.browser()
    assert "/sign-in/oidc" not in (await browser.get("/sign-in")).text
    assert (await browser.get("/sign-in/oidc")).status == 404
    assert (await browser.get("/sign-in/oidc/callback?code=c&state=s")).status == 404


@pytest.mark.slow
async def test_rubbish_in_the_form_is_refused_and_not_remembered(control: Control) -> None:
    browser = await control.browser()
    token = (await browser.get("/sign-in")).csrf
    kind = "application/x-www-form-urlencoded"
    bodies = {
        f"csrf={token}&email=%ED%A0%80&password=%FF%FE": {401},
        f"csrf={token}&email=a%00b@example.com&password=%00": {401},
        f"csrf={token}&email={'a' * 8000}&password={'b' * 8000}": {401},
        f"csrf={token}&email={'a' * 9000}&password=b": {400},
        f"csrf={token}" + "&x=1" * 40: {400},
        f"csrf={token}": {401},
        "": {403},
        "%": {403},
    }
    for body, statuses in bodies.items():
        answer = await browser.ask("POST", "/sign-in", data=body.encode(), content_type=kind)
        assert answer.status in statuses, (body[:80], answer.status)
    for kind in ("application/json", "text/plain", "multipart/form-data", "multipart/form-data; boundary=x", ""):
        answer = await browser.ask("POST", "/sign-in", data=f"csrf={token}&email=a".encode(), content_type=kind)
        assert answer.status in {400, 403}, kind
    assert all(len(email) < 300 for email in control.application.state.entry._refused)
