"""Grants in the browser: made with a token that is shown once, found, moved, renewed, revoked."""

from __future__ import annotations

import re
import time
import uuid

import pytest
from tests.control.api.asking import other_organisation
from tests.control.running import Answer, Browser, Control

from toolgate.keys import token_digest
from toolgate.store import events, grants, policies, servers
from toolgate.store.database import writing

POLICY = '{"version": "1", "default": "deny"}'


@pytest.fixture
def server(control: Control) -> servers.Server:
    policies.put(control.engine, "test", "careful", POLICY)
    policies.put(control.engine, "test", "strict", POLICY)
    return servers.add(control.engine, "test", "cargo", "https://cargo.example/mcp")


def once(page: Answer) -> str:
    found = re.search(r'name="once" value="([^"]+)"', page.text)
    assert found is not None
    return found[1]


def token_in(page: Answer) -> str:
    found = re.search(r"tg_[A-Za-z0-9]+", page.text)
    assert found is not None
    return found[0]


async def form_of(browser: Browser, **fields: str) -> dict[str, str]:
    page = await browser.get("/grants/new")
    begun = {"server": "cargo", "policy": "careful", "label": "ci", "principal": "ada", "labels": "", "expires": "30d"}
    return {**begun, "once": once(page), **fields}


async def test_a_grant_is_made_and_its_token_shown_once(control: Control, server: servers.Server) -> None:
    browser = await control.signed_in("admin")
    form = await form_of(browser, labels="team=payments\nregion = eu")
    made = await browser.post("/grants/new", form)
    assert (made.status, made.headers["cache-control"]) == (200, "no-store")
    token = token_in(made)
    grant = grants.get(control.engine, "ci", time.time())
    assert (grant.server, grant.policy, grant.principal) == ("cargo", "careful", "ada")
    assert grant.labels == {"team": "payments", "region": "eu"}
    assert grant.expires is not None
    assert abs(grant.expires - time.time() - 30 * 86_400) < 60
    assert grant.created_by == browser.member.email
    for client in ("claude mcp add", "[mcp_servers.cargo]", "httpUrl", "mcp-remote", "curl -sS", "streamable_http"):
        assert client in made.text
    assert made.text.count(token) >= 8
    for path in (f"/grants/{grant.id}", f"/grants/{grant.id}.json", "/grants", "/grants.json", "/events.json"):
        assert token not in (await browser.get(path)).text


@pytest.mark.slow
async def test_a_form_that_comes_twice_makes_one_grant(control: Control, server: servers.Server) -> None:
    browser = await control.signed_in("admin")
    form = await form_of(browser)
    assert (await browser.post("/grants/new", form)).status == 200
    again = await browser.post("/grants/new", form)
    [grant] = grants.every(control.engine, time.time())
    assert again.status == 409
    assert f"/grants/{grant.id}" in again.text
    assert "tg_" not in again.text
    other = await browser.post("/grants/new", {**form, "label": "other", "once": ""})
    assert other.status == 422
    assert len(grants.every(control.engine, time.time())) == 1


WRONG = [
    ("server", "", "none is chosen"),
    ("server", "nowhere", "there is no server"),
    ("policy", "nothing", "there is no policy"),
    ("label", "", "is not a line of text"),
    ("label", "a\x07b", "is not a line of text"),
    ("principal", "x" * 201, "is not a line of text"),
    ("labels", "team", "has no <code>=</code>"),
    ("labels", "a=1\na=2", "is given twice"),
    ("labels", "a b=1", "is not a label key"),
    ("expires", "soon", "is not a moment to come"),
    ("expires", "2001-01-01", "lies in the past"),
]


async def test_what_is_wrong_stands_at_its_field_and_nothing_is_made(control: Control, server: servers.Server) -> None:
    browser = await control.signed_in("admin")
    for field, value, says in WRONG:
        answer = await browser.post("/grants/new", await form_of(browser, **{"label": "keep me", field: value}))
        assert answer.status == 422, field
        assert says in answer.text, field
        assert re.search(rf'name="{field}"[^>]*aria-invalid="true"', answer.text), field
        assert field == "label" or 'value="keep me"' in answer.text, field
    assert grants.every(control.engine, time.time()) == []


