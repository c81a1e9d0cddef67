"""`/live`: new records reach whoever follows the log, for as long as they may see them."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.control.journalling import HOSTILE, decided, record
from tests.control.running import Browser, Control

from toolgate.audit.filters import Brief, Filter
from toolgate.audit.records import Outcome
from toolgate.control import following
from toolgate.control.following import Stream
from toolgate.control.pages import live
from toolgate.store import members, organisations, sessions, tokens
from toolgate.store.database import writing
from toolgate.store.members import Terms

NOW = time.time()


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "LOOK_EVERY", 0.02)
    monkeypatch.setattr(live, "CHECK_EVERY", 0.05)


class Reader:
    """Somebody with an open stream."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response

    async def event(self, kind: str = "data") -> str:
        """The rest of the next line that begins with the word; fails when the stream ends before."""
        async with asyncio.timeout(10):
            while True:
                line = await self.response.content.readline()
                if not line:
                    raise EOFError
                if line.startswith(kind.encode()):
                    return line.decode().partition(":")[2].strip()

    async def record(self) -> Any:
        return json.loads(await self.event())

    async def over(self) -> None:
        """Return when the stream has ended."""
        async with asyncio.timeout(10):
            await self.response.content.read()


@asynccontextmanager
async def follow(browser: Browser, path: str = "/live", **headers: str) -> AsyncIterator[Reader]:
    async with browser.http.get(browser.url + path, headers=headers) as response:
        assert response.status == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        reader = Reader(response)
        await reader.event("retry")  # what comes from now on is seen
        yield reader


async def test_new_records_arrive_that_the_filter_lets_through(control: Control) -> None:
    await record(control.state.data, [decided("before", NOW)])
    browser = await control.signed_in("viewer")
    async with follow(browser) as everything, follow(browser, "/live?outcome=deny&text=friday") as denials:
        await record(
            control.state.data,
            [
                decided("a", NOW, grant_label="ci", server_id="s1"),
                Outcome(time=NOW, decision_id="a", result="timeout"),
                decided("b", NOW, outcome="deny", message="Never on Fridays.", rule="/tools/run"),
            ],
        )
        first, second, only = await everything.record(), await everything.record(), await denials.record()
    assert (first["id"], first["grant"], first["server"], first["tool"]) == ("a", "ci", "s1", "run")
    assert first["ended"] == "no answer in time"
    assert (second["id"], only["id"]) == ("b", "b")
    assert (only["rule"], only["outcome"]) == ("/tools/run", "deny")


@pytest.mark.slow
async def test_who_comes_back_is_told_what_was_missed(control: Control) -> None:
    browser = await control.signed_in("viewer")
    async with follow(browser) as reader:
        await record(control.state.data, [decided("a", NOW), decided("b", NOW)])
        last = await reader.event("id")
    async with follow(browser, "/live", **{"Last-Event-ID": last}) as reader:
        assert (await reader.record())["id"] == "b"
    async with follow(browser, "/live", **{"Last-Event-ID": "9" * 30}) as reader:
        await record(control.state.data, [decided("c", NOW)])
        assert (await reader.record())["id"] == "c"


async def test_nobody_follows_another_organisation(control: Control) -> None:
    other = organisations.add(control.engine, "test", "other").id
    stranger = await control.signed_in("admin", organisation=other)
    async with follow(stranger) as reader:
        await record(control.state.data, [decided("ours", NOW), decided("theirs", NOW, organisation=other)])
        assert (await reader.record())["id"] == "theirs"


@pytest.mark.slow
async def test_hostile_text_cannot_forge_events(control: Control) -> None:
    browser = await control.signed_in("viewer")
    async with follow(browser) as reader:
        await record(
            control.state.data, [decided("a", NOW, tool=f"x\n\nid: 7\ndata: forged {HOSTILE}"), decided("b", NOW)]
        )
        first, second = await reader.record(), await reader.record()
    assert second["id"] == "b"
    assert "\n" not in first["tool"]
    assert "\x1b" not in first["tool"]
    assert "\u202e" not in first["tool"]


