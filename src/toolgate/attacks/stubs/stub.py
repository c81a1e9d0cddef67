"""What the harmless servers of the cases share: tools, what was asked of them, and what can be seen of it afterwards.

A stub believes everything: it checks no argument, no header and no caller, as the attacked servers did not. Its only
effects are the entries that it notes, files in a folder of its own, and requests on loopback.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from mcp.server.lowlevel import Server as Protocol
from mcp.server.transport_security import TransportSecuritySettings
from mcp_types import CallToolRequestParams, CallToolResult, ListToolsResult, TextContent, Tool
from starlette.types import ASGIApp

Arguments = dict[str, Any]
Definition = dict[str, Any]


class Failed(Exception):
    """What a tool reports as its error; the text reaches the agent."""


class Stub:
    """One server. Subclasses say their tools in `definitions` and answer each in a method `do_<tool>`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        """An empty folder that goes when the run ends."""
        self.noted: dict[str, list[str]] = {}
        self.calls: list[tuple[str, Arguments]] = []

    def definitions(self) -> list[Definition]:
        """The tools as `tools/list` shows them now."""
        raise NotImplementedError

    def instructions(self) -> str:
        """What the server says of itself in the handshake."""
        return ""

    def note(self, effect: str, entry: str) -> None:
        """Keep an entry under the name of an effect."""
        self.noted.setdefault(effect, []).append(entry)

    def hits(self, tool: str) -> int:
        """How many calls of a tool arrived."""
        return sum(name == tool for name, _ in self.calls)

    async def answer(self, tool: str, arguments: Arguments) -> str:
        """Carry out one call. Raises Failed."""
        self.calls.append((tool, arguments))
        carry_out: Callable[[Arguments], Awaitable[str]] | None = getattr(self, f"do_{tool}", None)
        if carry_out is None:
            raise Failed(f"unknown tool {tool}")
        return await carry_out(arguments)

    async def open(self) -> None:
        """Start what the server needs besides; called before the first request."""

    async def close(self) -> None:
        """End it."""

    def application(self) -> ASGIApp:
        """The server over streamable HTTP at `/mcp`, spoken by the official SDK."""
        protocol = Protocol("stub", instructions=self.instructions(), on_list_tools=self._list, on_call_tool=self._call)
        # A careless server: the SDK's own guard against rebinding is off, so that only the gateway's is seen.
        careless = TransportSecuritySettings(enable_dns_rebinding_protection=False)
        return protocol.streamable_http_app(json_response=True, stateless_http=True, transport_security=careless)

    async def _list(self, _context: object, _params: object) -> ListToolsResult:
        return ListToolsResult(tools=[Tool.model_validate(tool) for tool in self.definitions()])

    async def _call(self, _context: object, params: CallToolRequestParams) -> CallToolResult:
        try:
            text, failed = await self.answer(params.name, dict(params.arguments or {})), False
        except Failed as error:
            text, failed = str(error), True
        return CallToolResult(content=[TextContent(text=text)], is_error=failed)


def tool(
    name: str,
    description: str,
    properties: Mapping[str, Any] | None = None,
    *,
    optional: Mapping[str, Any] | None = None,
    annotations: Mapping[str, Any] | None = None,
) -> Definition:
    """A definition whose `properties` are required; a text stands for a property of type string."""
    required, other = _schemas(properties), _schemas(optional)
    schema: dict[str, Any] = {"type": "object", "properties": {**required, **other}, "required": list(required)}
    definition: Definition = {"name": name, "description": description, "inputSchema": schema}
    return {**definition, "annotations": dict(annotations)} if annotations else definition


def _schemas(properties: Mapping[str, Any] | None) -> dict[str, Any]:
    read = (properties or {}).items()
    return {name: {"type": "string", "description": said} if isinstance(said, str) else said for name, said in read}
