"""The authorization server of `provider.mjs` as a child process, and a person who signs in there."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import aiohttp

Json = Any
ROOT = Path(__file__).parents[3]
NODE = ROOT / ".venvs" / "bin" / "node"
SCRIPT = Path(__file__).with_name("provider.mjs")
PATIENCE = 30.0


class Provider:
    """A running authorization server. `events` are what it says that happened, in order."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.issuer = ""
        self.events: list[Json] = []
        self._reading: asyncio.Task[None] | None = None

    @classmethod
    @asynccontextmanager
    async def running(cls, **settings: Json) -> AsyncIterator[Provider]:
        """Start it with the settings that `provider.mjs` explains; it ends with the block."""
        process = await asyncio.create_subprocess_exec(
            str(NODE),
            "--no-warnings",
            str(SCRIPT),
            json.dumps(settings),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            cwd=ROOT,
        )
        provider = cls(process)
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            line = await asyncio.wait_for(process.stdout.readline(), PATIENCE)
            provider.issuer = json.loads(line)["issuer"]
            provider._reading = asyncio.create_task(provider._read(process.stdout))
            yield provider
        finally:
            process.stdin.close()
            await process.wait()
            if provider._reading is not None:
                await provider._reading

    async def _read(self, stdout: asyncio.StreamReader) -> None:
        while line := await stdout.readline():
            if line.startswith(b"{"):  # the rest is what the library says
                self.events.append(json.loads(line))

    def count(self, event: str, **fields: str) -> int:
        """How often something happened."""
        return sum(it["event"] == event and fields.items() <= it.items() for it in self.events)

    async def register(self, redirect_uri: str) -> tuple[str, str]:
        """Register a client by hand; returns its identifier and secret."""
        metadata = {
            "redirect_uris": [redirect_uri],
            "application_type": "native",
            "grant_types": ["authorization_code", "refresh_token"],
        }
        async with aiohttp.ClientSession() as http, http.post(f"{self.issuer}/reg", json=metadata) as answer:
            registered = await answer.json()
            return str(registered["client_id"]), str(registered["client_secret"])

    async def decline(self, url: str, *, stop_at: str) -> str:
        """As `sign_in`, by somebody who cancels."""
        return await self._browse(url, "", stop_at)

    async def sign_in(self, url: str, login: str = "ada", *, stop_at: str) -> str:
        """Follow an authorization request as a person with a browser; returns the URL (not fetched) it ends at.

        `stop_at` is how that URL begins.
        """
        return await self._browse(url, login, stop_at)

    async def _browse(self, url: str, login: str, stop_at: str) -> str:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
            form: dict[str, str] | None = None
            for _ in range(20):
                method = "GET" if form is None else "POST"
                async with browser.request(method, url, data=form, allow_redirects=False) as answer:
                    body = await answer.text()
                    where = answer.headers.get("location")
                if where is not None:
                    url, form = urljoin(url, where), None
                    if url.startswith(stop_at):
                        return url
                    continue
                if login:
                    url, form = _form_of(url, body, login)
                else:
                    url, form = _cancel_of(url, body), None
        raise AssertionError("the provider never came back")


def _cancel_of(url: str, page: str) -> str:
    link = re.search(r'href="([^"]+/abort)"', page)
    assert link is not None, page
    return urljoin(url, str(link[1]))


def _form_of(url: str, page: str, login: str) -> tuple[str, dict[str, str]]:
    """What a person would send from the page: a name and any password, or consent."""
    action = re.search(r'<form[^>]*action="([^"]+)"', page)
    if action is None:
        raise AssertionError(f"the provider says: {re.sub('<[^>]*>', ' ', page)[:2000]}")
    fields = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', page))
    if 'name="login"' in page:
        fields |= {"login": login, "password": "any"}
    return urljoin(url, action[1]), fields
