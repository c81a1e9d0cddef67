"""A small files server, which the demo uses on a machine without cargo: four tools over one folder.

`python -m toolgate.demo.files --root DIR` speaks stdio, with `--http PORT` streamable HTTP at /mcp on 127.0.0.1.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import Field

from toolgate.demo.command import below
from toolgate.demo.serving import parser, serve

FilePath = Annotated[str, Field(description="Path relative to the served folder.")]
READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
WRITES = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False)


class Files:
    """The tools, as methods."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve(strict=True)

    def _file(self, path: str) -> Path:
        found = below(self.root, "path", path)
        if not found.is_file():
            raise ToolError(f"there is no file `{path}`")
        return found

    def list_files(self) -> list[str]:
        """Name the files of the served folder."""
        return sorted(str(path.relative_to(self.root)) for path in self.root.rglob("*") if path.is_file())

    def read_file(self, path: FilePath) -> str:
        """Read a text file."""
        return self._file(path).read_text(errors="replace")

    def write_file(self, path: FilePath, text: str) -> str:
        """Write a text file, in a folder that exists."""
        target = below(self.root, "path", path)
        if target.is_dir() or not target.parent.is_dir():
            raise ToolError(f"`{path}` can not be written: its folder is missing, or it is a folder itself")
        target.write_text(text)
        return f"{len(text)} characters written"

    def delete_file(self, path: FilePath) -> str:
        """Delete a file."""
        self._file(path).unlink()
        return "deleted"


def files_server(root: Path) -> MCPServer[None]:
    """The server over the files below `root`; raises FileNotFoundError without it."""
    tools = Files(root)
    server: MCPServer[None] = MCPServer("files", title="Files", version="1.0.0", log_level="WARNING")
    server.add_tool(tools.list_files, annotations=READS)
    server.add_tool(tools.read_file, annotations=READS)
    server.add_tool(tools.write_file, annotations=WRITES)
    server.add_tool(tools.delete_file, annotations=WRITES)
    return server


def main() -> int:
    """Start the server from the command line; 1 where the folder is missing."""
    given = parser("toolgate.demo.files", "An MCP server for the files of one folder.").parse_args()
    try:
        server = files_server(given.root)
    except FileNotFoundError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    serve(server, given.http)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
