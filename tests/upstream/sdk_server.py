"""A server made with the official SDK, both eras, over stdio: what tests ask of a real one."""

import os
from pathlib import Path
from typing import Annotated, Any

import anyio
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.resolve import Elicit, Resolve, Sample
from mcp_types import CreateMessageResult, SamplingMessage, TextContent
from pydantic import BaseModel

server: MCPServer[None] = MCPServer("reference", version="1.0.0", log_level="WARNING")


class Name(BaseModel):
    name: str


def ask_name() -> Elicit[Name]:
    return Elicit("Who are you?", Name)


def ask_model() -> Sample:
    return Sample([SamplingMessage(role="user", content=TextContent(type="text", text="Say something."))], max_tokens=9)


def write_down(file: str, state: str) -> None:
    Path(file).write_text(state)


@server.tool()
def echo(text: str) -> str:
    """Say it again."""
    return text


@server.tool()
def pid() -> int:
    """Which process this is."""
    return os.getpid()


@server.tool()
def secret() -> str:
    """What agents are not to know of."""
    return "the secret"


@server.tool()
def leave() -> str:
    """Die in the middle of a call."""
    os._exit(7)


@server.tool()
async def count(ctx: Context[None, Any], to: int) -> str:
    """Count, with progress on the way."""
    for number in range(1, to + 1):
        await ctx.report_progress(number, to)
    return f"counted to {to}"


@server.tool()
async def change(ctx: Context[None, Any]) -> str:
    """Tell listeners that the tools changed."""
    await ctx.notify_tools_changed()
    return "told"


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
async def wait(file: str) -> str:
    """Wait until somebody cancels, and write down that it happened."""
    write_down(file, "waiting")
    try:
        await anyio.sleep_forever()
    finally:
        write_down(file, "cancelled")
    return "never"


if __name__ == "__main__":
    server.run("stdio")
