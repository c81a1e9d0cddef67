"""A real authorization server, a real MCP server that wants its tokens, and a control plane between them."""

from __future__ import annotations

import html
import json
import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.control.oidc.guarded import READ, WRITE, Guarded
from tests.control.oidc.running import Provider
from tests.control.running import Answer, Browser, Control

from toolgate.control.connecting.asking import Asking
from toolgate.control.connecting.failures import Refused
from toolgate.control.connecting.renewing import Renewing
from toolgate.control.connecting.tokens import revoke
from toolgate.store import oauth, servers
from toolgate.store.access_tokens import PURPOSE, Tokens
from toolgate.store.oauth import Client, Connection
from toolgate.store.servers import Server


@dataclass
class Stage:
    """What runs for many tests: starting it takes seconds."""

    control: Control
    provider: Provider
    guarded: Guarded

    @classmethod
    @asynccontextmanager
    async def set(cls, data: Path, **settings: Any) -> AsyncIterator[Stage]:
        async with (
            Provider.running(**{"scopes": f"{READ} {WRITE}", "tokenTtl": 100, **settings}) as provider,
            Guarded.running(provider.issuer) as guarded,
            Control.running(data) as control,
        ):
            yield cls(control, provider, guarded)

    async def scene(self) -> Scene:
        return Scene(self, await self.control.signed_in("admin"))


class Scene:
    """`server` is the MCP server as it is registered, `admin` a browser of an administrator."""

    def __init__(self, stage: Stage, admin: Browser) -> None:
        self.control = stage.control
        self.provider = stage.provider
        self.guarded = stage.guarded
        self.admin = admin
        self.server = self.registered(stage.guarded.url)
        self.told = 0

    def registered(self, url: str, **options: Any) -> Server:
        """A server of the control plane's own organisation."""
        return servers.add(self.control.engine, "test", self.control.name("server"), url, **options)

    def path(self, server: Server | None = None) -> str:
        return f"/connect/{(server or self.server).id}"

    async def begun(self, browser: Browser | None = None, server: Server | None = None, **form: Any) -> str:
        """Press Connect; returns the link that the page gives."""
        answer = await (browser or self.admin).post(self.path(server), form)
        assert answer.status == 200, words(answer)
        return continue_at(answer)

    async def agreed(self, link: str, login: str = "ada") -> str:
        """Sign in at the authorization server and consent; returns the address that it sends the browser back to."""
        return await self.provider.sign_in(link, login, stop_at=f"{self.control.url}/oauth/callback")

    async def connected(self, server: Server | None = None, login: str = "ada", **form: Any) -> Answer:
        """The whole way, by a browser."""
        back = await self.agreed(await self.begun(server=server, **form), login)
        answer = await self.admin.get(back)
        assert answer.status == 303, words(answer)
        return answer

    def connection(self, server: Server | None = None, grant_id: str = "") -> Connection:
        found = oauth.connections(self.control.engine, (server or self.server).id)
        return next(it for it in found if it.grant_id == grant_id)

    def tokens(self, server: Server | None = None, grant_id: str = "") -> Tokens:
        sealer = self.control.state.master.sealer(PURPOSE)
        opened = oauth.tokens_of(self.control.engine, (server or self.server).id, grant_id, sealer)
        assert opened is not None
        return opened[0]

    def renewing(self) -> Renewing:
        """One process that renews."""

        def changed() -> None:
            self.told += 1

        return Renewing(self.control.engine, self.control.state.master, changed)

    async def revoked(self, client: Client, tokens: Tokens) -> None:
        """Revoke a connection at its authorization server, as somebody there might."""
        with suppress(Refused):  # this one revokes no access tokens, but has revoked the other by then
            await revoke(Asking(self.server), client, tokens)

    def due(self, server: Server | None = None, grant_id: str = "") -> None:
        """Let the time of its renewal have come."""
        where = "server_id = ? AND grant_id = ?"
        self.execute(f"UPDATE oauth_tokens SET refresh_at = 1 WHERE {where}", (server or self.server).id, grant_id)

    def execute(self, statement: str, *values: object) -> list[Any]:
        """Look into the database, or change what only time or another process would."""
        with closing(sqlite3.connect(self.control.state.data / "toolgate.db", isolation_level=None)) as connection:
            return connection.execute(statement, values).fetchall()

    def events(self, server: Server | None = None) -> list[tuple[str, Any]]:
        """The administrators' events about a server's credentials: action and what is said after it."""
        query = "SELECT action, after FROM admin_events WHERE kind = 'credential' AND target = ? ORDER BY id"
        rows = self.execute(query, (server or self.server).id)
        return [(action, json.loads(after) if after else None) for action, after in rows]


def continue_at(answer: Answer) -> str:
    found = re.search(r'<a class="button primary" href="([^"]+)" rel="noreferrer">', answer.text)
    assert found is not None, words(answer)
    return html.unescape(found[1])


def words(answer: Answer) -> str:
    """What a person reads on a page."""
    main = answer.text.partition("<main")[2]
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", "<main" + main)).split())
