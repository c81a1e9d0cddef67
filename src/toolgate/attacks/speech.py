"""Calls as clients write them, in both eras of the protocol, for plays that look at the very bytes."""

from __future__ import annotations

import json
from typing import Any, Final, NamedTuple

MODERN: Final = "2026-07-28"
_META: Final = "io.modelcontextprotocol/"
_CLIENT: Final = {
    f"{_META}protocolVersion": MODERN,
    f"{_META}clientInfo": {"name": "agent", "version": "0"},
    f"{_META}clientCapabilities": {"sampling": {}, "elicitation": {"form": {}, "url": {}}},
}


class Spoken(NamedTuple):
    """A body and the headers that go with it, named as `Scene.post` takes them."""

    body: bytes
    headers: dict[str, str]


def message(method: str, params: dict[str, Any], id_: int = 1) -> bytes:
    """A JSON-RPC request as the body of a POST."""
    return json.dumps({"jsonrpc": "2.0", "id": id_, "method": method, "params": params}).encode()


def tool_call(tool: str, arguments: dict[str, Any], id_: int = 1) -> bytes:
    """The same, for a `tools/call` as the handshake era has it."""
    return message("tools/call", {"name": tool, "arguments": arguments}, id_)


def call(tool: str, arguments: dict[str, Any], *, modern: bool, **more: Any) -> Spoken:
    """A `tools/call`, of revision 2026-07-28 or of the one before it; `more` are further parameters."""
    params: dict[str, Any] = {"name": tool, "arguments": arguments, **more}
    if not modern:
        return Spoken(message("tools/call", params), {"mcp_protocol_version": "2025-11-25"})
    headers = {"mcp_protocol_version": MODERN, "mcp_method": "tools/call", "mcp_name": tool}
    return Spoken(message("tools/call", {**params, "_meta": _CLIENT}), headers)
