"""A client of the official SDK that the suite judges: `python -m tests.conformance.client URL`.

With `CONFORMANCE_GATEWAY` (a JSON list of data directory and port) it registers the suite's server at that gateway and
speaks to it through there, so that the suite judges what the gateway sends to servers.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import ElicitResult

from toolgate.store import grants, policies, servers
from toolgate.store.changes import announce
from toolgate.store.database import latest_change, open_database

GATEWAY = "CONFORMANCE_GATEWAY"
POLICY = json.dumps({"version": "1", "default": "allow"})
_SAMPLES: Mapping[str, Any] = {"number": 1, "integer": 1, "boolean": True, "object": {}, "array": []}


def way_to(url: str) -> tuple[str, dict[str, str]]:
    """Where to connect, and with which headers."""
    if GATEWAY not in os.environ:
        return url, {}
    data, port = json.loads(os.environ[GATEWAY])
    engine, name = open_database(Path(data)), uuid.uuid4().hex
    server = servers.add(engine, "test", name, url)
    policy = policies.put(engine, "test", name, POLICY)
    minted = grants.add(engine, "test", server=server.id, policy=policy.name, label=name)
    assert announce(Path(data), latest_change(engine), timeout=10).complete
    engine.dispose()
    return f"http://127.0.0.1:{port}/mcp/{server.id}/", {"authorization": f"Bearer {minted.token}"}


async def elicited(context: Any, params: Any) -> ElicitResult:
    """Accept with the defaults of the form."""
    properties = params.requested_schema.get("properties", {})
    return ElicitResult(action="accept", content={name: _sample(schema) for name, schema in properties.items()})


def _sample(schema: Mapping[str, Any]) -> Any:
    return schema.get("default", _SAMPLES.get(schema.get("type", ""), "text"))


async def use(client: Client, scenario: str, wanted: list[dict[str, Any]]) -> None:
    """Call what the suite wants called, else every tool; read every resource and prompt where it looks at that."""
    tools = {tool.name: tool.input_schema for tool in (await client.list_tools()).tools}
    if scenario == "json-schema-2020-12-preservation":
        focal = tools.pop("json_schema_2020_12_tool")
        wanted = [{"name": name, "arguments": {"schema": focal}} for name in tools]
    every: list[dict[str, Any]] = [{"name": name, "arguments": _arguments(schema)} for name, schema in tools.items()]
    for call in wanted or every:
        await client.call_tool(call["name"], call["arguments"])
    if scenario == "http-standard-headers":
        for resource in (await client.list_resources()).resources:
            await client.read_resource(resource.uri)
        for prompt in (await client.list_prompts()).prompts:
            await client.get_prompt(prompt.name)


def _arguments(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _sample(each) for name, each in schema.get("properties", {}).items()}


async def main(url: str) -> None:
    scenario, version = os.environ["MCP_CONFORMANCE_SCENARIO"], os.environ["MCP_CONFORMANCE_PROTOCOL_VERSION"]
    wanted = json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT", "{}")).get("toolCalls", [])
    # the server of `request-metadata` refuses the first revision that it is offered: only who negotiates goes on
    modern = "auto" if scenario == "request-metadata" else "2026-07-28"
    mode: Any = modern if version == "2026-07-28" else "legacy"
    target, headers = way_to(url)
    async with (
        httpx2.AsyncClient(headers=headers, timeout=30) as http,
        Client(
            streamable_http_client(target, http_client=http), mode=mode, cache=None, elicitation_callback=elicited
        ) as client,
    ):
        if scenario != "initialize":
            await use(client, scenario, wanted)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
