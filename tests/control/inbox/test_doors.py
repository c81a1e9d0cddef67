"""A real client waits at a real gateway while a person decides through each of the doors of the control plane."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from tests.approvals.desk import asked, of
from tests.control.running import PASSWORD, password_hash
from tests.gateway.running import Gateway, Grant, Json

from toolgate.keys import MasterKey
from toolgate.store import members, policies, tokens, webhooks
from toolgate.store.database import writing
from toolgate.store.members import Terms

from .desk import Receiver

SERVER = Path(__file__).parents[2] / "clients" / "reference_server.py"
POLICY: Json = {"version": "1", "default": "allow", "tools": {"count": {"action": "require_approval"}}}
EMAIL = "grace@example.com"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    process = subprocess.Popen([sys.executable, str(SERVER), "--http"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout as said:
        yield said.readline().split()[-1]
    process.terminate()
    process.wait(20)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    running = Gateway(tmp_path_factory.mktemp("doors"), "--approval-wait", "60").start()
    with writing(running.engine, "test") as change:
        members.insert(change, EMAIL, Terms(EMAIL, "policy_manager", ("*",)), {"password": password_hash()})
    yield running
    running.close()


@asynccontextmanager
async def connected(grant: Grant) -> AsyncIterator[Client]:
    """A client of the official SDK."""
    headers = {"Authorization": f"Bearer {grant.token}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60) as http,
        Client(streamable_http_client(grant.url, http_client=http), mode="legacy", cache=None) as client,
    ):
        await client.list_tools()  # a definition that becomes known between two calls would make them differ
        yield client


class Waiter:
    """A client whose call waits, and what it is told meanwhile."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.told: list[str] = []
        self.call: asyncio.Task[Any] = asyncio.create_task(
            client.call_tool("count", {"to": 2}, progress_callback=self._notice)
        )

    async def _notice(self, progress: float, total: float | None, message: str | None) -> None:
        self.told.append(message or "")

    async def heard(self) -> str:
        """The first notice of its progress."""
        async with asyncio.timeout(20):
            while not self.told:
                await asyncio.sleep(0.01)
        return self.told[0]


@asynccontextmanager
async def waiting(gateway: Gateway, server: str) -> AsyncIterator[tuple[Grant, Waiter]]:
    grant = gateway.grant(gateway.add_server(server), POLICY)
    async with connected(grant) as client:
        yield grant, Waiter(client)


