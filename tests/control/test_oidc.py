"""Signing in at a real OpenID provider."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.control.oidc.running import Provider
from tests.control.running import PASSWORD, Answer, Browser, Control
from tests.gateway.running import free_port

from toolgate.control.identity.cookies import SESSION
from toolgate.control.identity.provider import SECRET_VARIABLE
from toolgate.store import events, members
from toolgate.store.events import EventFilter
from toolgate.store.members import Terms

pytestmark = pytest.mark.slow

SECRET = "a secret of the client"
ACCOUNTS = {
    "ada": {"email": "ada@example.com", "email_verified": True, "name": "Ada Lovelace", "groups": ["ops", "staff"]},
    "bob": {"email": "bob@example.com", "email_verified": True, "groups": ["staff"]},
    "eve": {"email": "ada@example.com", "email_verified": False, "groups": []},
}


@asynccontextmanager
async def started(tmp_path: Path, **settings: Any) -> AsyncIterator[tuple[Control, Provider]]:
    """A control plane and the provider that it knows; both on loopback."""
    port = free_port()
    issuer = f"http://127.0.0.1:{port}"
    async with Control.running(tmp_path / "data", oidc_issuer=issuer, oidc_client_id="toolgate", **settings) as control:
        client = {
            "client_id": "toolgate",
            "client_secret": SECRET,
            "redirect_uris": [f"{control.url}/sign-in/oidc/callback"],
        }
        overrides = {"claims": {"openid": ["sub", "groups"], "email": ["email", "email_verified"], "profile": ["name"]}}
        async with Provider.running(clients=[client], accounts=ACCOUNTS, port=port, overrides=overrides) as provider:
            assert provider.issuer == issuer
            yield control, provider


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SECRET_VARIABLE, SECRET)


async def walk(control: Control, provider: Provider, browser: Browser, login: str, to: str = "/patterns") -> Answer:
    """From the link on the sign-in page to the provider, and back with its answer."""
    begun = await browser.get(f"/sign-in/oidc?to={to}")
    assert begun.status == 303, begun.text
    return await browser.get(await provider.sign_in(begun.location, login, stop_at=control.url))


async def test_only_invited_people_enter_and_are_bound_to_their_identity(tmp_path: Path) -> None:
    async with started(tmp_path) as (control, provider):
        control.member("admin")
        invited = members.invite(control.engine, "test", "ada@example.com", Terms("Ada", "viewer", ["*"])).member
        browser = await control.browser()
        assert "Sign in with 127.0.0.1" in (await browser.get("/sign-in")).text
        done = await walk(control, provider, browser, "ada")
        assert (done.status, done.location) == (303, "/patterns"), done.text
        assert "ada@example.com" in (await browser.get("/patterns")).text
        after = members.get(control.engine, invited.id)
        assert (after.enters, after.role) == ("provider", "viewer")
        noted = [event.action for event in events.newest(control.engine, EventFilter(target=invited.id))]
        assert noted[:2] == ["sign_in", "bind"]

        uninvited = await walk(control, provider, await control.browser(), "bob")
        assert uninvited.status == 403
        assert "`bob@example.com` was not invited" in uninvited.text

        unverified = await walk(control, provider, await control.browser(), "eve")
        assert unverified.status == 403
        assert "is not confirmed by the identity provider" in unverified.text
        assert provider.count("grant", type="authorization_code") == 3


async def test_an_unverified_email_takes_over_no_invitation_and_a_verified_one_no_account(tmp_path: Path) -> None:
    """Account takeover."""
    async with started(tmp_path) as (control, provider):
        members.invite(control.engine, "test", "ada@example.com", Terms("Ada", "admin"))
        control.member("admin", email="bob@example.com")
        eve = await control.browser()
        assert (await walk(control, provider, eve, "eve")).status == 403
        assert members.get(control.engine, "ada@example.com").enters == "invited"
        assert (await walk(control, provider, await control.browser(), "bob")).status == 403
        assert members.get(control.engine, "bob@example.com").enters == "password"
        assert eve.cookie(SESSION) == ""


async def test_an_answer_is_good_once_and_in_the_browser_that_asked(tmp_path: Path) -> None:
    """Replay, login CSRF, and a code of one's own account planted on somebody else."""
    async with started(tmp_path) as (control, provider):
        members.invite(control.engine, "test", "ada@example.com", Terms("Ada", "viewer"))
        browser, victim = await control.browser(), await control.browser()
        begun = await browser.get("/sign-in/oidc")
        callback = await provider.sign_in(begun.location, "ada", stop_at=control.url)
        for stranger in (await control.browser(), victim):
            planted = await stranger.get(callback)
            assert (planted.status, stranger.cookie(SESSION)) == (400, "")
            assert "was not begun in this browser" in planted.text
            await victim.get("/sign-in/oidc")  # even with an attempt of its own under way
        cookie = browser.cookie("toolgate_oidc")
        assert (await browser.get(callback)).status == 303
        replay = await (await control.browser()).get(callback, cookie=f"toolgate_oidc={cookie}")
        assert replay.status == 400
        assert "was answered before" in replay.text


