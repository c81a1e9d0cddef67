"""What a person pastes into a client to reach a server through the gateway."""

from __future__ import annotations

import json


def claude_code(name: str, url: str, token: str) -> str:
    """The command that adds the server to Claude Code."""
    return f'claude mcp add --transport http {name} {url} --header "Authorization: Bearer {token}"'


def cursor(name: str, url: str, token: str) -> str:
    """The content of `.cursor/mcp.json`."""
    server = {"url": url, "headers": {"Authorization": f"Bearer {token}"}}
    return json.dumps({"mcpServers": {name: server}}, indent=2)


def generic(name: str, url: str, token: str) -> str:
    """The form that most clients with a JSON configuration read."""
    server = {"type": "http", "url": url, "headers": {"Authorization": f"Bearer {token}"}}
    return json.dumps({"mcpServers": {name: server}}, indent=2)
