"""Consent that a person gave to one client, used by another one."""

from __future__ import annotations

import html
import re
from contextlib import AsyncExitStack
from typing import Any, Final

import httpx2

from toolgate.attacks.agent import loopback
from toolgate.attacks.scene import Scene
from toolgate.attacks.visitors import Visitor, person, stranger
from toolgate.errors import ToolgateError

_TO: Final = "https://attacker.test/callback"
_REGISTRATION: Final = {"redirect_uris": [_TO], "client_name": "Friendly helper"}
_ON: Final = re.compile(r'<a class="button primary" href="([^"]+)"')


async def play(scene: Scene) -> None:
    """Note as `handed` each code or connection that goes to somebody other than who asked for it."""
    async with AsyncExitStack() as stack:
        if scene.variant in {"bare", "wrong"}:
            await _ask_the_proxy(scene, stack)
            return
        ann = await person(scene.stage, stack)
        if scene.variant == "benign":
            back = await _consented(scene, ann, stack)
            scene.note("connected", str((await ann.ask("GET", back)).status_code))
            return
        await _register_here(scene, stack)
        await _plant(scene, ann, stack)
        await _repeat(scene, ann, stack)


async def _ask_the_proxy(scene: Scene, stack: AsyncExitStack) -> None:
    """The person has consented for the client they use; then they follow a link that names another one."""
    browser = await _browser(stack, base_url=scene.urls["proxy"].removesuffix("/mcp"))
    await browser.post("/consent")
    attacker = await _browser(stack, base_url=scene.urls["proxy"].removesuffix("/mcp"))
    client = (await attacker.post("/register", json=_REGISTRATION)).json()["client_id"]
    answer = await browser.get("/authorize", params={"client_id": client})
    _look(scene, answer, "a code")


async def _register_here(scene: Scene, stack: AsyncExitStack) -> None:
    """The gateway hands out no codes: at neither of its ports somebody becomes a client."""
    at_gateway = await _browser(stack, base_url=scene.stage.address)
    at_control = await stranger(scene.stage, stack)
    _look(scene, await at_gateway.post("/register", json=_REGISTRATION), "a registration")
    _look(scene, await at_gateway.get("/authorize", params={"redirect_uri": _TO}), "a code")
    _look(scene, await at_control.ask("POST", "/register", json=_REGISTRATION), "a registration")
    _look(scene, await at_control.ask("GET", "/authorize", params={"redirect_uri": _TO}), "a code")


async def _plant(scene: Scene, ann: Visitor, stack: AsyncExitStack) -> None:
    """Somebody else begins, and sends Ann the link by which the answer comes back."""
    mallory = await person(scene.stage, stack)
    back = await _consented(scene, mallory, stack)
    _look(scene, await ann.ask("GET", back), "a connection")


async def _repeat(scene: Scene, ann: Visitor, stack: AsyncExitStack) -> None:
    """The same answer a second time."""
    back = await _consented(scene, ann, stack)
    await ann.ask("GET", back)
    _look(scene, await ann.ask("GET", back), "a second connection")


async def _consented(scene: Scene, who: Visitor, stack: AsyncExitStack) -> str:
    """Begin to connect the server, consent at its authorization server; returns the address that it sends back to."""
    page = await who.submit(f"/connect/{scene.door('account').server_id}", {})
    link = _ON.search(page.text)
    if link is None:
        raise ToolgateError("the page to connect a server", f"offers no way on ({page.status_code})")
    browser = await _browser(stack)
    return str((await browser.get(html.unescape(link[1]))).headers["location"])


async def _browser(stack: AsyncExitStack, **options: Any) -> httpx2.AsyncClient:
    return await stack.enter_async_context(loopback(**options))


def _look(scene: Scene, answer: httpx2.Response, what: str) -> None:
    """A redirect to the page for signing in is a refusal, like every status from 400 on."""
    refused = answer.status_code >= 400 or answer.headers.get("location", "").startswith("/sign-in")
    scene.note("refused" if refused else "handed", f"{what}: {answer.status_code}")