@pytest.mark.slow
async def test_a_new_token_ends_the_old_one_once(control: Control, server: servers.Server) -> None:
    browser = await control.signed_in("admin")
    minted = grants.add(control.engine, "test", server="cargo", policy="careful", label="ci")
    path = f"/grants/{minted.grant.id}/rotate"
    form = {"once": once(await browser.get(path))}
    token = token_in(await browser.post(path, form))
    assert token != minted.token
    with control.engine.connect() as connection:
        stored = connection.exec_driver_sql("SELECT digest FROM grants").scalar_one()
    assert stored == token_digest(token)
    again = await browser.post(path, form)
    assert (again.status, "tg_" in again.text) == (409, False)
    assert grants.get(control.engine, "ci", time.time()).rotated is not None


async def test_revoking_asks_first_and_says_who_confirmed(control: Control, server: servers.Server) -> None:
    browser = await control.signed_in("admin")
    grant = grants.add(control.engine, "test", server="cargo", policy="careful", label="ci").grant
    asked = await browser.get(f"/grants/{grant.id}/revoke")
    assert "cannot be taken back" in asked.text
    assert grants.get(control.engine, "ci", time.time()).state == "active"
    done = await browser.post(f"/grants/{grant.id}/revoke")
    assert done.location == f"/grants/{grant.id}?done=idle"
    page = await browser.get(done.location)
    assert "No gateway is running" in page.text
    assert "/rotate" not in page.text
    assert grants.get(control.engine, "ci", time.time()).state == "revoked"
    assert (await browser.get(f"/grants/{grant.id}/rotate")).status == 409
    newest = events.newest(control.engine)[0]
    assert (newest.action, newest.actor) == ("revoke", browser.member.email)


@pytest.mark.slow
async def test_a_policy_manager_moves_a_grant_but_makes_none(control: Control, server: servers.Server) -> None:
    browser = await control.signed_in("policy_manager")
    grant = grants.add(control.engine, "test", server="cargo", policy="careful", label="ci").grant
    strict = policies.get(control.engine, "strict").id
    assert (await browser.post(f"/grants/{grant.id}/attach", {"policy": strict})).status == 303
    assert grants.get(control.engine, "ci", time.time()).policy == "strict"
    assert (await browser.post(f"/grants/{grant.id}/attach", {"policy": ""})).status == 422
    for path in ("/grants/new", f"/grants/{grant.id}/rotate", f"/grants/{grant.id}/revoke"):
        assert (await browser.get(path)).status == 403
        assert (await browser.post(path, {"once": "x", "label": "y"})).status == 403
    assert grants.get(control.engine, "ci", time.time()).state == "active"


async def test_viewers_see_of_a_grant_what_they_may(control: Control, server: servers.Server) -> None:
    grant = grants.add(
        control.engine,
        "test",
        server="cargo",
        policy="careful",
        label="ci",
        principal="ada-the-holder",
        labels={"k": "vv"},
    ).grant
    browser = await control.signed_in("viewer")
    seen = {"id", "label", "server_id", "server", "policy_id", "policy", "state", "stopped"}
    [row] = (await browser.get("/grants.json")).json["grants"]
    assert row.keys() == seen
    assert (await browser.get(f"/grants/{grant.id}.json")).json["grant"].keys() == {*seen, "proxy_url"}
    for path in ("/grants", f"/grants/{grant.id}", "/grants?q=ada-the-holder"):
        page = await browser.get(path)
        assert page.status == 200
        assert "ada-the-holder" not in page.text.replace('value="ada-the-holder"', "")
        assert "/rotate" not in page.text
    assert (await browser.get("/grants.json?q=ada-the-holder")).json["matching"] == 0
    assert (await browser.post(f"/grants/{grant.id}/attach", {"policy": "strict"})).status == 403


