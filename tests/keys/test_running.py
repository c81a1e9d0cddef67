"""The key is replaced while gateways, a wrapped server and their clients are in the middle of everything."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from tests.approvals import desk
from tests.gateway.running import Answer, Gateway, Grant, Json, Received, Recorder, http, modern
from tests.stdio.conftest import Start
from tests.stdio.conftest import place as place
from tests.stdio.conftest import start as start
from tests.stdio.test_approvals import decide, held
from tests.stdio.wrapped import text

from toolgate.audit.verify import verify
from toolgate.keys import MasterKey
from toolgate.store import definitions, headers, servers
from toolgate.store.definitions import seen_of

pytestmark = pytest.mark.slow

CALLERS = 6
ROTATIONS = 2
POLICY: Json = {
    "version": "1",
    "default": "allow",
    "tools": {
        "deploy": {"action": "require_approval"},
        "pay": {"limits": [{"counter": "paid", "window": "day", "max": 1}]},
    },
}
TOOLS = [{"name": name, "inputSchema": {"type": "object"}} for name in ("run", "deploy", "pay")]
PARAMS = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


class Upstream:
    """A server with sessions, a stream, and a tool that asks back before it finishes."""

    def __init__(self) -> None:
        self.stream: asyncio.StreamWriter | None = None

    async def __call__(self, request: Received, writer: asyncio.StreamWriter) -> None:
        if request.verb == "GET":
            self.stream = writer
            writer.write(STREAM)
            await asyncio.Event().wait()
        message = request.json
        if "id" not in message:
            writer.write(http(202, b""))
            return
        body = {"jsonrpc": "2.0", "id": message["id"], "result": self._result(message)}
        writer.write(http(200, json.dumps(body).encode(), ("mcp-session-id", "upstream-secret-id")))

    def _result(self, message: Json) -> Json:
        params = message.get("params", {})
        if message["method"] == "initialize":
            return {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {}}
        if message["method"] == "tools/list":
            return {"tools": TOOLS}
        if params.get("name") == "pay" and "inputResponses" not in params:
            asked = {"sure": {"method": "elicitation/create", "params": {"message": "sure?"}}}
            return {"resultType": "input_required", "inputRequests": asked, "requestState": "up"}
        return {"content": [{"type": "text", "text": "done"}], "resultType": "complete"}

    def send(self, event: bytes) -> None:
        assert self.stream is not None
        self.stream.write(b"%x\r\n%b\r\n" % (len(event), event))


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[list[Gateway]]:
    """Two gateways on one data directory; a call is held longer than the test takes."""
    options = ("--counters", "sqlite", "--approval-wait", "120")
    first = Gateway(tmp_path / "data", *options).start()
    second = Gateway(tmp_path / "data", *options).start()
    yield [first, second]
    second.close()
    first.close()


@pytest_asyncio.fixture
async def upstream() -> AsyncIterator[Recorder]:
    recorder = await Recorder(Upstream()).start()
    yield recorder
    await recorder.stop()


def granted(pair: list[Gateway], url: str) -> list[Grant]:
    """One grant as it is used at each gateway, for a server whose credential is sealed."""
    first, second = pair
    given = [headers.parse_header("X-Key: secret")]
    sealer = MasterKey.load(first.data).sealer(headers.PURPOSE)
    reach = servers.Reach(allow_private=True)
    server = servers.add(first.engine, "test", "one", url, reach=reach, credentials=given, sealer=sealer).id
    seen = [seen_of(json.dumps(tool).encode()) for tool in TOOLS]
    definitions.saw(first.engine, "test", server, seen, trusted=True)
    grant = first.grant(server, POLICY)
    return [grant, Grant(second, grant.id, grant.token, server, grant.policy)]


async def toolgate(*words: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "toolgate", *words),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode or 0, said.decode()


async def rotate(data: Path) -> Any:
    status, said = await toolgate("keys", "rotate", "--json", "--data", str(data))
    assert status == 0, said
    return json.loads(said)


async def initialize(grant: Grant) -> str:
    answer = await grant.post({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": PARAMS})
    return answer.headers["mcp-session-id"]


class Load:
    """Callers that go on until they are told to stop, each in a session of its own; every answer is looked at."""

    def __init__(self, grants: list[Grant]) -> None:
        self.answers = 0
        self.faults: list[str] = []
        self._stop = asyncio.Event()
        self._tasks = [asyncio.create_task(self._caller(grants[n % 2])) for n in range(CALLERS)]

    async def _caller(self, grant: Grant) -> None:
        session = await initialize(grant)
        async with aiohttp.ClientSession(headers=grant.headers(mcp_session_id=session)) as client:
            while not self._stop.is_set():
                body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "run", "arguments": {}}}
                async with client.post(grant.url, json=body) as response:
                    said = await response.json()
                self.answers += 1
                if response.status != 200 or said["result"].get("isError"):
                    self.faults.append(f"{response.status} {said}")

    async def more(self, count: int) -> None:
        """Return when so many further calls were answered."""
        wanted = self.answers + count
        async with asyncio.timeout(30):
            while self.answers < wanted:
                await asyncio.sleep(0.005)

    async def stop(self) -> None:
        self._stop.set()
        await asyncio.gather(*self._tasks)


async def pay(grant: Grant, **more: Any) -> Answer:
    message, said = modern("tools/call", {"name": "pay", "arguments": {"amount": 5}, **more})
    return await grant.post(message, **said)


async def test_nothing_is_lost_or_refused_while_the_key_is_replaced_under_load(
    pair: list[Gateway], upstream: Recorder
) -> None:
    grants, data = granted(pair, upstream.url), pair[0].data
    reply = upstream.reply
    assert isinstance(reply, Upstream)
    one, other = grants
    session = await initialize(one)
    waiting = asyncio.create_task(one.call("deploy", {"to": "prod"}, mcp_session_id=session))
    approval = await desk.asked(one)
    state = (await pay(one)).json["result"]["requestState"]
    async with (
        aiohttp.ClientSession() as client,
        client.get(one.url, headers=one.headers(mcp_session_id=session)) as stream,
    ):
        load = Load(grants)
        await load.more(20)
        for _ in range(ROTATIONS):
            await rotate(data)
        await load.more(20)
        repeated = asyncio.create_task(other.call("deploy", {"to": "prod"}, mcp_session_id=session))
        await desk.held(one, 2)
        assert [known.id for known in desk.of(one, "pending")] == [approval.id], "the repeat joins what was asked"
        desk.approve(pair[0], approval)
        assert {(await task).denied for task in (waiting, repeated)} == {True, False}
        answered = await pay(other, inputResponses={"sure": {"action": "accept"}}, requestState=state)
        assert answered.json["result"]["resultType"] == "complete", "a retry does not pay again"
        assert (await one.call("run", mcp_session_id=session)).headers["mcp-session-id"] == session
        assert (await rotate(data))["records"]["upstream_headers.sealed"] == {"done": 1, "broken": 0}
        event = b'data: {"jsonrpc":"2.0","method":"notifications/x"}\n\n'
        reply.send(event)
        async with asyncio.timeout(20):
            assert await stream.content.readexactly(len(event)) == event
        await load.stop()
    assert load.faults == []
    assert {call.header("x-key") for call in upstream.calls} == {"secret"}
    names = {decision.session for decision in one.decisions() if decision.session}
    assert len(names) == 1, "a session keeps its name, so its limits do not begin anew"
    assert verify(data / "journal", MasterKey.load(data).public_keys()).valid


async def test_the_old_key_can_be_deleted_and_everything_still_opens(pair: list[Gateway], upstream: Recorder) -> None:
    grants, data = granted(pair, upstream.url), pair[0].data
    assert not (await grants[0].call("run")).denied
    old = (await rotate(data))["old"]
    status, said = await toolgate("keys", "retire", old, "--now", "--data", str(data))
    assert status == 0, said
    assert not list(data.glob(f"*{old}*"))
    for gateway in pair:
        gateway.stop()
        gateway.start()
    assert {(await grant.call("run")).status for grant in grants} == {200}
    assert upstream.calls[-1].header("x-key") == "secret"
    status, said = await toolgate("audit", "verify", "--data", str(data))
    assert (status, said.splitlines()[-1][:6]) == (0, "valid:")


async def test_a_session_of_a_retired_key_ends_as_sessions_do(pair: list[Gateway], upstream: Recorder) -> None:
    one, _ = granted(pair, upstream.url)
    session = await initialize(one)
    old = (await rotate(one.gateway.data))["old"]
    assert (await one.call("run", mcp_session_id=session)).status == 200
    assert (await toolgate("keys", "retire", old, "--now", "--data", str(one.gateway.data)))[0] == 0
    assert (await one.call("run", mcp_session_id="tg1." + "A" * 80)).status == 404
    assert (await one.call("run", mcp_session_id=await initialize(one))).status == 200


async def test_a_wrapped_server_takes_part_in_a_rotation(start: Start) -> None:
    run = await held(start)
    rotated = await rotate(run.data)
    assert rotated["records"]["approvals.sealed"] == {"done": 1, "broken": 0}
    await decide(run, "approve")
    assert (await run.server_hears())["id"] == 1
    run.server_says(text(1, "removed"))
    while (said := await run.client_hears()).get("id") != 1:
        assert said
    assert said == text(1, "removed")
    assert verify(run.data / "journal", MasterKey.load(run.data).public_keys()).valid
