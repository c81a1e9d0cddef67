"""What the tests of the inbox share: an installation, calls that wait in it, and a receiver of webhooks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from aiohttp import web
from tests.audit.databases import new_database

from toolgate.control.inbox.deciding import opened
from toolgate.control.state import State
from toolgate.keys import MasterKey
from toolgate.settings import ControlSettings
from toolgate.store import grants, policies, servers, webhooks
from toolgate.store.approvals import SEAL, Approval, ApprovalStore, Wanted
from toolgate.store.database import open_database
from toolgate.store.tables import DEFAULT_ORGANISATION
from toolgate.store.webhooks import PURPOSE, Made, Options

Json = Any
ASK = {"version": "1", "default": "allow", "tools": {"pay": {"action": "require_approval", "reason": "Mind."}}}


@asynccontextmanager
async def installation(data: Path, **settings: Any) -> AsyncIterator[State]:
    new_database(data)
    engine = open_database(data)
    chosen = ControlSettings(data=str(data), host="127.0.0.1", port=0, url="http://gate.example", **settings)
    yield State(data, engine, MasterKey.load(data), chosen)
    engine.dispose()


def waits(
    state: State,
    arguments: Json | str = None,
    *,
    lifetime: float = 600,
    organisation: str = DEFAULT_ORGANISATION,
    **fields: Any,
) -> Approval:
    """A call that waits, as a gateway would have stored it. `arguments`: a value, or its JSON as text."""
    text = arguments if isinstance(arguments, str) else json.dumps(arguments or {}, ensure_ascii=False)
    wanted = replace(_wanted(state, organisation), arguments=text[:200], **fields)
    name = json.dumps(wanted.tool)
    call = f'{{"method":"tools/call","params":{{"name":{name},"arguments":{text}}}}}'
    sealer = state.master.sealer(SEAL)
    with opened(state) as store:
        return store.ask(wanted, lifetime, lambda id_: sealer.seal(call.encode(), id_.encode()), 1000)


def _wanted(state: State, organisation: str) -> Wanted:
    """Of the server `shop`, its grant `till` and the policy `asking`, made at the first use."""
    found = servers.every(state.engine, organisation=organisation)
    if not found:
        url = "https://shop.example.com/mcp"
        servers.add(state.engine, "test", "shop", url, organisation=organisation)
        policies.put(state.engine, "test", "asking", json.dumps(ASK), organisation=organisation)
        given = {"server": "shop", "policy": "asking", "label": "till", "principal": "till@shop.example"}
        grants.add(state.engine, "test", **given, organisation=organisation)  # type: ignore[arg-type]
    server = servers.get(state.engine, "shop", organisation=organisation)
    grant = grants.get(state.engine, "till", 0.0, organisation=organisation)
    return Wanted(
        organisation=organisation,
        grant_id=grant.id,
        grant_label=grant.label,
        principal=grant.principal,
        server_id=server.id,
        server_name=server.name,
        method="tools/call",
        tool="pay",
        arguments="",
        rest="",
        fingerprint="",
        policy_id=str(grant.policy_id),
        revision=1,
        rule="/tools/pay/action",
        reason="Mind.",
    )


def now(state: State, approval: Approval) -> Approval:
    """The approval as it stands."""
    with closing(ApprovalStore(state.data)) as store:
        return store.get(approval.id)


def webhook(state: State, url: str, name: str = "ops", format_: str = "generic", **options: Any) -> Made:
    terms = Options(**{"allow_private": True, **options})
    sealer = state.master.sealer(PURPOSE)
    return webhooks.add(state.engine, "ada", sealer, name=name, url=url, format=format_, options=terms)


@dataclass
class Heard:
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Json:
        return json.loads(self.body)


async def _accepts(_request: web.Request) -> web.Response:
    return web.Response(status=204)


@dataclass
class Receiver:
    """A real HTTP server that keeps what it is sent; `answer` may be exchanged."""

    url: str = ""
    heard: list[Heard] = field(default_factory=list)
    answer: Callable[[web.Request], Awaitable[web.StreamResponse]] = _accepts

    @classmethod
    @asynccontextmanager
    async def running(cls) -> AsyncIterator[Receiver]:
        receiver = cls()
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", receiver.handle)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
        try:
            yield receiver
        finally:
            await runner.cleanup()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.heard.append(Heard(headers, await request.read()))
        return await self.answer(request)

    async def got(self, count: int) -> list[Heard]:
        """What it was sent, as soon as that is so many."""
        async with asyncio.timeout(20):
            while len(self.heard) < count:
                await asyncio.sleep(0.005)
        return self.heard