async def test_an_answer_that_was_changed_signs_nobody_in(tmp_path: Path) -> None:
    """Mix-up of issuers, a code that the provider did not give, parameters given twice, an error."""
    async with started(tmp_path) as (control, provider):
        members.invite(control.engine, "test", "ada@example.com", Terms("Ada", "viewer"))
        changes: dict[str, Callable[[str], str]] = {
            "another identity provider": lambda url: url.replace("iss=http%3A%2F%2F127", "iss=http%3A%2F%2Fevil"),
            "refused the code": lambda url: url.replace("code=", "code=x"),
            "was not begun in this browser": lambda url: url + "&state=x",
            "holds no code": lambda url: url.replace("code=", "coda="),
            "`access_denied`": lambda url: url.replace("code=", "error=access_denied&coda="),
        }
        for said, change in changes.items():
            browser = await control.browser()
            begun = await browser.get("/sign-in/oidc")
            callback = await provider.sign_in(begun.location, "ada", stop_at=control.url)
            answer = await browser.get(change(callback))
            assert (answer.status, browser.cookie(SESSION)) == (400, ""), said
            assert said in answer.text


async def test_the_operators_mapping_says_who_enters_as_what(tmp_path: Path) -> None:
    async with started(tmp_path, oidc_roles=("groups=staff:viewer", "groups=ops:admin")) as (control, provider):
        control.member("admin")
        ada, bob = await control.browser(), await control.browser()
        assert (await walk(control, provider, ada, "ada")).status == 303
        assert (await walk(control, provider, bob, "bob")).status == 303
        made = {member.email: (member.role, member.enters) for member in members.every(control.engine)}
        assert made["ada@example.com"] == ("admin", "provider")
        assert made["bob@example.com"] == ("viewer", "provider")
        assert members.get(control.engine, "ada@example.com").name == "Ada Lovelace"
        outside = await walk(control, provider, await control.browser(), "eve")
        assert outside.status == 403
        assert "has no role here" in outside.text

        members.amend(control.engine, "test", "bob@example.com", Terms("Bob", "policy_manager"))
        assert (await walk(control, provider, await control.browser(), "bob")).status == 303
        assert members.get(control.engine, "bob@example.com").role == "viewer"  # the provider's word, each time
        members.disable(control.engine, "test", "bob@example.com", disabled=True)
        assert (await walk(control, provider, await control.browser(), "bob")).status == 403


async def test_a_provider_that_does_not_answer_is_named(tmp_path: Path) -> None:
    issuer = f"http://127.0.0.1:{free_port()}"
    async with Control.running(tmp_path / "data", oidc_issuer=issuer, oidc_client_id="toolgate") as control:
        answer = await (await control.browser()).get("/sign-in/oidc")
        assert answer.status == 502
        assert "http://127.0.0.1" in answer.text


async def test_a_member_with_a_password_binds_an_identity_and_nobody_elses(tmp_path: Path) -> None:
    async with started(tmp_path) as (control, provider):
        member, other = control.member("admin", email="first@example.com"), await control.signed_in("viewer")
        browser = await control.signed_in(member)
        wrong = await browser.post("/account/provider", {"proof": "not my password"})
        assert wrong.status == 422
        assert "is not the present one" in wrong.text

        async def callback(login: str) -> str:
            page = await browser.post("/account/provider", {"proof": PASSWORD})
            found = re.search(r'href="([^"]+/auth[^"]+)"', page.text)
            assert found is not None, page.text
            return await provider.sign_in(html.unescape(found[1]), login, stop_at=control.url)

        planted = await callback("ada")
        cookie = f"toolgate_oidc={browser.cookie('toolgate_oidc')}"
        # Whoever is signed in as another member gets nothing by it, nor does somebody who is not signed in.
        stranger = await other.get(planted, cookie=f"{cookie}; {SESSION}={other.cookie(SESSION)}")
        assert stranger.status == 403
        outside = await (await control.browser()).get(await callback("ada"), cookie=cookie)
        assert outside.status == 400
        assert not members.get(control.engine, member.id).bound

        done = await browser.get(await callback("ada"))
        assert (done.status, done.location) == (303, "/account?done=bound")
        entered = await control.browser()
        assert (await walk(control, provider, entered, "ada")).status == 303
        assert "first@example.com" in (await entered.get("/account")).text
        second = await control.signed_in("viewer")
        browser = second
        taken = await second.get(await callback("ada"))
        assert taken.status == 403
        assert "is that of another member" in taken.text
