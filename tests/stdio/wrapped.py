"""`toolgate run` as a process; the test is its client, and pulls the strings of its server."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
from tests.demo.endings import alive

PATIENCE = 30.0
LIMIT = 64 * 1024 * 1024
PUPPET = Path(__file__).with_name("puppet.py")
ALLOW: dict[str, Any] = {"version": "1", "default": "allow"}
TOOLS = [
    {"name": name, "inputSchema": {"type": "object", "properties": {"n": {"type": "integer"}}}}
    for name in ("echo", "remove", "hidden")
]
INITIALIZE = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
MODERN = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}


def message(method: str, id_: object = None, **params: Any) -> dict[str, Any]:
    said: dict[str, Any] = {"jsonrpc": "2.0", "method": method, "params": params}
    return said if id_ is None else {**said, "id": id_}


def call(id_: object, tool: str = "echo", **arguments: Any) -> dict[str, Any]:
    return message("tools/call", id_, name=tool, arguments=arguments)


def result(id_: object, **members: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": id_, "result": members}


def text(id_: object, words: str) -> dict[str, Any]:
    return result(id_, content=[{"type": "text", "text": words}])


def raw(said: dict[str, Any] | bytes) -> bytes:
    return (said if isinstance(said, bytes) else json.dumps(said).encode()) + b"\n"


class Wrapped:
    """One running wrapper. `place` is a short directory: sockets have short names."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.policy = place / "policy.json"
        self.data = place / "data"
        self.process: asyncio.subprocess.Process
        self.family: list[psutil.Process] = []
        self._strings: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()

    def write_policy(self, policy: dict[str, Any] | bytes) -> None:
        """Exchange the file, as editors do."""
        new = self.policy.with_suffix(".new")
        new.write_bytes(policy if isinstance(policy, bytes) else json.dumps(policy).encode())
        new.replace(self.policy)

    async def start(self, *options: str, command: Sequence[str] = (), upstream: str = "", **environment: str) -> None:
        """Start the wrapper; with the puppet as its server, until that is on its strings."""
        behind = ["--upstream", upstream] if upstream else ["--", *(command or (sys.executable, str(PUPPET)))]
        path = self.place / f"strings{os.getpid()}.{id(self)}"
        self._listener = await asyncio.start_unix_server(
            lambda *ends: self._strings.put_nowait(ends), path, limit=LIMIT
        )
        toolgate = [sys.executable, "-m", "toolgate", "run", "-c", str(self.policy), "--data", str(self.data)]
        self.process = await asyncio.create_subprocess_exec(
            *toolgate,
            *options,
            *behind,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "PUPPET": str(path), **environment},
            limit=LIMIT,
        )
        if not command and not upstream:
            self.server_reads, self.server_writes = await asyncio.wait_for(self._strings.get(), PATIENCE)
            self.family = psutil.Process(self.process.pid).children(recursive=True)

    # --- the test as client

    def client_says(self, *said: dict[str, Any] | bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(b"".join(map(raw, said)))

    async def client_hears(self) -> Any:
        return json.loads(await self.client_line())

    async def client_line(self) -> bytes:
        assert self.process.stdout is not None
        return await asyncio.wait_for(self.process.stdout.readline(), PATIENCE)

    async def complaint(self, words: str) -> str:
        """The next line on standard error that holds these words."""
        assert self.process.stderr is not None
        while line := await asyncio.wait_for(self.process.stderr.readline(), PATIENCE):
            if words in line.decode(errors="replace"):
                return line.decode(errors="replace")
        raise AssertionError(f"nothing was said of `{words}`")

    # --- the test as server

    def server_says(self, *said: dict[str, Any] | bytes) -> None:
        self.server_writes.write(b"".join(map(raw, said)))

    async def server_line(self) -> bytes:
        return (await asyncio.wait_for(self.server_reads.readline(), PATIENCE)).rstrip(b"\n")

    async def server_hears(self) -> Any:
        return json.loads(await self.server_line())

    async def lists_tools(self, tools: list[dict[str, Any]] = TOOLS, **more: Any) -> dict[str, Any]:
        """Answer the wrapper's own question for the tools."""
        asked: dict[str, Any] = await self.server_hears()
        assert asked["method"] == "tools/list", asked
        self.server_says(result(asked["id"], tools=tools, **more))
        return asked

    async def handshake(self, **capabilities: Any) -> None:
        self.client_says(message("initialize", 0, **INITIALIZE))
        asked = await self.server_hears()
        self.server_says(
            result(
                asked["id"],
                protocolVersion="2025-11-25",
                capabilities={"tools": {}, **capabilities},
                serverInfo={"name": "puppet", "version": "1"},
            )
        )
        assert (await self.client_hears())["id"] == 0
        self.client_says(message("notifications/initialized"))
        assert (await self.server_hears())["method"] == "notifications/initialized"

    async def ready(self) -> None:
        """After the handshake, with the tools known."""
        await self.handshake()
        self.client_says(message("tools/list", "tools"))
        await self.lists_tools()
        await self.client_hears()

    # --- the end

    async def ended(self) -> int:
        return await asyncio.wait_for(self.process.wait(), PATIENCE)

    async def close(self) -> int:
        """The client leaves, the server follows; nothing may be left."""
        assert self.process.stdin is not None
        if self.process.returncode is None and not self.process.stdin.is_closing():
            self.process.stdin.close()
        if hasattr(self, "server_writes"):
            self.server_writes.close()
        status = await self.ended()
        self._listener.close()
        assert alive(self.family) == []
        return status

    def records(self) -> list[dict[str, Any]]:
        """Everything in the journal, in order."""
        files = sorted((self.data / "journal").glob("*.jsonl"))
        lines = [line for file in files if file.name != "checkpoints.jsonl" for line in file.read_text().splitlines()]
        return [json.loads(line) for line in lines]

    def decisions(self, **wanted: object) -> list[dict[str, Any]]:
        return [r for r in self.records() if r["kind"] == "decision" and wanted.items() <= r.items()]

    def outcomes(self, decision_id: str) -> list[str]:
        return [r["result"] for r in self.records() if r["kind"] == "outcome" and r["decision_id"] == decision_id]

    async def finished(self, *words: str) -> tuple[int, str]:
        """Status and standard error of another command."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, *words, stdin=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
        )
        _, said = await asyncio.wait_for(process.communicate(), PATIENCE)
        assert process.returncode is not None
        return process.returncode, said.decode()
