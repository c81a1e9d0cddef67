"""The ways to a real server: over HTTP through a gateway, or over stdio through `toolgate run`."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx2
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import ElicitResult

from toolgate.demo.children import child
from toolgate.demo.stage import CommandLine, free_port

from .real import Real

SECONDS = 60.0
OVER_COMMAND = "HTTP → gateway → stdio"
OVER_HTTP = "HTTP → gateway → HTTP"
OVER_RUN = "stdio → `toolgate run` → stdio"


class Connection:
    """A client that is connected to a server in one of the ways, and the records of what it does."""

    def __init__(self, client: Client, command_line: CommandLine, grant: str) -> None:
        self.client = client
        self._command_line = command_line
        self._grant = grant

    def recorded(self) -> list[dict[str, Any]]:
        """The records of its tool calls, oldest first."""
        words = ["--grant", self._grant] if self._grant else []
        return [record for record in self._command_line.lines("audit", "list", *words) if record.get("tool")]


async def _elicited(context: Any, params: Any) -> ElicitResult:
    del context
    wanted = params.requested_schema["properties"]
    return ElicitResult(action="accept", content={"name": "Ada"} if "name" in wanted else {})


@asynccontextmanager
async def over_http(command_line: CommandLine, real: Real, folder: Path, *reach: str) -> AsyncIterator[Connection]:
    """Register the server as `reach` says, grant it, and connect to the gateway."""
    name = f"{real.name}-{folder.name}"
    command_line.json("server", "add", name, *reach)
    command_line.policy(name, real.policy)
    grant = command_line.json("grant", "add", "--server", name, "--policy", name, "--label", name)
    async with (
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {grant['token']}"}, timeout=SECONDS) as http,
        Client(
            streamable_http_client(grant["proxy_url"], http_client=http),
            mode="auto",
            cache=None,
            elicitation_callback=_elicited,
        ) as client,
    ):
        yield Connection(client, command_line, grant["id"])


def as_command(real: Real) -> list[str]:
    """The options that register it as a command."""
    variables = [f"--env={name}={value}" for name, value in real.variables.items()]
    return ["--command", shlex.join(real.command), *variables]


@contextmanager
def serving(real: Real, folder: Path) -> Iterator[list[str]]:
    """Start the server with a port of its own; gives the options that register its URL."""
    port = free_port()
    words = ["env", f"PORT={port}", *real.command, "streamableHttp"]
    with child(words, folder / "server.log", r"listening on port (\d+)"):
        yield ["--url", f"http://127.0.0.1:{port}/mcp", "--allow-private"]


@asynccontextmanager
async def over_run(real: Real, folder: Path) -> AsyncIterator[Connection]:
    """Connect to `toolgate run` in place of the server's own command."""
    policy, data = folder / "policy.json", folder / "data"
    policy.write_text(json.dumps(real.policy))
    words = ["-m", "toolgate", "run", "-c", str(policy), "--data", str(data), "--", *real.command]
    server = StdioServerParameters(command=sys.executable, args=words, env={**os.environ, **real.variables})
    with (folder / "run.log").open("w") as log:
        stdio = stdio_client(server, errlog=log)
        async with Client(stdio, mode="auto", cache=None, elicitation_callback=_elicited) as client:
            yield Connection(client, CommandLine(data), "")
