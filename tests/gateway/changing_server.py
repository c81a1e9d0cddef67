"""A server made with the official SDK whose tools are what a file says at this moment: descriptions by name.

python changing_server.py TOOLS.JSON
"""

import json
import socket
import sys
from pathlib import Path

import uvicorn
from mcp.server import MCPServer

file = Path(sys.argv[1])
server: MCPServer[None] = MCPServer("changing", version="1.0.0", log_level="WARNING")


def work() -> str:
    return "done"


def renew() -> None:
    said = json.loads(file.read_text(encoding="utf-8"))
    for tool in server._tool_manager.list_tools():
        server.remove_tool(tool.name)
    for name, description in said.items():
        server.add_tool(work, name=name, description=description)


class Renewing:
    """Each request sees what the file says then."""

    def __init__(self, app: object) -> None:
        self.app = app

    async def __call__(self, scope: object, receive: object, send: object) -> None:
        renew()
        await self.app(scope, receive, send)  # type: ignore[operator]


if __name__ == "__main__":
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"serving http://127.0.0.1:{listener.getsockname()[1]}/mcp", flush=True)
    uvicorn.Server(uvicorn.Config(Renewing(server.streamable_http_app()), log_level="warning")).run([listener])
