"""An MCP session as a client opens it, and the check that a gateway truly does the work."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
from bench.side_by_side.work import CLIENT, HANDSHAKE, NAME, STATELESS, TOOL, call, encode, text

Json = Any


class Refused(Exception):
    """The gateway did not do what the work asks for."""


@dataclass
class Session:
    """How calls go to one endpoint: its URL, the headers of each request, the tool's name there."""

    url: str
    headers: dict[str, str]
    stateless: bool = False
    tool: str = NAME
    meta: Json = None

    def headers_of(self, method: str, name: str | None = None) -> dict[str, str]:
        """The headers of one request; the stateless era names method and tool in them."""
        if not self.stateless:
            return self.headers
        return {**self.headers, "mcp-method": method, **({"mcp-name": name} if name else {})}


async def _post(client: aiohttp.ClientSession, session: Session, body: bytes, method: str) -> tuple[Json, Any]:
    name = session.tool if method == "tools/call" else None
    async with client.post(session.url, data=body, headers=session.headers_of(method, name)) as response:
        said = await response.read()
        if response.status not in (200, 202):
            raise Refused(f"{method}: {response.status} {said[:300]!r}")
        return _message(said), response.headers


def _message(said: bytes) -> Json:
    """The JSON-RPC answer, out of JSON or out of the one event that has it."""
    lines = [line[5:] for line in said.splitlines() if line.startswith(b"data:") and b'"result"' in line]
    if not said.strip():
        return None
    return json.loads(lines[0] if lines else said)


def _request(method: str, params: Json, session: Session) -> bytes:
    meta = {"_meta": session.meta} if session.meta else {}
    return encode({"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, **meta}})


def _fresh(url: str, headers: dict[str, str], stateless: bool) -> Session:
    base = {"content-type": "application/json", "accept": "application/json, text/event-stream", **headers}
    if not stateless:
        return Session(url, base)
    meta = {
        "io.modelcontextprotocol/protocolVersion": STATELESS,
        "io.modelcontextprotocol/clientInfo": CLIENT,
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    return Session(url, {**base, "mcp-protocol-version": STATELESS}, stateless=True, meta=meta)


async def _shake_hands(client: aiohttp.ClientSession, session: Session) -> None:
    params = {"protocolVersion": HANDSHAKE, "capabilities": {}, "clientInfo": CLIENT}
    said, headers = await _post(client, session, _request("initialize", params, session), "initialize")
    if said["result"]["protocolVersion"] != HANDSHAKE:
        raise Refused(f"initialize: {said}")
    session.headers["mcp-protocol-version"] = HANDSHAKE
    if opened := headers.get("mcp-session-id"):
        session.headers["mcp-session-id"] = opened
    note = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    await _post(client, session, encode(note), "notifications/initialized")


async def open_session(url: str, headers: dict[str, str], *, stateless: bool = False) -> Session:
    """Shake hands where the era has that, and find the tool, which some gateways rename; one call must come back equal.

    Raises `Refused` when an answer is not what the upstream gave.
    """
    session = _fresh(url, headers, stateless)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(30)) as client:
        if not stateless:
            await _shake_hands(client, session)
        listed, _ = await _post(client, session, _request("tools/list", {}, session), "tools/list")
        session.tool = _named(listed)
        called, _ = await _post(client, session, call(session.tool, 10_000_000, session.meta), "tools/call")
        result = called.get("result", {})
        if result.get("isError") or result.get("content") != [{"type": "text", "text": text("call 10000000")}]:
            raise Refused(f"tools/call: {called}")
    return session


async def close_sessions(sessions: Sequence[Session]) -> None:
    """Say goodbye, as clients do; a server need not know that word (405)."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(30)) as client:
        for session in sessions:
            if "mcp-session-id" in session.headers:
                async with client.delete(session.url, headers=session.headers) as response:
                    await response.read()


def _named(listed: Json) -> str:
    for tool in listed.get("result", {}).get("tools", []):
        if tool["name"].replace("-", "_").endswith(NAME) and tool["inputSchema"] == TOOL["inputSchema"]:
            return str(tool["name"])
    raise Refused(f"tools/list: {listed}")


async def first_session(url: str, headers: dict[str, str], alive: Any, *, stateless: bool = False) -> Session:
    """The first session that works, tried again while the gateway starts; `alive` raises when it never will."""
    while True:
        try:
            return await open_session(url, headers, stateless=stateless)
        except (aiohttp.ClientError, TimeoutError, Refused, KeyError, TypeError, ValueError) as error:
            alive(error)
            await asyncio.sleep(0.05)
