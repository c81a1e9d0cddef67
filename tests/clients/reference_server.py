"""The server behind the gateway in the client tests: the official SDK, both eras, over HTTP on a free port."""

from typing import Any

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError

from toolgate.demo.serving import serve

server: MCPServer[None] = MCPServer("reference", version="1.0.0", log_level="WARNING")


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
def secret() -> str:
    """What agents are not to know of."""
    return "the secret"


if __name__ == "__main__":
    serve(server, 0)