@pytest.mark.slow
async def test_grants_are_found_by_words_server_policy_and_state(control: Control, server: servers.Server) -> None:
    servers.add(control.engine, "test", "other", "https://other.example/mcp")
    for number in range(3):
        grants.add(control.engine, "test", server="cargo", policy="careful", label=f"bot-{number}")
    grants.add(control.engine, "test", server="other", policy=None, label="deploy", labels={"team": "red"})
    grants.revoke(control.engine, "test", "bot-1")
    browser = await control.signed_in("admin")

    async def labels(query: str) -> list[str]:
        return [row["label"] for row in (await browser.get(f"/grants.json{query}")).json["grants"]]

    assert await labels("") == ["deploy", "bot-2", "bot-1", "bot-0"]
    assert await labels("?q=BOT&state=active") == ["bot-2", "bot-0"]
    assert await labels("?q=team%3Dred") == ["deploy"]
    assert await labels("?server=other") == ["deploy"]
    assert await labels("?policy=careful&state=revoked") == ["bot-1"]
    assert await labels("?server=no-such-server") == []
    assert await labels("?from=3") == ["bot-0"]
    assert "No grant fits" in (await browser.get("/grants?q=zzz")).text


@pytest.mark.slow
async def test_a_grant_of_another_organisation_is_not_there(control: Control, server: servers.Server) -> None:
    grant = grants.add(control.engine, "test", server="cargo", policy="careful", label="ci").grant
    browser = await control.signed_in("admin", organisation=other_organisation(control))
    unknown = await browser.get("/grants/00000000-0000-4000-8000-0000000000aa")
    found = await browser.get(f"/grants/{grant.id}")
    assert (found.status, unknown.status) == (404, 404)
    assert (await browser.post(f"/grants/{grant.id}/revoke")).status == 404
    assert (await browser.get("/grants.json")).json["grants"] == []
    assert grants.get(control.engine, "ci", time.time()).state == "active"


@pytest.mark.slow
async def test_the_first_grant_is_explained(control: Control) -> None:
    browser = await control.signed_in("admin")
    assert "toolgate grant add" in (await browser.get("/grants")).text
    assert "Add a server" in (await browser.get("/grants/new")).text


@pytest.mark.slow
async def test_agents_may_sign_in_by_the_claims_of_a_grant(control: Control, server: servers.Server) -> None:
    browser = await control.signed_in("admin")
    alone = await browser.post("/grants/new", await form_of(browser, claims="iss=https://login.example"))
    assert (alone.status, "everybody&#39;s who signs in" in alone.text) == (422, True)
    made = await browser.post("/grants/new", await form_of(browser, claims="iss=https://login.example\nsub=ada"))
    assert made.status == 200
    grant = grants.get(control.engine, "ci", time.time())
    assert grant.claims == {"iss": "https://login.example", "sub": "ada"}
    path = f"/grants/{grant.id}/claims"
    assert "iss=https://login.example\nsub=ada</textarea>" in (await browser.get(path)).text
    assert (await browser.post(path, {"claims": "sub=ada"})).status == 422
    assert (await browser.post(path, {"claims": "iss=https://login.example\nsub=eve"})).status == 303
    assert grants.get(control.engine, "ci", time.time()).claims["sub"] == "eve"
    grants.claim(control.engine, "test", "ci", {"iss": "https://login.example", "level": 5, "staff": True})
    assert (await browser.post(path, {"claims": "iss=https://login.example\nlevel=5\nstaff=no"})).status == 303
    assert grants.get(control.engine, "ci", time.time()).claims == {
        "iss": "https://login.example",
        "level": 5,
        "staff": "no",
    }
    assert (await browser.post(path, {"claims": ""})).location.endswith("?done=claimed")
    assert grants.get(control.engine, "ci", time.time()).claims == {}
    viewer = await control.signed_in("policy_manager")
    assert (await viewer.post(path, {"claims": ""})).status == 403