async def test_the_stream_ends_with_the_session(control: Control) -> None:
    browser = await control.signed_in("viewer")
    async with follow(browser) as reader:
        with writing(control.engine, "test") as change:
            sessions.end_all(change, browser.member.id)
        await reader.over()
    assert (await browser.get("/live")).status == 401


@pytest.mark.slow
async def test_the_stream_ends_when_the_rights_change(control: Control) -> None:
    browser = await control.signed_in("admin")
    control.member("admin")
    async with follow(browser) as reader:
        members.amend(control.engine, "test", browser.member.id, Terms(browser.member.name, "viewer", ()))
        await reader.over()


@pytest.mark.slow
async def test_the_stream_of_a_token_ends_with_the_token(control: Control) -> None:
    minted = tokens.add(control.engine, "test", "watcher", "viewer")
    async with follow(await control.browser(), Authorization=f"Bearer {minted.secret}") as reader:
        tokens.revoke(control.engine, "test", minted.token.id)
        await reader.over()


@pytest.mark.slow
async def test_one_member_has_so_many_streams_and_gets_one_back_by_leaving(control: Control) -> None:
    browser, other = await control.signed_in("viewer"), await control.signed_in("viewer")
    opened = [await browser.http.get(browser.url + "/live") for _ in range(following.STREAMS_EACH)]
    assert (await browser.get("/live")).status == 429
    async with follow(other):
        pass
    opened[0].close()
    async with asyncio.timeout(10):
        while (answer := await browser.http.get(browser.url + "/live")).status == 429:
            await asyncio.sleep(0.01)
    for response in [*opened, answer]:
        response.close()


@pytest.mark.slow
async def test_a_flood_is_cut_and_said(control: Control, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "AT_ONCE", 3)
    browser = await control.signed_in("viewer")
    async with follow(browser) as reader:
        await record(control.state.data, [decided(f"d{number}", NOW) for number in range(40)])
        assert (await reader.record())["id"] == "d0"
        assert await reader.event("event") == "skipped"
        assert int(await reader.event()) > 0


def test_a_reader_that_does_not_keep_up_is_behind_and_gets_nothing_more() -> None:
    async def go() -> None:
        stream = Stream("somebody", Filter())
        for number in range(1, 1000):
            stream.offer(Brief(number, NOW, "", "", "", "", "", "", "", "", "", "", number, None), b"data: x\n\n")
        assert stream.behind

    asyncio.run(go())


@pytest.mark.slow
async def test_an_open_stream_does_not_hold_up_the_end_of_the_process(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with aiohttp.ClientSession() as http, asyncio.timeout(10):
        async with Control.running(tmp_path / "data") as control:
            secret = control.token("viewer")
            response = await http.get(f"{control.url}/live", headers={"Authorization": f"Bearer {secret}"})
        assert (await response.content.read()).startswith(b"retry:")
    assert caplog.text == ""  # uvicorn complains of answers that it had to cut off


@pytest.mark.slow
async def test_a_reader_that_takes_nothing_is_dropped(control: Control, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "SEND_WITHIN", 0.2)
    browser = await control.signed_in("viewer")
    host, port = browser.url.removeprefix("http://").split(":")
    slow = socket.create_connection((host, int(port)))
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
    cookie = browser.cookie("toolgate_session")
    slow.sendall(f"GET /live HTTP/1.1\r\nHost: {host}:{port}\r\nCookie: toolgate_session={cookie}\r\n\r\n".encode())
    application = control.application
    async with asyncio.timeout(60):
        while not application.state.live.streams:
            await asyncio.sleep(0.01)
        while application.state.live.streams:
            await record(control.state.data, [decided(f"d{number}", NOW, message="m" * 240) for number in range(150)])
    slow.close()
