"""Drives the official Python SDK 1.x. Arguments and dialogue: README.md."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from importlib.metadata import version
from typing import Any

from dialogue import ELICITED, PATIENCE, SAMPLED, Progress, converse, drive, text_of
from mcp import ClientSession, StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.types import CreateMessageResult, ElicitResult, TextContent


async def elicited(_context: Any, _params: Any) -> ElicitResult:
    return ElicitResult(action="accept", content=dict(ELICITED))


async def sampled(_context: Any, _params: Any) -> CreateMessageResult:
    said = TextContent(type="text", text=SAMPLED)
    return CreateMessageResult(role="assistant", content=said, model="model", stopReason="endTurn")


@asynccontextmanager
async def connected(way: str, *where: str) -> AsyncIterator[tuple[Any, Any]]:
    if way == "stdio":
        command, *arguments = where
        server = StdioServerParameters(command=command, args=arguments, env=dict(os.environ))
        async with stdio_client(server) as streams:
            yield streams
    else:
        url, token = where
        async with (
            create_mcp_http_client(headers={"Authorization": f"Bearer {token}"}) as http,
            streamable_http_client(url, http_client=http) as (read, write, _),
        ):
            yield read, write


async def main(_mode: str, way: str, *where: str) -> None:
    async with (
        connected(way, *where) as (read, write),
        ClientSession(read, write, sampling_callback=sampled, elicitation_callback=elicited) as session,
    ):
        hello = await session.initialize()

        async def list_tools() -> dict[str, Any]:
            return {"tools": [tool.name for tool in (await session.list_tools()).tools]}

        async def call(
            name: str, arguments: dict[str, Any], progress: bool = False, timeout: float = PATIENCE
        ) -> dict[str, Any]:
            progressed = Progress()
            patience = timedelta(seconds=timeout)
            result = await session.call_tool(name, arguments, patience, progressed.note if progress else None)
            return {
                "is_error": result.isError,
                "text": text_of(result.content),
                "structured": result.structuredContent,
                "progress": progressed.seen,
            }

        async def read_resource(uri: Any) -> dict[str, Any]:
            return {"text": "".join(part.text for part in (await session.read_resource(uri)).contents)}

        verbs = {"list": list_tools, "call": call, "read": read_resource}
        await converse(str(hello.protocolVersion), f"mcp {version('mcp')}", verbs)


drive(main)
