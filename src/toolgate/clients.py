"""What a person pastes into a client: to reach a server through the gateway, or through `toolgate run`.

Names are those of servers (letters, digits, `.`, `_`, `-`); `alias` makes one that every client takes.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

OverHttp = Callable[[str, str, str], str]
"""Name, address and token to the text to paste."""
OverStdio = Callable[[str, str, Sequence[str]], str]
"""Name, policy file and the server's own command to the text to paste."""


@dataclass(frozen=True)
class Form:
    """How one client is configured: where the text goes, and the page of its documentation that says so."""

    client: str
    place: str
    language: str
    http: OverHttp
    stdio: OverStdio
    source: str


@dataclass(frozen=True)
class Program:
    """How a program without a configuration of its own reaches a server: what to run."""

    client: str
    place: str
    language: str
    http: OverHttp


def alias(name: str) -> str:
    """The name without what some clients refuse in theirs."""
    return re.sub(r"[^A-Za-z0-9_-]", "-", name)


def claude_code(name: str, url: str, token: str) -> str:
    """The command that adds the server to Claude Code."""
    return f'claude mcp add --transport http {name} {shlex.quote(url)} --header "Authorization: Bearer {token}"'


def cursor(name: str, url: str, token: str) -> str:
    """The content of `.cursor/mcp.json`."""
    return _json("mcpServers", name, {"url": url, "headers": _authorization(token)})


def generic(name: str, url: str, token: str) -> str:
    """The form that most clients with a JSON configuration read."""
    return _json("mcpServers", name, {"type": "http", "url": url, "headers": _authorization(token)})


def wrapped(policy: str, command: Sequence[str]) -> list[str]:
    """The command that starts `command` behind a policy."""
    return ["toolgate", "run", "-c", policy, "--", *command]


def generic_stdio(name: str, policy: str, command: Sequence[str]) -> str:
    """The form that most clients read for a server that they start."""
    return _json("mcpServers", name, _started(wrapped(policy, command)))


def _claude_code_stdio(name: str, policy: str, command: Sequence[str]) -> str:
    return f"claude mcp add --transport stdio {name} -- {shlex.join(wrapped(policy, command))}"


def _claude_desktop(name: str, url: str, token: str) -> str:
    """Its file knows only servers that it starts; the header is a variable, as arguments may lose their spaces."""
    bridge = ["npx", "-y", "mcp-remote", url, "--header", "Authorization:${AUTHORIZATION}"]
    return _json("mcpServers", name, {**_started(bridge), "env": {"AUTHORIZATION": f"Bearer {token}"}})


def _vs_code(name: str, url: str, token: str) -> str:
    return _json("servers", name, {"type": "http", "url": url, "headers": _authorization(token)})


def _vs_code_stdio(name: str, policy: str, command: Sequence[str]) -> str:
    return _json("servers", name, {"type": "stdio", **_started(wrapped(policy, command))})


def _windsurf(name: str, url: str, token: str) -> str:
    return _json("mcpServers", name, {"serverUrl": url, "headers": _authorization(token)})


def _gemini(name: str, url: str, token: str) -> str:
    return _json("mcpServers", name, {"httpUrl": url, "headers": _authorization(token)})


def _codex(name: str, url: str, token: str) -> str:
    header = f'{{ "Authorization" = {json.dumps(f"Bearer {token}")} }}'
    return f"[mcp_servers.{name}]\nurl = {json.dumps(url)}\nhttp_headers = {header}"


def _codex_stdio(name: str, policy: str, command: Sequence[str]) -> str:
    program, *arguments = wrapped(policy, command)
    return f"[mcp_servers.{name}]\ncommand = {json.dumps(program)}\nargs = {json.dumps(arguments)}"


def _python(_name: str, url: str, token: str) -> str:
    return f"""\
import asyncio

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

URL = {json.dumps(url)}
HEADERS = {{"Authorization": {json.dumps(f"Bearer {token}")}}}


async def main() -> None:
    async with (
        httpx2.AsyncClient(headers=HEADERS, timeout=120) as http,
        Client(streamable_http_client(URL, http_client=http)) as client,
    ):
        for tool in (await client.list_tools()).tools:
            print(tool.name)


asyncio.run(main())"""


def _curl(_name: str, url: str, token: str) -> str:
    hello = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "curl", "version": "0"},
        },
    }
    return " \\\n  ".join(
        [
            f"curl -sS {shlex.quote(url)}",
            f'-H "Authorization: Bearer {token}"',
            '-H "Content-Type: application/json"',
            '-H "Accept: application/json, text/event-stream"',
            f"-d {shlex.quote(json.dumps(hello))}",
        ]
    )


def _authorization(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _started(command: Sequence[str]) -> dict[str, Any]:
    return {"command": command[0], "args": list(command[1:])}


def _json(section: str, name: str, entry: dict[str, Any]) -> str:
    return json.dumps({section: {name: entry}}, indent=2)


FORMS = (
    Form(
        "Claude Code",
        "a shell; `--scope project` writes `.mcp.json`",
        "sh",
        claude_code,
        _claude_code_stdio,
        "https://code.claude.com/docs/en/mcp",
    ),
    Form(
        "Claude Desktop",
        "`claude_desktop_config.json` (Settings, Developer, Edit Config)",
        "json",
        _claude_desktop,
        generic_stdio,
        "https://modelcontextprotocol.io/docs/develop/connect-local-servers",
    ),
    Form("Cursor", "`.cursor/mcp.json`", "json", cursor, generic_stdio, "https://cursor.com/docs/mcp"),
    Form(
        "VS Code",
        "`.vscode/mcp.json`",
        "json",
        _vs_code,
        _vs_code_stdio,
        "https://code.visualstudio.com/docs/copilot/reference/mcp-configuration",
    ),
    Form(
        "Windsurf",
        "`~/.codeium/windsurf/mcp_config.json`",
        "json",
        _windsurf,
        generic_stdio,
        "https://docs.windsurf.com/windsurf/cascade/mcp",
    ),
    Form(
        "Codex",
        "`~/.codex/config.toml`",
        "toml",
        _codex,
        _codex_stdio,
        "https://developers.openai.com/codex/mcp",
    ),
    Form(
        "Gemini CLI",
        "`~/.gemini/settings.json`",
        "json",
        _gemini,
        generic_stdio,
        "https://geminicli.com/docs/tools/mcp-server/",
    ),
    Form(
        "others",
        "most read this form",
        "json",
        generic,
        generic_stdio,
        "https://gofastmcp.com/integrations/mcp-json-configuration",
    ),
)
"""Every client whose shape was looked up, in the order of the page."""

PROGRAMS = (
    Program("Python SDK", "a file, run where the packages `mcp` and `httpx2` are", "python", _python),
    Program("curl", "a shell; the answer says that address and token are right", "sh", _curl),
)
"""For those who write a client, or want to see one answer."""
