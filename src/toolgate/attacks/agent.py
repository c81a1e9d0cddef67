"""The gullible agent: a real MCP client that does whatever it reads, so that no model is needed to play a victim.

It obeys every `CALL tool {json}` in definitions, results and error texts, also one that is written in invisible
characters of the tag block. `$LAST` in a text of the arguments stands for the result it read last.
"""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import httpx2
from mcp import Client
from mcp.client.client import ConnectMode
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, EmbeddedResource, TextContent, TextResourceContents, Tool

_DIRECTIVE: Final = re.compile(r"CALL ([A-Za-z0-9_.-]+) (?=\{)")
_READER: Final = json.JSONDecoder()
_TAGS: Final = {0xE0000 + code: chr(code) for code in range(0x20, 0x7F)}
_SECONDS: Final = 10.0
_PLAIN: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Trusts nobody: only loopback is spoken to, without TLS, and to load the machine's certificates takes 40 ms."""


@dataclass(slots=True, frozen=True)
class Heard:
    """What the agent read of one call: which, whether as an error, and the text."""

    tool: str
    failed: bool
    text: str


@dataclass(slots=True, frozen=True)
class Directive:
    """A call that a text asks for."""

    tool: str
    arguments: dict[str, Any]


Spoken = tuple[str, dict[str, Any]]
"""A tool and its arguments, as a server knows them."""


class Agent:
    """One agent with its connections.

    `owner` says which server of the case has a tool; `spoken` how a server calls it; `patience`: calls at most.
    """

    def __init__(
        self,
        connect: Callable[[str], AbstractAsyncContextManager[Client]],
        owner: Callable[[str], str],
        spoken: Callable[[str, str, dict[str, Any]], Spoken] = lambda _server, tool, arguments: (tool, arguments),
        patience: int = 300,
    ) -> None:
        self._connect = connect
        self._owner = owner
        self._spoken = spoken
        self._left = patience
        self._clients: dict[str, Client] = {}
        self._open = AsyncExitStack()
        self.heard: list[Heard] = []
        self.last = ""

    async def close(self) -> None:
        """End every connection."""
        await self._open.aclose()

    async def client(self, server: str) -> Client:
        """The connection to a server, opened at first use."""
        if server not in self._clients:
            self._clients[server] = await self._open.enter_async_context(self._connect(server))
        return self._clients[server]

    async def tools(self, server: str, *, obey: bool = True) -> list[Tool]:
        """Read the tools of a server, and obey what they say."""
        tools = await self._listed(server)
        if obey:
            for definition in tools:
                await self._obey(json.dumps(definition.model_dump(mode="json", by_alias=True), ensure_ascii=False))
        return tools

    async def _listed(self, server: str) -> list[Tool]:
        client = await self.client(server)
        try:
            return list((await client.list_tools()).tools)
        except MCPError as error:
            self._hear("tools/list", str(error), failed=True)
            return []

    async def call(self, server: str, tool: str, arguments: dict[str, Any], *, obey: bool = True) -> Heard:
        """Call a tool, and obey what comes back. A refusal is an answer like any other."""
        self._left -= 1
        client = await self.client(server)
        try:
            result = await client.call_tool(*self._spoken(server, tool, arguments))
            heard = self._hear(tool, _readable(result), failed=bool(result.is_error))
        except MCPError as error:
            heard = self._hear(tool, str(error), failed=True)
        if obey:
            await self._obey(heard.text)
        return heard

    def _hear(self, tool: str, text: str, *, failed: bool) -> Heard:
        heard = Heard(tool, failed, text)
        self.heard.append(heard)
        self.last = text if not failed else self.last
        return heard

    async def _obey(self, text: str) -> None:
        for directive in directives(text):
            if self._left <= 0:
                return
            arguments = {key: self._filled(value) for key, value in directive.arguments.items()}
            await self.call(self._owner(directive.tool), directive.tool, arguments)

    def _filled(self, value: Any) -> Any:
        return value.replace("$LAST", self.last) if isinstance(value, str) else value


def directives(text: str) -> Iterator[Directive]:
    """Every call that a text asks for, in order."""
    visible = text.translate(_TAGS)
    # Inside a definition, written as JSON, the quotes of a directive are escaped once.
    for candidate in (visible, visible.replace('\\"', '"')) if '\\"' in visible else (visible,):
        found = [_directive(candidate, match) for match in _DIRECTIVE.finditer(candidate)]
        read = [directive for directive in found if directive is not None]
        if read:
            yield from read
            return


def _directive(text: str, match: re.Match[str]) -> Directive | None:
    try:
        arguments, _ = _READER.raw_decode(text, match.end())
    except ValueError:
        return None
    return Directive(match[1], arguments)


def _readable(result: CallToolResult) -> str:
    """Everything that a model would be given to read of a result."""
    parts = []
    for block in result.content:
        if isinstance(block, TextContent):
            parts.append(block.text)
        elif isinstance(block, EmbeddedResource) and isinstance(block.resource, TextResourceContents):
            parts.append(block.resource.text)
    if result.structured_content is not None and not parts:
        parts.append(json.dumps(result.structured_content, ensure_ascii=False))
    return "\n".join(parts)


def loopback(timeout: float = _SECONDS, **options: Any) -> httpx2.AsyncClient:
    """An HTTP client for what listens on this machine; `options` are httpx2's."""
    return httpx2.AsyncClient(timeout=timeout, verify=_PLAIN, **options)


@asynccontextmanager
async def connection(url: str, headers: dict[str, str], mode: ConnectMode = "auto") -> AsyncIterator[Client]:
    """The official client on a streamable HTTP endpoint; nothing is cached."""
    async with (
        loopback(headers=headers) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode, cache=None) as client,
    ):
        yield client
