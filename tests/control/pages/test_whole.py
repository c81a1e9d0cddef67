"""From an empty installation to the first denied call and back, over real processes: the pages move a real gateway."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from tests.control.running import Answer, Browser
from tests.gateway.running import Gateway, Grant, Recorder, plain
from yarl import URL

from toolgate.control.identity.cookies import SESSION
from toolgate.store import grants, members, policies, servers, sessions
from toolgate.store.database import writing

POLICY = '{"version": "1", "default": "deny", "tools": {"run": {}}}'
CLOSED = '{"version": "1", "default": "deny", "tools": {"run": {"action": "deny", "reason": "Not now."}}}'


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    running = Gateway(tmp_path / "data").start()
    yield running
    running.close()


@pytest.fixture
async def browser(gateway: Gateway) -> AsyncIterator[Browser]:
    with writing(gateway.engine, "test") as change:
        member = members.insert(change, "ada@example.com", members.Terms("Ada", "admin"))
        secret = sessions.begin(change, member.id, "127.0.0.1", "test")
    url = f"http://127.0.0.1:{gateway.control_port}"
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        http.cookie_jar.update_cookies({SESSION: secret}, URL(url))
        signed_in = Browser(http, url)
        signed_in.csrf = (await signed_in.get("/servers")).csrf
        yield signed_in


def hidden(page: Answer, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]+)"', page.text)
    assert found is not None
    return found[1]


def token_in(page: Answer) -> str:
    found = re.search(r"tg_[A-Za-z0-9]+", page.text)
    assert found is not None
    return found[0]


@pytest.mark.slow
async def test_a_grant_made_in_the_browser_holds_until_it_is_revoked_there(gateway: Gateway, browser: Browser) -> None:
    upstream = await Recorder(plain).start()
    try:
        added = await browser.post("/servers/new", {"name": "cargo", "url": upstream.url})
        assert added.status == 303
        server = servers.get(gateway.engine, "cargo")
        assert server.tools == 1
        for name, text in (("open", POLICY), ("closed", CLOSED)):
            policies.put(gateway.engine, "test", name, text)
        form = {"server": server.id, "policy": "open", "label": "ci", "expires": "1d"}
        made = await browser.post("/grants/new", {**form, "once": hidden(await browser.get("/grants/new"), "once")})
        assert f"http://127.0.0.1:{gateway.port}/mcp/{server.id}/" in made.text
        grant = grants.get(gateway.engine, "ci", time.time())
        holder = Grant(gateway, grant.id, token_in(made), server.id, "open")
        assert not (await holder.call("run")).denied

        await browser.post(f"/grants/{grant.id}/attach", {"policy": "closed"})
        assert (await holder.call("run")).denied

        path = f"/grants/{grant.id}/rotate"
        renewed = token_in(await browser.post(path, {"once": hidden(await browser.get(path), "once")}))
        assert (await holder.call("run")).status == 401
        again = Grant(gateway, grant.id, renewed, server.id, "closed")
        assert (await again.call("run")).denied

        revoked = await browser.post(f"/grants/{grant.id}/revoke")
        assert revoked.location == f"/grants/{grant.id}?done=revoked"
        assert (await again.call("run")).status == 401
        assert "every running gateway has confirmed" in (await browser.get(revoked.location)).text
    finally:
        await upstream.stop()


@pytest.mark.slow
async def test_a_removed_server_is_gone_for_agents_at_once(gateway: Gateway, browser: Browser) -> None:
    upstream = await Recorder(plain).start()
    try:
        await browser.post("/servers/new", {"name": "cargo", "url": upstream.url})
        server = servers.get(gateway.engine, "cargo")
        holder = gateway.grant(server.id, {"version": "1", "default": "allow"})
        assert not (await holder.call("run")).denied
        assert (await browser.post(f"/servers/{server.id}/remove")).status == 303
        assert (await holder.call("run")).status == 401
    finally:
        await upstream.stop()
