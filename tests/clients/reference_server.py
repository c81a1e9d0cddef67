"""The server behind the gateway in the client tests: the official SDK, both eras, over stdio, or HTTP with `--http`."""

import asyncio
import socket
import sys
from pathlib import Path
from typing import Annotated, Any

import uvicorn
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.resolve import Elicit, Resolve, Sample
from mcp.server.streamable_http import EventCallback, EventMessage, EventStore
from mcp_types import CreateMessageResult, JSONRPCMessage, SamplingMessage, TextContent
from pydantic import BaseModel

RETRY = 50
"""Milliseconds after which a client opens a closed stream again."""

server: MCPServer[None] = MCPServer("reference", version="1.0.0", log_level="WARNING")


class Name(BaseModel):
    name: str


class Events(EventStore):
    """Every event of every stream, kept in memory: what `Last-Event-ID` needs."""

    def __init__(self) -> None:
        self._events: list[tuple[str, JSONRPCMessage | None]] = []

    async def store_event(self, stream_id: str, message: JSONRPCMessage | None) -> str:
        self._events.append((stream_id, message))
        return str(len(self._events))

    async def replay_events_after(self, last_event_id: str, send_callback: EventCallback) -> str:
        seen = int(last_event_id)
        stream = self._events[seen - 1][0]
        for number, (of, message) in enumerate(self._events[seen:], seen + 1):
            if of == stream and message is not None:
                await send_callback(EventMessage(message, str(number)))
        return stream


def ask_name() -> Elicit[Name]:
    return Elicit("Who are you?", Name)


def ask_model() -> Sample:
    return Sample([SamplingMessage(role="user", content=TextContent(type="text", text="Say something."))], max_tokens=9)


@server.tool()
def echo(text: str) -> str:
    """Say it again."""
    return text


@server.tool()
def add(a: int, b: int) -> int:
    """Add two whole numbers."""
    return a + b


@server.tool()
async def count(ctx: Context[None, Any], to: int) -> str:
    """Count, with progress on the way."""
    for number in range(1, to + 1):
        await ctx.report_progress(number, to)
    return f"counted to {to}"


@server.tool()
def fail(reason: str) -> str:
    """Fail as a tool does."""
    raise ToolError(reason)


@server.tool()
def big(size: int) -> str:
    """Answer with that many characters."""
    return "x" * size


@server.tool()
def greet(who: Annotated[Name, Resolve(ask_name)]) -> str:
    """Ask the user for a name, and greet."""
    return f"hello {who.name}"


@server.tool()
def think(said: Annotated[CreateMessageResult, Resolve(ask_model)]) -> str:
    """Ask the client's model."""
    assert isinstance(said.content, TextContent)
    return f"the model said {said.content.text}"


@server.tool()
async def interrupted(ctx: Context[None, Any]) -> str:
    """Close the stream of this call, so that the answer can only be had by resuming it."""
    await ctx.close_sse_stream()
    return "resumed"


@server.tool()
def once(file: str) -> str:
    """Do what must not be done twice: every run adds a line to the file."""
    with Path(file).open("a") as runs:
        runs.write("run\n")
    return "done"


@server.tool()
def limited() -> str:
    """What a policy counts."""
    return "counted"


@server.tool()
def secret() -> str:
    """What agents are not to know of."""
    return "the secret"


@server.resource("reference://open")
def opened() -> str:
    """A resource that a policy may allow."""
    return "open to all"


@server.resource("reference://closed")
def closed() -> str:
    """A resource that a policy may refuse."""
    return "closed"


def over_http() -> None:
    """Serve on a free loopback port, which is printed."""
    app = server.streamable_http_app(event_store=Events(), retry_interval=RETRY)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        print(f"serving http://127.0.0.1:{listening.getsockname()[1]}/mcp", flush=True)
        asyncio.run(uvicorn.Server(uvicorn.Config(app, log_level="warning")).serve(sockets=[listening]))


if __name__ == "__main__":
    over_http() if "--http" in sys.argv else server.run("stdio")