class Person:
    """Somebody with a browser at the control plane of the gateway."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http = http
        self._url = url

    @classmethod
    @asynccontextmanager
    async def at(cls, gateway: Gateway, *, sign_in: bool = True) -> AsyncIterator[Person]:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
            person = cls(http, f"http://127.0.0.1:{gateway.control_port}")
            if sign_in:
                await person.press("/sign-in", "/sign-in", email=EMAIL, password=PASSWORD)
            yield person

    async def page(self, path: str) -> str:
        async with self._http.get(path if path.startswith("http") else self._url + path) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.text()

    async def press(self, path: str, to: str, **form: str) -> str:
        """Open a page, send one of its forms, and follow where it leads."""
        found = re.search(r'name="csrf" value="([^"]+)"', await self.page(path))
        assert found is not None
        url = to if to.startswith("http") else self._url + to
        async with self._http.post(url, data={"csrf": found[1], **form}) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.text()


async def test_a_press_in_the_inbox_lets_the_waiting_client_go_on(gateway: Gateway, server: str) -> None:
    async with waiting(gateway, server) as (grant, waiter), Person.at(gateway) as person:
        approval = await asked(grant)
        assert approval.id in await waiter.heard()
        assert approval.id in await person.page("/approvals")
        page = await person.press(f"/approvals/{approval.id}", f"/approvals/{approval.id}/approve")
        result = await waiter.call
    assert "Approved: the waiting call goes on" in page
    assert (result.is_error, "counted to 2" in str(result.content)) == (False, True)
    (decided,) = of(grant)
    assert (decided.state, decided.decided_by) == ("used", EMAIL)
    released = [one for one in grant.decisions() if (one.outcome, one.tool) == ("allow", "count")]
    assert released[-1].decided_by == EMAIL


async def test_a_refusal_in_the_inbox_reaches_the_client_with_its_reason(gateway: Gateway, server: str) -> None:
    async with waiting(gateway, server) as (grant, waiter), Person.at(gateway) as person:
        approval = await asked(grant)
        path = f"/approvals/{approval.id}"
        await person.press(path, f"{path}/deny", reason="not on a Friday")
        result = await waiter.call
    assert result.is_error
    assert "not on a Friday" in str(result.content)
    assert EMAIL not in str(result.content)


async def test_approving_with_a_rule_lets_the_client_go_on_and_the_next_call_asks_nobody(
    gateway: Gateway, server: str
) -> None:
    async with waiting(gateway, server) as (grant, waiter), Person.at(gateway) as person:
        approval = await asked(grant)
        path = f"/approvals/{approval.id}/rule"
        assert "`to` up to 2" in await person.page(path)
        await person.press(path, path, ease="upto:to", revision="1")
        assert (await waiter.call).is_error is False
        again = await waiter.client.call_tool("count", {"to": 1})
    assert policies.get(gateway.engine, grant.policy).revision == 2
    assert "counted to 1" in str(again.content)
    assert [one.state for one in of(grant)] == ["used"]


async def test_a_program_with_a_token_lets_the_waiting_client_go_on(gateway: Gateway, server: str) -> None:
    secret = tokens.add(gateway.engine, "test", gateway.name("token"), "viewer", approver=["*"]).secret
    headers = {"authorization": f"Bearer {secret}"}
    async with waiting(gateway, server) as (grant, waiter), aiohttp.ClientSession(headers=headers) as http:
        approval = await asked(grant)
        url = f"http://127.0.0.1:{gateway.control_port}/api/v1/approvals/{approval.id}"
        async with http.get(url) as shown:
            assert shown.status == 200
        async with http.post(f"{url}/approve", json={"reason": "ticket 812"}) as answer:
            assert answer.status == 200, await answer.text()
        result = await waiter.call
    assert result.is_error is False
    assert of(grant)[0].decision_reason == "ticket 812"


async def test_the_link_of_a_webhook_lets_the_waiting_client_go_on(gateway: Gateway, server: str) -> None:
    sealer = MasterKey.load(gateway.data).sealer(webhooks.PURPOSE)
    async with Receiver.running() as receiver, Person.at(gateway, sign_in=False) as person:
        options = webhooks.Options(allow_private=True)
        hook = webhooks.add(gateway.engine, "test", sealer, name="chat", url=receiver.url, options=options).webhook
        async with waiting(gateway, server) as (grant, waiter):
            (told,) = await receiver.got(1)
            link = told.json["data"]["decide_url"]
            for _ in range(3):
                assert "Approve once" in await person.page(link)
            assert of(grant)[0].state == "pending"
            page = await person.press(link, f"{link}/approve")
            result = await waiter.call
        ended = (await receiver.got(2))[1]
        webhooks.remove(gateway.engine, "test", hook.id)
    assert result.is_error is False
    assert "Approved" in page
    assert (of(grant)[0].state, of(grant)[0].decided_by) == ("used", "link:chat")
    assert (ended.json["type"], ended.json["data"]["decided_by"]) == ("approval.approved", "link:chat")


async def test_a_restart_loses_neither_the_question_nor_its_announcement(gateway: Gateway, server: str) -> None:
    sealer = MasterKey.load(gateway.data).sealer(webhooks.PURPOSE)
    async with Receiver.running() as receiver:
        async with waiting(gateway, server) as (grant, waiter):
            approval = await asked(grant)
            gateway.stop()
            waiter.call.cancel()
            await asyncio.gather(waiter.call, return_exceptions=True)
        options = webhooks.Options(allow_private=True)
        hook = webhooks.add(gateway.engine, "test", sealer, name="late", url=receiver.url, options=options).webhook
        gateway.start()
        (told,) = await receiver.got(1)
        webhooks.remove(gateway.engine, "test", hook.id)
    assert told.json["data"]["id"] == approval.id
    async with Person.at(gateway) as person:
        await person.press(f"/approvals/{approval.id}", f"/approvals/{approval.id}/approve")
    async with connected(grant) as client:
        result = await client.call_tool("count", {"to": 2})
    assert "counted to 2" in str(result.content)
    assert of(grant)[0].state == "used"
