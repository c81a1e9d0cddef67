"""A server that wants OAuth is connected in the browser, at a real authorization server, and then called."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, expect
from tests.control.oidc.guarded import READ, WRITE, Guarded
from tests.control.oidc.running import Provider

from toolgate.store import oauth, servers

from .office import EMAIL, Office, until
from .visitor import Visitor

pytestmark = pytest.mark.slow

ALL = {"version": "1", "default": "allow"}


@contextmanager
def guarded() -> Iterator[Guarded]:
    """An MCP server and its authorization server, on a loop of their own: the browser has this thread's."""
    ready: list[Guarded] = []
    up, down = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def live() -> None:
        try:
            async with (
                Provider.running(scopes=f"{READ} {WRITE}", tokenTtl=3600) as provider,
                Guarded.running(provider.issuer) as server,
            ):
                ready.append(server)
                up.set()
                await down.wait()
        finally:
            up.set()

    thread = threading.Thread(target=lambda: loop.run_until_complete(live()))
    thread.start()
    try:
        up.wait()
        yield ready[0]
    finally:
        loop.call_soon_threadsafe(down.set)
        thread.join()
        loop.close()


def consent(page: Page) -> None:
    """What a person does at the authorization server."""
    page.get_by_placeholder("Enter any login").fill("ada")
    page.get_by_placeholder("and password").fill("any")
    page.get_by_role("button", name="Sign-in").click()
    page.get_by_role("button", name="Continue").click()


def test_a_server_is_connected_and_stepped_up_in_the_browser(furnished: Office, visitor: Visitor) -> None:
    page = visitor.page
    with guarded() as upstream:
        made = servers.add(furnished.gateway.engine, "test", "files", upstream.url)
        furnished.policy("everything", ALL)
        token = furnished.grant("files", "everything", "clerk")
        visitor.sign_in(furnished.url, EMAIL)
        page.goto(f"{furnished.url}/servers/{made.id}")
        page.get_by_role("link", name="Connect with OAuth").first.click()
        page.get_by_role("button", name="Connect", exact=True).click()
        expect(page.get_by_role("main")).to_contain_text(upstream.issuer)
        expect(page.get_by_role("main")).to_contain_text("tools:read")
        page.get_by_role("link", name="Continue at").click()
        consent(page)
        expect(page.get_by_text("Connected. The gateway uses the access token")).to_be_visible()
        assert "code=" not in page.url
        assert furnished.call("files", token, ("read", {})) == (False, "what there is")

        assert furnished.call("files", token, ("write", {}))[0]
        until(lambda: oauth.connections(furnished.gateway.engine, made.id)[0].wanted_scope)
        page.goto(f"{furnished.url}/servers/{made.id}")
        expect(page.get_by_text("The server asked for more than this connection may")).to_be_visible()
        page.get_by_role("link", name="Connect again with these scopes").click()
        page.get_by_role("button", name="Connect again").click()
        expect(page.get_by_role("main")).to_contain_text("tools:write")
        page.get_by_role("link", name="Continue at").click()
        page.get_by_role("button", name="Continue").click()
        expect(page.get_by_text("Connected. The gateway uses the access token")).to_be_visible()
        assert furnished.call("files", token, ("write", {})) == (False, "changed")

        page.get_by_role("link", name="Disconnect").click()
        page.get_by_role("button", name="Disconnect").click()
        expect(page.get_by_text("Disconnected")).to_be_visible()
        assert furnished.call("files", token, ("read", {}))[0]
        servers.remove(furnished.gateway.engine, "test", "files")
    assert not visitor.complaints
