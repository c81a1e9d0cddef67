"""A real gateway process on a data directory of its own, and an upstream that records every byte it is sent."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import aiohttp
from sqlalchemy.engine import Engine

from toolgate.audit.reader import entries
from toolgate.audit.records import AnyEntry, Decision, Outcome, read_line
from toolgate.store import definitions, grants, policies, servers
from toolgate.store.changes import announce
from toolgate.store.database import latest_change, open_database
from toolgate.store.definitions import seen_of
from toolgate.upstream.discovery import USER_AGENT

Json = Any
ALLOW_ALL = {"version": "1", "default": "allow"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Gateway:
    """`toolgate serve` as a child process, and the store behind it."""

    program = "toolgate"
    """The module that is started."""

    def __init__(self, data: Path, *options: str) -> None:
        self.data = data
        self.options = options
        self.port = free_port()
        self.control_port = free_port()
        self.log = data / "serve.log"
        self.process: subprocess.Popen[bytes] | None = None
        self._engine: Engine | None = None
        self._names = 0

    def start(self) -> Self:
        self.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        command = [sys.executable, "-m", self.program, "serve", "--data", str(self.data), "--port", str(self.port)]
        command += ["--control-port", str(self.control_port), *self.options]
        with self.log.open("ab") as log:
            before = log.tell()
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._wait_until_listening(before)
        return self

    def _wait_until_listening(self, offset: int) -> None:
        deadline = time.monotonic() + 60
        assert self.process is not None
        while b"listening on" not in self.log.read_bytes()[offset:]:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the gateway did not start: {self.log.read_text()}")
            time.sleep(0.02)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        status = self.process.wait(timeout=30)
        self.process = None
        return status

    @property
    def engine(self) -> Engine:
        if self._engine is None:
            self._engine = open_database(self.data)
        return self._engine

    def close(self) -> None:
        if self.process is not None:
            self.stop()
        if self._engine is not None:
            self._engine.dispose()

    def name(self, kind: str) -> str:
        self._names += 1
        return f"{kind}-{self._names}"

    def settle(self) -> None:
        """Return when the gateway acts on every change that was written."""
        assert announce(self.data, latest_change(self.engine), timeout=10.0).complete

    def add_server(self, url: str, tools: Sequence[Json] = (), *, pin: bool = False) -> str:
        server = servers.add(self.engine, "test", self.name("server"), url, pin=pin)
        if tools:
            seen = [seen_of(json.dumps(tool).encode()) for tool in tools]
            definitions.saw(self.engine, "test", server.id, seen, trusted=True)
        return server.id

    def put_policy(self, document: Json, name: str | None = None) -> str:
        policy = policies.put(self.engine, "test", name or self.name("policy"), json.dumps(document))
        return policy.name

    def grant(self, server: str, document: Json | None = None, **options: Any) -> Grant:
        policy = self.put_policy(document) if document is not None else None
        minted = grants.add(self.engine, "test", server=server, policy=policy, label=self.name("grant"), **options)
        self.settle()
        return Grant(self, minted.grant.id, minted.token, server, policy or "")

    def journal(self) -> list[AnyEntry]:
        return [read_line(located.line) for located in entries(self.data / "journal")]

    def decisions(self, grant_id: str) -> list[Decision]:
        return [entry for entry in self.journal() if isinstance(entry, Decision) and entry.grant_id == grant_id]

    async def outcomes(self, *decisions: Decision) -> list[Outcome]:
        """How these calls ended; entries of endings may follow the answer by some milliseconds."""
        async with asyncio.timeout(10):
            while True:
                found = {entry.decision_id: entry for entry in self.journal() if isinstance(entry, Outcome)}
                if all(decision.decision_id in found for decision in decisions):
                    return [found[decision.decision_id] for decision in decisions]
                await asyncio.sleep(0.005)


@dataclass
class Grant:
    """One grant as its holder uses it."""

    gateway: Gateway
    id: str
    token: str
    server: str
    policy: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.gateway.port}/mcp/{self.server}/"

    def headers(self, **extra: str) -> dict[str, str]:
        base = {
            "authorization": f"Bearer {self.token}",
            "content-type": "application/json",
            "accept": "application/json, text/event-stream",
        }
        return {**base, **{name.replace("_", "-"): value for name, value in extra.items()}}

    async def post(self, body: bytes | Json, **headers: str) -> Answer:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.url, data=data, headers=self.headers(**headers)) as response,
        ):
            headers = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status, headers, await response.read())

    async def call(self, tool: str, arguments: Json | None = None, id_: int = 1, **headers: str) -> Answer:
        return await self.post(call(tool, arguments, id_), **headers)

    def decisions(self) -> list[Decision]:
        return self.gateway.decisions(self.id)

    def use(self, document: Json) -> None:
        self.gateway.put_policy(document, self.policy)
        self.gateway.settle()


def call(tool: str, arguments: Json | None = None, id_: int = 1) -> Json:
    params = {"name": tool, "arguments": arguments if arguments is not None else {}}
    return {"jsonrpc": "2.0", "id": id_, "method": "tools/call", "params": params}


def modern(method: str, params: Json, id_: int = 1) -> tuple[Json, dict[str, str]]:
    """A request of revision 2026-07-28 and its headers."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    headers = {"mcp_protocol_version": "2026-07-28", "mcp_method": method}
    if "name" in params:
        headers["mcp_name"] = params["name"]
    message = {"jsonrpc": "2.0", "id": id_, "method": method, "params": {**params, "_meta": meta}}
    return message, headers


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Json:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return str(self.json["result"]["content"][0]["text"])

    @property
    def denied(self) -> bool:
        return self.status == 200 and self.json["result"].get("isError") is True and "[POLICY DENIED]" in self.text


