"""Drives the official Python SDK 2.x over streamable HTTP: `driver_mcp2.py URL TOKEN MODE`."""

import sys
from typing import Any

import httpx2
from dialogue import converse, drive
from mcp import Client
from mcp.client.streamable_http import streamable_http_client


async def main(url: str, token: str, mode: Any) -> None:
    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=60) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode, cache=None) as client,
    ):

        async def list_tools() -> dict[str, Any]:
            return {"tools": [tool.name for tool in (await client.list_tools()).tools]}

        async def call(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
            result = await client.call_tool(name, arguments)
            text = "".join(block.text for block in result.content if block.type == "text")
            return {"is_error": result.is_error, "text": text, "structured": result.structured_content}

        await converse(client.protocol_version, {"list": list_tools, "call": call})


drive(main(*sys.argv[1:]))
