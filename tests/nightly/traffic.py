"""Everything that clients and an operator do in an hour of mixed traffic, one small piece of work a function."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any

import aiohttp
from tests.approvals import desk
from tests.crash.load import GONE
from tests.gateway.running import Answer, Gateway, Grant, call, modern
from tests.gateway.speaking import Speaker, connected, request_of

from toolgate.gateway.answers import UPSTREAM_FAILED
from toolgate.store import grants
from toolgate.wire.limits import PoolLimits

from .upstream import EVENTS, TOOLS, Upstream

Json = Any
WINDOW, IN_WINDOW = 2, 5
"""Seconds, and how many calls of `limited` may be let through in them."""
SHOWN = set(TOOLS) - {"secret"}


def policy(version: int, most: int) -> Json:
    """The policy, a new revision for each `version`; odd ones forbid `toggled`. `most` is what may be spent."""
    return {
        "version": "1",
        "default": "allow",
        "hide": ["secret"],
        "tools": {
            "forbidden": {"action": "deny", "reason": f"never ({version})"},
            "toggled": {"action": "deny", "reason": "not now"} if version % 2 else {},
            "limited": {"rate_limit": {"max": IN_WINDOW, "window": WINDOW}},
            "charge": {"limits": [{"counter": "spent", "window": "month", "max": most, "cost": "args.amount"}]},
            "held": {"action": "require_approval", "reason": "A person looks."},
        },
    }


class Failed(Exception):
    """The gateway could not get an answer from the server."""


@dataclass
class Scene:
    """Who takes part, and what should be on record of it."""

    gateway: Gateway
    upstream: Upstream
    grant: Grant
    most: int
    random: Random
    ids: count[int] = field(default_factory=lambda: count(1))
    recorded: Counter[int] = field(default_factory=Counter)
    """How many decisions the journal must have of a request id."""
    unnamed: Counter[str] = field(default_factory=Counter)
    """The same for what has no id: the verb of a stream, the end of a session, a body that is no message."""
    done: Counter[str] = field(default_factory=Counter)
    version: int = 0
    operating: asyncio.Lock = field(default_factory=asyncio.Lock)

    def new_id(self, decisions: int = 1) -> int:
        id_ = next(self.ids)
        self.recorded[id_] = decisions
        return id_


Work = Callable[[Scene, Speaker], Awaitable[None]]


async def ask(scene: Scene, speaker: Speaker, message: Json, *lines: str, grant: Grant | None = None) -> Answer:
    """Post a message; raises Failed when the server could not be asked."""
    answer = await speaker.post(grant or scene.grant, json.dumps(message).encode(), *lines)
    if answer.status == 200 and answer.body.startswith(b"{"):
        error = answer.json.get("error")
        if error is not None and error["code"] == UPSTREAM_FAILED:
            raise Failed(error["message"])
    return answer


async def ask_statelessly(scene: Scene, speaker: Speaker, method: str, id_: int, **params: Json) -> Answer:
    message, headers = modern(method, params, id_)
    return await ask(
        scene, speaker, message, *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())
    )


async def call_plainly(scene: Scene, speaker: Speaker) -> None:
    text = "x" * scene.random.choice((1, 100, 20_000))
    answer = await ask(scene, speaker, call("echo", {"text": text}, scene.new_id()))
    assert answer.text == text


async def call_statelessly(scene: Scene, speaker: Speaker) -> None:
    id_ = scene.new_id()
    answer = await ask_statelessly(scene, speaker, "tools/call", id_, name="echo", arguments={"text": str(id_)})
    assert (answer.json["id"], answer.text) == (id_, str(id_))


async def list_tools(scene: Scene, speaker: Speaker) -> None:
    answer = await ask_statelessly(scene, speaker, "tools/list", scene.new_id())
    names = {tool["name"] for tool in answer.json["result"]["tools"]}
    assert names == SHOWN


async def be_denied(scene: Scene, speaker: Speaker) -> None:
    answer = await ask(scene, speaker, call("forbidden", {}, scene.new_id()))
    assert answer.denied


async def be_told_of_nothing(scene: Scene, speaker: Speaker) -> None:
    answer = await ask(scene, speaker, call("secret", {}, scene.new_id()))
    assert answer.text == "Unknown tool: secret"


async def be_malformed(scene: Scene, speaker: Speaker) -> None:
    scene.unnamed["(malformed)"] += 1
    answer = await speaker.post(scene.grant, b'{"jsonrpc":"2.0","method":"ping","method":"tools/call"}')
    assert answer.status == 400


async def read_a_stream(scene: Scene, speaker: Speaker) -> None:
    answer = await ask(scene, speaker, call("stream", {}, scene.new_id()))
    assert answer.body.count(b"notifications/progress") == EVENTS
    assert b"streamed" in answer.body


async def leave_a_stream(scene: Scene, speaker: Speaker) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", scene.gateway.port)
    try:
        writer.write(request_of(scene.grant, json.dumps(call("endless", {}, scene.new_id())).encode()))
        async with asyncio.timeout(20):
            head = await reader.readuntil(b"\r\n\r\n")
            if b"text/event-stream" not in head:
                raise Failed("no stream")
            await reader.readuntil(b"notifications/progress")
    finally:
        writer.transport.abort()


async def go_through_a_session(scene: Scene, speaker: Speaker) -> None:
    params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "mixed", "version": "1"}}
    begin = {"jsonrpc": "2.0", "id": scene.new_id(), "method": "initialize", "params": params}
    session = (await ask(scene, speaker, begin)).headers["mcp-session-id"]
    line = f"mcp-session-id: {session}"
    assert (await ask(scene, speaker, call("echo", {"text": "in"}, scene.new_id()), line)).text == "in"
    async with aiohttp.ClientSession() as client:
        headers = scene.grant.headers(mcp_session_id=session)
        scene.unnamed["HTTP GET"] += 1
        async with client.get(scene.grant.url, headers=headers) as stream:
            assert stream.status in {200, 502}
            if stream.status == 502:
                raise Failed("no stream")
            await stream.content.readuntil(b"\n\n")
        scene.unnamed["HTTP DELETE"] += 1
        async with client.delete(scene.grant.url, headers=headers) as end:
            if end.status == 502:
                raise Failed("no end of the session")
            assert end.status == 200
    assert (await ask(scene, speaker, call("echo", {}, scene.new_id()), line)).status == 404


async def answer_a_question(scene: Scene, speaker: Speaker) -> None:
    first = scene.new_id()
    asked = (await ask_statelessly(scene, speaker, "tools/call", first, name="ask", arguments={})).json["result"]
    said = {"sure": {"action": "accept", "content": {}}}
    params = {"name": "ask", "arguments": {}, "inputResponses": said, "requestState": asked["requestState"]}
    answer = await ask_statelessly(scene, speaker, "tools/call", scene.new_id(), **params)
    assert answer.text == f"of {first}"


async def call_within_a_rate(scene: Scene, speaker: Speaker) -> None:
    answer = await ask(scene, speaker, call("limited", {}, scene.new_id()))
    assert answer.denied or answer.text == "done"


async def spend(scene: Scene, speaker: Speaker) -> None:
    answer = await ask(scene, speaker, call("charge", {"amount": scene.random.randint(1, 3)}, scene.new_id()))
    assert answer.denied or answer.text == "done"


async def change_the_policy(scene: Scene, speaker: Speaker) -> None:
    async with scene.operating:
        scene.version += 1
        await asyncio.to_thread(scene.grant.use, policy(scene.version, scene.most))
        answer = await ask(scene, speaker, call("toggled", {}, scene.new_id()))
        assert answer.denied == (scene.version % 2 == 1)


async def revoke_a_grant(scene: Scene, speaker: Speaker) -> None:
    async with scene.operating:
        grant = await asyncio.to_thread(scene.gateway.grant, scene.grant.server, None)
        assert (await ask(scene, speaker, call("echo", {}, scene.new_id()), grant=grant)).denied
        await asyncio.to_thread(_revoke, scene.gateway, grant)
        assert (await speaker.post(grant, json.dumps(call("echo", {}, 0)).encode())).status == 401


def _revoke(gateway: Gateway, grant: Grant) -> None:
    grants.revoke(gateway.engine, "test", grant.id)
    gateway.settle()


async def wait_for_a_person(scene: Scene, speaker: Speaker) -> None:
    """Held, then approved or refused: a decision that it waits, and one of what came of it."""
    approve = scene.random.random() < 0.5
    async with scene.operating:
        held = call("held", {"text": f"call {next(scene.ids)}"}, scene.new_id(decisions=2))
        waiting = asyncio.ensure_future(ask(scene, speaker, held))
        approval = await desk.asked(scene.grant)
        await asyncio.to_thread(desk.approve if approve else desk.deny, scene.gateway, approval)
        answer = await waiting
    assert answer.denied != approve


async def restart_the_server(scene: Scene, speaker: Speaker) -> None:
    """Whoever is cut off is excused; the outage is over when calls pass and the last failed connect is forgotten."""
    async with scene.operating:
        scene.upstream.down = True
        try:
            await scene.upstream.restart()
            async with asyncio.timeout(30):
                while not await _passes(scene, speaker):
                    await asyncio.sleep(0.05)
            await asyncio.sleep(2 * PoolLimits().backoff)
        finally:
            scene.upstream.down = False


async def _passes(scene: Scene, speaker: Speaker) -> bool:
    try:
        await call_plainly(scene, speaker)
    except Failed:
        return False
    return True


OFTEN: tuple[Work, ...] = (
    call_plainly,
    call_plainly,
    call_plainly,
    call_statelessly,
    call_statelessly,
    list_tools,
    be_denied,
    be_told_of_nothing,
    be_malformed,
    read_a_stream,
    leave_a_stream,
    go_through_a_session,
    answer_a_question,
    call_within_a_rate,
    call_within_a_rate,
    spend,
    spend,
)
SELDOM: tuple[Work, ...] = (change_the_policy, revoke_a_grant, wait_for_a_person, restart_the_server)
"""What an operator does, one at a time."""


@dataclass
class Traffic:
    """Some clients at work, and one operator. `rate` is in pieces of work a second, of all clients together."""

    scene: Scene
    rate: float
    clients: int = 8
    errors: list[str] = field(default_factory=list)

    async def run(self, seconds: float) -> None:
        """For so long; returns when everybody is done."""
        until = asyncio.get_running_loop().time() + seconds
        pause = self.clients / self.rate
        workers = [self._work(OFTEN, pause, until) for _ in range(self.clients)]
        await asyncio.gather(*workers, self._work(SELDOM, 1.0, until))

    async def _work(self, works: tuple[Work, ...], pause: float, until: float) -> None:
        loop = asyncio.get_running_loop()
        while loop.time() < until:
            with suppress(*GONE):
                async with connected(self.scene.gateway.port) as speaker:
                    while loop.time() < until:
                        await self._do(self.scene.random.choice(works), speaker)
                        await asyncio.sleep(pause * self.scene.random.uniform(0.5, 1.5))

    async def _do(self, work: Work, speaker: Speaker) -> None:
        """One piece of work; what the server's restart cut off counts as such, everything else as an error."""
        scene, upstream = self.scene, self.scene.upstream
        down, restarts = upstream.down, upstream.restarts
        try:
            await work(scene, speaker)
        except (Failed, *GONE, aiohttp.ClientError, AssertionError, KeyError) as error:
            if not (down or upstream.down) and upstream.restarts == restarts:
                self.errors.append(f"{work.__name__}: {type(error).__name__}: {error}")
            scene.done["cut off by a restart"] += 1
            if isinstance(error, GONE):
                raise
        else:
            scene.done[work.__name__] += 1