@dataclass
class Received:
    """One request as it arrived at the upstream, byte for byte."""

    verb: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def json(self) -> Json:
        return json.loads(self.body)

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name), None)


Reply = Callable[[Received, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Recorder:
    """A raw HTTP server: keeps what it is sent, answers as the test says (by default: an empty tool result).

    The control process asks servers whose tools nobody knows; what it sends is answered, but not kept.
    """

    reply: Reply
    received: list[Received] = field(default_factory=list)
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""
    _server: asyncio.Server | None = None
    _serving: set[asyncio.Task[None]] = field(default_factory=set)

    async def start(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=64 * 1024 * 1024)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/mcp"
        return self

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        await self._server.wait_closed()

    async def saw(self, verb: str) -> Received:
        """The first request with this verb, as soon as it is there."""
        async with asyncio.timeout(20):
            while (found := next((one for one in self.received if one.verb == verb), None)) is None:
                await asyncio.sleep(0.005)
        return found

    @property
    def calls(self) -> list[Received]:
        return [one for one in self.received if one.verb == "POST" and b"tools/call" in one.body]

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                while True:
                    request = await _read(reader)
                    if request.header("user-agent") != USER_AGENT.decode():
                        self.received.append(request)
                    if not await self._answer(request, reader, writer):
                        return
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _answer(self, request: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Whether the client still was there when the answer was complete."""
        answering = asyncio.ensure_future(self.reply(request, writer))
        gone = asyncio.ensure_future(_until_closed(reader))
        await asyncio.wait({answering, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not answering.done():
            self.hung_up.set()
            answering.cancel()
            return False
        gone.cancel()
        answering.result()
        return True


async def _until_closed(reader: asyncio.StreamReader) -> None:
    while not reader.at_eof():
        await asyncio.sleep(0.005)


async def _read(reader: asyncio.StreamReader) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    lines = head.split("\r\n")
    verb, target, _ = lines[0].split(" ")
    headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines[1:] if line)]
    length = re.search(r"(?i)\r\ncontent-length: *(\d+)", head)
    body = await reader.readexactly(int(length.group(1))) if length else b""
    return Received(verb, target, headers, body)


def http(status: int, body: bytes, *headers: tuple[str, str], kind: str = "application/json") -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"content-type: {kind}", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def plain(request: Received, writer: asyncio.StreamWriter) -> None:
    """Answer every request with an ordinary result, every notification with 202."""
    message = json.loads(request.body) if request.body else {}
    if "id" not in message:
        writer.write(http(202, b""))
        return
    result: Json = {"content": [{"type": "text", "text": "done"}], "isError": False}
    if message["method"] == "tools/list":
        result = {"tools": [{"name": "run", "inputSchema": {"type": "object"}}]}
    writer.write(http(200, json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}).encode()))


def events(*messages: Json, first: bytes = b"") -> bytes:
    """The head and the events of a stream that ends with its connection's chunk."""
    data = first + b"".join(b"event: message\ndata: " + json.dumps(message).encode() + b"\n\n" for message in messages)
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    return head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(data), data)
