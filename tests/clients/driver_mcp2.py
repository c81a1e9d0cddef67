"""Drives the official Python SDK 2.x. Arguments and dialogue: README.md."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

import httpx2
from dialogue import ELICITED, PATIENCE, SAMPLED, Progress, converse, drive, text_of
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CreateMessageResult, ElicitResult, TextContent


async def elicited(_context: Any, _params: Any) -> ElicitResult:
    return ElicitResult(action="accept", content=dict(ELICITED))


async def sampled(_context: Any, _params: Any) -> CreateMessageResult:
    said = TextContent(type="text", text=SAMPLED)
    return CreateMessageResult(role="assistant", content=said, model="model", stop_reason="endTurn")


@asynccontextmanager
async def server(way: str, *where: str) -> AsyncIterator[Any]:
    if way == "stdio":
        command, *arguments = where
        yield StdioServerParameters(command=command, args=arguments, env=dict(os.environ))
    else:
        url, token = where
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx2.AsyncClient(headers=headers, timeout=PATIENCE) as http:
            yield streamable_http_client(url, http_client=http)


async def main(mode: Any, way: str, *where: str) -> None:
    async with (
        server(way, *where) as target,
        Client(target, mode=mode, cache=None, sampling_callback=sampled, elicitation_callback=elicited) as client,
    ):

        async def list_tools() -> dict[str, Any]:
            return {"tools": [tool.name for tool in (await client.list_tools()).tools]}

        async def call(
            name: str, arguments: dict[str, Any], progress: bool = False, timeout: float = PATIENCE
        ) -> dict[str, Any]:
            progressed = Progress()
            result = await client.call_tool(name, arguments, timeout, progressed.note if progress else None)
            return {
                "is_error": result.is_error,
                "text": text_of(result.content),
                "structured": result.structured_content,
                "progress": progressed.seen,
            }

        async def read_resource(uri: str) -> dict[str, Any]:
            return {"text": "".join(part.text for part in (await client.read_resource(uri)).contents)}

        verbs = {"list": list_tools, "call": call, "read": read_resource}
        await converse(client.protocol_version, f"mcp {version('mcp')}", verbs)


drive(main)
