"""How the demo's MCP servers are started: over stdio, or over HTTP on a loopback port."""

from __future__ import annotations

import argparse
import asyncio
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import uvicorn
from mcp.server import MCPServer


def parser(module: str, description: str) -> argparse.ArgumentParser:
    """The options that every server of the demo has."""
    options = argparse.ArgumentParser(prog=f"python -m {module}", description=description)
    options.add_argument("--root", type=Path, default=Path(), help="the folder that is served (default: this one)")
    options.add_argument(
        "--http", type=int, metavar="PORT", help="serve HTTP on 127.0.0.1 (0: any free port); else stdio"
    )
    return options


def serve(server: MCPServer, port: int | None, say: Callable[[str], object] = sys.stderr.write) -> None:
    """Serve until stdin ends or the process is told to end; over HTTP `say` gets the address once it is bound."""
    if port is None:
        server.run("stdio")
        return
    with socket.create_server(("127.0.0.1", port)) as listening:
        say(f"serving http://127.0.0.1:{listening.getsockname()[1]}/mcp\n")
        config = uvicorn.Config(server.streamable_http_app(), log_level="warning")
        asyncio.run(uvicorn.Server(config).serve(sockets=[listening]))
