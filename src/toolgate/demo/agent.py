"""The agent of the tour: the official Python client, with the grant's token."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TextIO

import httpx2
from mcp import Client
from mcp.client.client import ConnectMode
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, TextContent

SECONDS = 120.0


@dataclass(slots=True)
class Answer:
    """What the agent read: was it an error, and the text."""

    denied: bool
    text: str


class Agent:
    """One connection of the agent."""

    def __init__(self, client: Client) -> None:
        self.client = client

    @property
    def revision(self) -> str:
        """The protocol revision that client and server agreed on through the gateway."""
        return self.client.protocol_version

    async def tools(self) -> list[str]:
        """The names that `tools/list` shows, over all pages."""
        page = await self.client.list_tools()
        names = [tool.name for tool in page.tools]
        while page.next_cursor:
            page = await self.client.list_tools(cursor=page.next_cursor)
            names += [tool.name for tool in page.tools]
        return names

    async def call(self, tool: str, arguments: dict[str, Any], heard: Callable[[str], None] | None = None) -> Answer:
        """Call a tool; a denial is an answer like any other. `heard` is told what the agent is told meanwhile."""

        async def told(progress: float, total: float | None, message: str | None) -> None:  # noqa: ARG001 - the SDK's names
            if heard is not None:
                heard(message or "")

        result = await self.client.call_tool(tool, arguments, progress_callback=told if heard else None)
        return Answer(result.is_error or False, _readable(result))


def _readable(result: CallToolResult) -> str:
    """What a program printed where the result is structured so, else the text blocks."""
    structured = result.structured_content
    if isinstance(structured, dict) and isinstance(structured.get("stdout"), str):
        return str(structured["stdout"] or structured["stderr"])
    texts = [block.text for block in result.content if isinstance(block, TextContent)]
    return "\n".join(texts) or json.dumps(structured)


@asynccontextmanager
async def agent(url: str, token: str | None, mode: ConnectMode = "auto") -> AsyncIterator[Agent]:
    """Connect to `url`; `legacy` is the era of handshakes, `auto` takes the newest revision that both sides know.

    Nothing is cached, so that a changed policy shows at the very next request.
    """
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=SECONDS) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode, cache=None) as client,
    ):
        yield Agent(client)


@asynccontextmanager
async def wrapped_agent(words: Sequence[str], log: TextIO) -> AsyncIterator[Agent]:
    """Start `words`, a server that speaks stdio, and connect to it; what it says on standard error goes to `log`."""
    server = StdioServerParameters(command=words[0], args=list(words[1:]), env=dict(os.environ))
    async with Client(stdio_client(server, errlog=log), mode="auto", cache=None) as client:
        yield Agent(client)