@pytest.mark.slow
async def test_grants_come_a_page_at_a_time_and_keep_their_filters(control: Control, server: servers.Server) -> None:
    with writing(control.engine, "test") as change:
        terms = grants.Terms(server.id, None, "ada", {"team": "eu"}, None)
        for number in range(130):
            grants.insert(change, str(uuid.uuid4()), f"agent-{number}", terms, f"token-{number}")
    browser = await control.signed_in("admin")
    first = (await browser.get("/grants.json?q=TEAM%3DEU")).json
    assert (first["matching"], first["start"], first["next"], len(first["grants"])) == (130, 0, 100, 100)
    second = (await browser.get("/grants.json?q=TEAM%3DEU&from=100")).json
    assert (second["previous"], second["next"], len(second["grants"])) == (0, None, 30)
    assert len({grant["label"] for page in (first, second) for grant in page["grants"]}) == 130
    text = (await browser.get("/grants?q=TEAM%3DEU&state=active")).text
    assert "1 to 100 of 130" in text
    assert "q=TEAM%3DEU&amp;server=&amp;policy=&amp;state=active&amp;from=100" in text
    assert (await browser.get("/grants.json?state=unheard-of")).json["matching"] == 0
    viewer = await control.signed_in("viewer")
    assert (await viewer.get("/grants.json?q=team%3Deu")).json["matching"] == 0


async def test_a_stopped_grant_says_who_stopped_it_and_why_and_goes_on_at_a_button(
    control: Control, server: servers.Server
) -> None:
    browser = await control.signed_in("admin")
    grant = grants.add(control.engine, "test", server="cargo", policy="careful", label="ci").grant
    path = f"/grants/{grant.id}"
    asked = await browser.get(f"{path}/stop")
    assert "calls that wait for a person are refused" in asked.text
    bad = await browser.post(f"{path}/stop", {"reason": "x" * 201})
    assert (bad.status, 'aria-invalid="true"' in bad.text) == (422, True)
    assert grants.get(control.engine, "ci", 0.0).stopped is None
    done = await browser.post(f"{path}/stop", {"reason": "It <b>mails</b> what it reads."})
    assert (done.status, done.headers["location"]) == (303, f"{path}?done=stopped-idle")
    for viewer in (browser, await control.signed_in("viewer")):
        page = await viewer.get(path)
        assert "This grant is stopped: every call is denied" in page.text
        assert "It &lt;b&gt;mails&lt;/b&gt; what it reads." in page.text
        assert browser.member.email in page.text
        assert (f'action="{path}/resume"' in page.text) == (viewer is browser)
        assert "stopped" in (await viewer.get("/grants?state=stopped")).text
        assert (await viewer.get("/grants.json?state=active")).json["grants"] == []
    resumed = await browser.post(f"{path}/resume", {})
    assert resumed.headers["location"] == f"{path}?done=resumed"
    assert grants.get(control.engine, "ci", 0.0).stopped is None
    assert "is stopped" not in (await browser.get(path)).text


async def test_a_grant_says_that_its_server_is_stopped(control: Control, server: servers.Server) -> None:
    browser = await control.signed_in("admin")
    grant = grants.add(control.engine, "test", server="cargo", policy="careful", label="ci").grant
    await browser.post(f"/servers/{server.id}/stop", {"reason": "Its tools changed."})
    assert "Its server is stopped: every call is denied" in (await browser.get(f"/grants/{grant.id}")).text
    for path in (f"/servers/{server.id}", "/servers"):
        assert "Its tools changed." in (await browser.get(path)).text, path
    assert (await browser.get(f"/grants/{grant.id}.json")).json["server_stopped"]["reason"] == "Its tools changed."
    await browser.post(f"/servers/{server.id}/resume", {})
    assert servers.get(control.engine, "cargo").stopped is None
    grants.revoke(control.engine, "test", grant.id)
    servers.remove(control.engine, "test", "cargo")
    assert (await browser.get(f"/grants/{grant.id}")).status == 200
    assert (await browser.get(f"/grants/{grant.id}/stop")).status == 409
