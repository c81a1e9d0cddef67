"""Drives fastmcp 3.x and 4.x, each by its own interpreter. Arguments and dialogue: README.md."""

import os
from importlib.metadata import version
from typing import Any

from dialogue import ELICITED, PATIENCE, SAMPLED, Progress, converse, drive, text_of
from fastmcp import Client
from fastmcp.client.transports import StdioTransport, StreamableHttpTransport

VERSION = version("fastmcp")


async def elicited(_message: str, _response_type: Any, _params: Any, _context: Any) -> dict[str, str]:
    return dict(ELICITED)


async def sampled(_messages: Any, _params: Any, _context: Any) -> str:
    return SAMPLED


def transport(way: str, *where: str) -> StdioTransport | StreamableHttpTransport:
    if way == "stdio":
        command, *arguments = where
        return StdioTransport(command, arguments, env=dict(os.environ), keep_alive=False)
    url, token = where
    return StreamableHttpTransport(url, headers={"Authorization": f"Bearer {token}"})


async def main(mode: str, way: str, *where: str) -> None:
    # 3.x knows the handshake era alone, and caches nothing.
    era: dict[str, Any] = {} if VERSION.startswith("3.") else {"mode": mode, "cache": False}
    handlers = {"sampling_handler": sampled, "elicitation_handler": elicited}
    async with Client(transport(way, *where), timeout=PATIENCE, **handlers, **era) as client:
        revision = client.protocol_version if era else client.initialize_result.protocolVersion

        async def list_tools() -> dict[str, Any]:
            return {"tools": [tool.name for tool in await client.list_tools()]}

        async def call(
            name: str, arguments: dict[str, Any], progress: bool = False, timeout: float = PATIENCE
        ) -> dict[str, Any]:
            progressed = Progress()
            result = await client.call_tool(
                name,
                arguments,
                timeout=timeout,
                progress_handler=progressed.note if progress else None,
                raise_on_error=False,
            )
            return {
                "is_error": result.is_error,
                "text": text_of(result.content),
                "structured": result.structured_content,
                "progress": progressed.seen,
            }

        async def read_resource(uri: str) -> dict[str, Any]:
            return {"text": "".join(part.text for part in await client.read_resource(uri))}

        verbs = {"list": list_tools, "call": call, "read": read_resource}
        await converse(str(revision), f"fastmcp {VERSION}", verbs)


drive(main)
