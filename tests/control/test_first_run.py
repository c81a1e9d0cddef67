"""From `toolgate serve` on an empty directory to a second member, as people do it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from tests.control.running import PASSWORD, Browser
from tests.gateway.running import Gateway

LINK = re.compile(r"toolgate: nobody can sign in yet: .* at (http://127\.0\.0\.1:\d+)(/welcome/[\w-]{43})\n")


def offered(gateway: Gateway) -> tuple[str, str]:
    """Address and path of the link that the log says last."""
    deadline = time.monotonic() + 20
    while not (found := LINK.findall(gateway.log.read_text())):
        assert time.monotonic() < deadline, gateway.log.read_text()
        time.sleep(0.02)
    return str(found[-1][0]), str(found[-1][1])


def invited(gateway: Gateway, email: str) -> dict[str, str]:
    """What the command line says of an invitation."""
    command = [sys.executable, "-m", "toolgate", "member", "add", email, "--role", "viewer", "--json"]
    environment = {**os.environ, "TOOLGATE_DATA": str(gateway.data)}
    made = json.loads(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)
    assert isinstance(made, dict)
    return made


@asynccontextmanager
async def browsing(url: str) -> AsyncIterator[Browser]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        yield Browser(http, url)


@pytest.mark.slow
async def test_the_first_admin_and_whom_they_invite_come_in(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path / "data").start()
    try:
        url, path = offered(gateway)
        assert url == f"http://127.0.0.1:{gateway.control_port}"
        async with browsing(url) as ada:
            page = await ada.get(path)
            form = {"name": "Ada", "email": "ada@example.com", "password": PASSWORD, "again": PASSWORD}
            assert (await ada.post(path, {**form, "csrf": page.csrf})).status == 303
            assert "ada@example.com" in (await ada.get("/members")).text
        gateway.stop()
        gateway.start()
        assert len(LINK.findall(gateway.log.read_text())) == 1
        made = invited(gateway, "bob@example.com")
        assert made["link"].startswith(url)
        async with browsing(url) as bob:
            path = made["link"].removeprefix(url)
            page = await bob.get(path)
            assert (await bob.post(path, {"csrf": page.csrf, "password": PASSWORD, "again": PASSWORD})).status == 303
            assert (await bob.get("/members")).status == 403
        assert path not in gateway.log.read_text()  # no log tells what people ask for
    finally:
        gateway.stop()
    assert (gateway.data / "control.json").stat().st_mode & 0o077 == 0
