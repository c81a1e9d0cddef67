"""Drives the official Python SDK 1.x over streamable HTTP: `driver_mcp1.py URL TOKEN legacy`."""

import sys
from typing import Any

from dialogue import converse, drive
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client


async def main(url: str, token: str) -> None:
    http = create_mcp_http_client(headers={"Authorization": f"Bearer {token}"})
    async with (
        http,
        streamable_http_client(url, http_client=http) as (read, write, _),
        ClientSession(read, write) as session,
    ):
        hello = await session.initialize()

        async def list_tools() -> dict[str, Any]:
            return {"tools": [tool.name for tool in (await session.list_tools()).tools]}

        async def call(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
            result = await session.call_tool(name, arguments)
            text = "".join(block.text for block in result.content if block.type == "text")
            return {"is_error": result.isError, "text": text, "structured": result.structuredContent}

        await converse(str(hello.protocolVersion), {"list": list_tools, "call": call})


drive(main(sys.argv[1], sys.argv[2]))
