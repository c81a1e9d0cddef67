"""`toolgate serve`: connected in a browser, called by a client, renewed by itself while calls go on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.control.connecting.scene import continue_at, words
from tests.control.oidc.guarded import READ, WRITE, Guarded
from tests.control.oidc.running import Provider
from tests.control.running import Browser
from tests.gateway.running import ALLOW_ALL, Answer, Gateway, Grant, modern
from yarl import URL

from toolgate.control.identity.cookies import SESSION
from toolgate.store import members, oauth, sessions
from toolgate.store.database import writing
from toolgate.store.members import Terms

pytestmark = pytest.mark.slow


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not true():
            await asyncio.sleep(0.05)


async def called(grant: Grant, tool: str) -> Answer:
    message, headers = modern("tools/call", {"name": tool, "arguments": {}})
    return await grant.post(message, **headers)


def administrator(gateway: Gateway, http: aiohttp.ClientSession) -> Browser:
    url = f"http://127.0.0.1:{gateway.control_port}"
    with writing(gateway.engine, "test") as change:
        member = members.insert(change, "ada@example.com", Terms("ada@example.com", "admin", ()), {"password": "none"})
        secret = sessions.begin(change, member.id, "127.0.0.1", "test")
    http.cookie_jar.update_cookies({SESSION: secret}, URL(url))
    return Browser(http, url, member=member)


async def connect(browser: Browser, provider: Provider, server: str, login: str, **form: Any) -> None:
    path = f"/connect/{server}"
    browser.csrf = (await browser.get(path)).csrf
    link = continue_at(await browser.post(path, form))
    back = await provider.sign_in(link, login, stop_at=f"{browser.url}/oauth/callback")
    answer = await browser.get(back)
    assert answer.status == 303, words(answer)


async def test_from_the_button_to_calls_that_never_stop(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path / "data").start()
    try:
        async with (
            Provider.running(scopes=f"{READ} {WRITE}", tokenTtl=3600) as provider,
            Guarded.running(provider.issuer) as guarded,
            aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http,
        ):
            await _story(gateway, provider, guarded, administrator(gateway, http))
    finally:
        gateway.close()


async def _story(gateway: Gateway, provider: Provider, guarded: Guarded, browser: Browser) -> None:
    server = gateway.add_server(guarded.url)
    shared, own = gateway.grant(server, ALLOW_ALL), gateway.grant(server, ALLOW_ALL)

    # Nothing is connected: the client hears that in an error of its call, and starts no OAuth of its own.
    answer = await called(shared, "read")
    assert (answer.status, answer.json["error"]["data"]["status"]) == (200, 401)
    assert "an administrator" in answer.json["error"]["message"]

    # The server's own connection, and one grant's.
    await connect(browser, provider, server, "ada")
    assert (await called(shared, "read")).text == "what there is"
    await connect(browser, provider, server, "grace", grant=own.id)
    assert {claims["sub"] for claims in guarded.tokens} == {"ada"}
    await called(own, "read")
    assert guarded.last("grace")["aud"] == guarded.url
    assert not any(grant.token in str(headers) for grant in (shared, own) for headers in guarded.headers)

    # Its tools are asked for with its token.
    await until(lambda: gateway_tools(gateway, server) == {"read", "write"})

    # The server takes the token no more: the call fails, the token is renewed, the next call is good.
    with writing(gateway.engine, "test") as change:
        change.connection.exec_driver_sql("UPDATE oauth_tokens SET refreshed = refreshed - 100 WHERE grant_id = ''")
    first = guarded.last("ada")["jti"]
    guarded.refused.add(first)
    answer = await called(shared, "read")
    assert answer.json["error"]["data"]["status"] == 401
    await until(lambda: oauth.connections(gateway.engine, server)[0].generation == 2)
    gateway.settle()
    assert (await called(shared, "read")).text == "what there is"
    assert guarded.last("ada")["jti"] != first

    # Its time has come: renewed without anybody's call.
    with writing(gateway.engine, "test") as change:
        change.connection.exec_driver_sql("UPDATE oauth_tokens SET refresh_at = ? WHERE grant_id = ''", (time.time(),))
    await until(lambda: oauth.connections(gateway.engine, server)[0].generation == 3)

    gateway.settle()  # what is refused to an older token says nothing of this one

    # A tool wants more than was consented to: shown to the administrator, who connects again.
    answer = await called(shared, "write")
    assert "`tools:write`" in answer.json["error"]["message"]
    await until(lambda: bool(oauth.connections(gateway.engine, server)[0].wanted_scope))
    assert "asked for more" in words(await browser.get(f"/connect/{server}"))
    await connect(browser, provider, server, "ada")
    assert (await called(shared, "write")).text == "changed"
    assert {claims["sub"] for claims in guarded.tokens} == {"ada", "grace"}

    # Ended: the next call goes out without a token, the grant's own connection is left.
    await browser.post(f"/connect/{server}/disconnect", {})
    assert (await called(shared, "read")).json["error"]["data"]["status"] == 401
    assert (await called(own, "read")).text == "what there is"
    _nothing_leaked(gateway, guarded)


def gateway_tools(gateway: Gateway, server: str) -> set[str]:
    with gateway.engine.connect() as connection:
        query = "SELECT name FROM definitions WHERE server_id = ?"
        return {row[0] for row in connection.exec_driver_sql(query, (server,))}


def _nothing_leaked(gateway: Gateway, guarded: Guarded) -> None:
    """No token stands in the log, the journal, or any other file."""
    files = [path for path in gateway.data.rglob("*") if path.is_file()]
    assert gateway.log in files
    written = b"".join(path.read_bytes() for path in files)
    for token in {claims["token"] for claims in guarded.tokens}:
        assert token.encode() not in written
        assert token.split(".")[2].encode() not in written
