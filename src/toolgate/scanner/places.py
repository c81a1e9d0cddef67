"""Where MCP clients keep their configurations, and in which shape. Data; none was tried with the client itself.

Paths begin with the home directory (`~`), with the folder of the platform for settings (`{config}`), with a variable
that moves a client's folder, or with the project that one stands in (`./`). `*` stands for any part of a name.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

Notation: TypeAlias = Literal["json", "toml", "yaml"]


@dataclass(slots=True, frozen=True)
class Place:
    """Files of one client. `sections` are where its servers stand in them: keys from the root, `*` for each of many.

    `home` names a variable that holds another directory in place of the first part of the path.
    """

    client: str
    path: str
    sections: tuple[str, ...] = ("mcpServers",)
    notation: Notation = "json"
    home: str = ""


_EXTENSIONS: Final = (
    ("Cline", "saoudrizwan.claude-dev/settings/cline_mcp_settings.json"),
    ("Roo Code", "rooveterinaryinc.roo-cline/settings/mcp_settings.json"),
    ("Kilo Code", "kilocode.kilo-code/settings/mcp_settings.json"),
)
_EDITORS: Final = ("Code", "Code - Insiders", "VSCodium", "Cursor", "Windsurf")
"""Folders of the editors that take these extensions."""
_CODEX: Final = ("mcp_servers",)
_ZED: Final = ("context_servers",)
_CONTINUE: Final = ("mcpServers", "experimental.modelContextProtocolServers")

PLACES: Final = (
    Place("Claude Desktop", "{config}/Claude/claude_desktop_config.json"),
    Place("Claude Code", "~/.claude.json", ("mcpServers", "projects.*.mcpServers"), home="CLAUDE_CONFIG_DIR"),
    Place("Claude Code", "./.mcp.json"),
    Place("Claude Code", "/etc/claude-code/managed-mcp.json"),
    Place("Claude Code", "/Library/Application Support/ClaudeCode/managed-mcp.json"),
    Place("Cursor", "~/.cursor/mcp.json"),
    Place("Cursor", "./.cursor/mcp.json"),
    *(Place("VS Code", f"{{config}}/{name}/User/mcp.json", ("servers",)) for name in _EDITORS[:3]),
    *(Place("VS Code", f"{{config}}/{name}/User/profiles/*/mcp.json", ("servers",)) for name in _EDITORS[:3]),
    *(Place("VS Code", f"{{config}}/{name}/User/settings.json", ("mcp.servers",)) for name in _EDITORS[:3]),
    Place("VS Code", "./.vscode/mcp.json", ("servers",)),
    Place("Windsurf", "~/.codeium/windsurf/mcp_config.json"),
    Place("Windsurf", "~/.codeium/windsurf-next/mcp_config.json"),
    Place("Zed", "~/.config/zed/settings.json", _ZED),
    Place("Zed", "{config}/Zed/settings.json", _ZED),
    Place("Zed", "./.zed/settings.json", _ZED),
    Place("Gemini CLI", "~/.gemini/settings.json"),
    Place("Gemini CLI", "./.gemini/settings.json"),
    Place("Gemini CLI", "/etc/gemini-cli/settings.json"),
    Place("Codex", "~/.codex/config.toml", _CODEX, "toml", home="CODEX_HOME"),
    Place("Codex", "./.codex/config.toml", _CODEX, "toml"),
    Place("Continue", "~/.continue/config.yaml", _CONTINUE, "yaml"),
    Place("Continue", "~/.continue/config.json", _CONTINUE),
    Place("Continue", "~/.continue/mcpServers/*.yaml", _CONTINUE, "yaml"),
    Place("Continue", "./.continue/mcpServers/*.yaml", _CONTINUE, "yaml"),
    Place("Continue", "./.continue/mcpServers/*.json", _CONTINUE),
    *(
        Place(client, f"{{config}}/{editor}/User/globalStorage/{file}")
        for client, file in _EXTENSIONS
        for editor in _EDITORS
    ),
    Place("Cline", "~/.cline/data/settings/cline_mcp_settings.json"),
    Place("Roo Code", "./.roo/mcp.json"),
    Place("Kilo Code", "./.kilocode/mcp.json"),
    Place("Kiro", "~/.kiro/settings/mcp.json"),
    Place("Kiro", "./.kiro/settings/mcp.json"),
    Place("Amazon Q", "~/.aws/amazonq/mcp.json"),
    Place("Copilot CLI", "~/.copilot/mcp-config.json"),
    Place("Junie", "~/.junie/mcp/mcp.json"),
    Place("Junie", "./.junie/mcp/mcp.json"),
    Place("LM Studio", "~/.lmstudio/mcp.json"),
    Place("opencode", "~/.config/opencode/opencode.json", ("mcp",)),
    Place("opencode", "./opencode.json", ("mcp",)),
    Place("Goose", "~/.config/goose/config.yaml", ("extensions",), "yaml"),
)
CLIENTS: Final = tuple(dict.fromkeys(place.client for place in PLACES))
"""Every client that is looked for."""


def files(
    home: Path, project: Path, environment: Mapping[str, str], platform: str = sys.platform
) -> Iterator[tuple[Place, Path]]:
    """Every file of every place that is there, once."""
    seen: set[Path] = set()
    for place in PLACES:
        for path in _matches(_root(place, home, project, environment, platform)):
            if path not in seen:
                seen.add(path)
                yield place, path


def _root(place: Place, home: Path, project: Path, environment: Mapping[str, str], platform: str) -> Path:
    if place.home and environment.get(place.home):
        return Path(environment[place.home]) / Path(place.path).name
    if place.path.startswith("~/"):
        return home / place.path[2:]
    if place.path.startswith("./"):
        return project / place.path[2:]
    return Path(place.path.replace("{config}", str(settings_folder(home, environment, platform))))


def settings_folder(home: Path, environment: Mapping[str, str], platform: str = sys.platform) -> Path:
    """Where programs of this platform keep what a user has set."""
    if platform == "darwin":
        return home / "Library" / "Application Support"
    if platform == "win32":
        return Path(environment.get("APPDATA") or home / "AppData" / "Roaming")
    return Path(environment.get("XDG_CONFIG_HOME") or home / ".config")


def _matches(path: Path) -> list[Path]:
    """The files that a path with `*` stands for; a folder that may not be read holds none."""
    parts = path.parts
    wild = next((number for number, part in enumerate(parts) if "*" in part), None)
    try:
        if wild is None:
            return [path] if path.is_file() else []
        return sorted(it for it in Path(*parts[:wild]).glob("/".join(parts[wild:])) if it.is_file())
    except OSError:
        return []
