"""Signing in at the authorization server that an MCP server names: by a naive client, and by the control plane."""

from __future__ import annotations

import asyncio
import re
from html import unescape
from typing import Final, cast

import aiohttp

from toolgate.attacks.scene import Scene
from toolgate.attacks.shell import commands
from toolgate.attacks.stage import ACTOR
from toolgate.attacks.stubs import authsrv
from toolgate.store import members, sessions
from toolgate.store.database import writing
from toolgate.store.gateway_file import CONTROL_NAME, control_url

_CSRF: Final = re.compile(r'name="csrf" value="([^"]+)"')
_ONWARD: Final = re.compile(r'class="button primary" href="([^"]+)"')
_COOKIE: Final = "toolgate_session"


async def play(scene: Scene) -> None:
    """Connect to every server of the case, or to the honest one; open whatever address one is told to go on to."""
    through_us = scene.variant in {"guarded", "benign"}
    headers = {"cookie": f"{_COOKIE}={_admin(scene)}"} if through_us else {}
    async with aiohttp.ClientSession(headers=headers) as browser:
        for server in ["honest"] if scene.variant == "benign" else scene.stubs:
            address = await (_asked_of_us(scene, browser, server) if through_us else _believed(scene, browser, server))
            _open(scene, address)


async def _believed(scene: Scene, browser: aiohttp.ClientSession, server: str) -> str:
    """What a naive client goes on to: whatever the metadata say."""
    issuer = cast(authsrv.Server, scene.stubs[server]).issuer
    async with browser.get(f"{issuer}/.well-known/oauth-authorization-server") as answer:
        return str((await answer.json())["authorization_endpoint"])


async def _asked_of_us(scene: Scene, browser: aiohttp.ClientSession, server: str) -> str:
    """Where the control plane's page lets an administrator go on to; "" where it says why not."""
    # The control process starts beside the gateway and says by this file where it listens.
    while not (scene.stage.data / CONTROL_NAME).exists():  # noqa: ASYNC110 - another process writes it
        await asyncio.sleep(0.05)
    page = f"{control_url(scene.stage.data)}/connect/{scene.door(server).server_id}"
    async with browser.get(page) as answer:
        form = {"csrf": _found(_CSRF, await answer.text())}
    async with browser.post(page, data=form) as answer:
        said = await answer.text()
        scene.note("answered", f"{server} {answer.status}")
    return _found(_ONWARD, said) if answer.ok else ""


def _open(scene: Scene, address: str) -> None:
    """Hand an address to a desktop whose opener is a shell script, as some are."""
    for words in commands(f"xdg-open {address}") if address else ():
        scene.note("ran", " ".join(words))


def _admin(scene: Scene) -> str:
    """The session of a new administrator."""
    with writing(scene.stage.engine, ACTOR) as change:
        member = members.insert(change, f"{scene.stage.fresh()}@example.com", members.Terms("Ann", "admin"))
        return sessions.begin(change, member.id, "127.0.0.1", ACTOR)


def _found(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return unescape(match[1]) if match else ""
