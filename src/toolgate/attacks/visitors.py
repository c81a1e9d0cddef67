"""Somebody at the control plane: a stranger, a program with an API token, or a person who is signed in."""

from __future__ import annotations

import re
from contextlib import AsyncExitStack
from typing import Any, Final

import httpx2

from toolgate.attacks.agent import loopback
from toolgate.attacks.stage import ACTOR, Stage, control_plane
from toolgate.errors import ToolgateError
from toolgate.store import members, sessions, tokens
from toolgate.store.database import writing
from toolgate.store.members import Terms

_COOKIE: Final = "toolgate_session"
_FORM: Final = re.compile(r'name="csrf" value="([^"]+)"')


class Visitor:
    """Sends requests with the same headers every time; redirects are not followed."""

    def __init__(self, url: str, headers: dict[str, str]) -> None:
        self._http = loopback(base_url=url, headers=headers)

    async def __aenter__(self) -> Visitor:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._http.aclose()

    async def ask(self, verb: str, path: str, **told: Any) -> httpx2.Response:
        """One request; `told` are httpx's words for what goes with it (`json`, `data`, `headers`, `params`)."""
        return await self._http.request(verb, path, **told)

    async def submit(self, path: str, form: dict[str, str]) -> httpx2.Response:
        """Open a page and send its form. Raises ToolgateError where the page has none."""
        page = await self.ask("GET", path)
        found = _FORM.search(page.text)
        if found is None:
            raise ToolgateError(path, f"was answered with {page.status_code} and has no form")
        return await self.ask("POST", path, data={"csrf": found[1], **form})


async def stranger(stage: Stage, stack: AsyncExitStack, **headers: str) -> Visitor:
    """Somebody without a credential."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return await stack.enter_async_context(Visitor(await control_plane(stage.data), named))


async def program(stage: Stage, stack: AsyncExitStack) -> Visitor:
    """A program with an API token of the role admin."""
    token = tokens.add(stage.engine, ACTOR, stage.fresh(), "admin").secret
    return await stack.enter_async_context(
        Visitor(await control_plane(stage.data), {"authorization": f"Bearer {token}"})
    )


async def person(stage: Stage, stack: AsyncExitStack) -> Visitor:
    """An administrator in a browser, signed in."""
    name = stage.fresh()
    with writing(stage.engine, ACTOR) as change:
        member = members.insert(change, f"{name}@example.com", Terms(name, "admin"))
        secret = sessions.begin(change, member.id, "127.0.0.1", ACTOR)
    return await stack.enter_async_context(Visitor(await control_plane(stage.data), {"cookie": f"{_COOKIE}={secret}"}))
