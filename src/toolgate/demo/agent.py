"""The agent of the tour: the official Python client, with the grant's token."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
from mcp import Client
from mcp.client.client import ConnectMode
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

    async def call(self, tool: str, arguments: dict[str, Any]) -> Answer:
        """Call a tool; a denial is an answer like any other."""
        result = await self.client.call_tool(tool, arguments)
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
