"""Configurations of MCP clients are found where the clients keep them, and read in the shape of each."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from toolgate.scanner import jsonc
from toolgate.scanner.configured import ConfigurationFile
from toolgate.scanner.machine import configurations, held_back, targets
from toolgate.scanner.places import CLIENTS, settings_folder
from toolgate.scanner.targets import Missing, Reached, Started, Target

ENVIRONMENT = {"PATH": "/usr/bin", "KEY": "s3cret", "NOT_INHERITED": "x"}


class Machine:
    """A home and a project in which files are written."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.project = folder / "project"

    def write(self, path: str, content: object) -> Path:
        place = self.home / path[2:] if path.startswith("~") else self.project / path[2:]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(content if isinstance(content, str) else json.dumps(content))
        return place

    def found(self, **environment: str) -> list[ConfigurationFile]:
        return configurations({**ENVIRONMENT, **environment}, self.home, self.project)

    def targets(self, **environment: str) -> dict[str, Target]:
        return {each.name: each for each in targets(self.found(**environment))}


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


NPX = {"command": "npx", "args": ["-y", "files"], "env": {"TOKEN": "t"}}


@pytest.mark.parametrize(
    ("client", "path", "content"),
    [
        ("Claude Desktop", "~/.config/Claude/claude_desktop_config.json", {"mcpServers": {"files": NPX}}),
        ("Claude Code", "~/.claude.json", {"numStartups": 3, "mcpServers": {"files": NPX}}),
        ("Claude Code", "./.mcp.json", {"mcpServers": {"files": {"type": "stdio", **NPX}}}),
        ("Cursor", "~/.cursor/mcp.json", {"mcpServers": {"files": NPX}}),
        ("Cursor", "./.cursor/mcp.json", {"mcpServers": {"files": NPX}}),
        ("VS Code", "~/.config/Code/User/mcp.json", {"servers": {"files": NPX}, "inputs": []}),
        ("VS Code", "~/.config/Code/User/profiles/1a2b/mcp.json", {"servers": {"files": NPX}}),
        ("VS Code", "~/.config/Code/User/settings.json", {"editor.tabSize": 2, "mcp": {"servers": {"files": NPX}}}),
        ("VS Code", "~/.config/VSCodium/User/settings.json", {"mcp.servers": {"files": NPX}}),
        ("VS Code", "./.vscode/mcp.json", '{\n  // ours\n  "servers": {"files": ' + json.dumps(NPX) + ",},\n}"),
        ("Windsurf", "~/.codeium/windsurf/mcp_config.json", {"mcpServers": {"files": NPX}}),
        ("Zed", "~/.config/zed/settings.json", {"context_servers": {"files": {"source": "custom", **NPX}}}),
        ("Zed", "./.zed/settings.json", {"context_servers": {"files": {"command": {"path": "npx", "args": NPX["args"],
                                                                                   "env": NPX["env"]}}}}),
        ("Gemini CLI", "~/.gemini/settings.json", {"mcpServers": {"files": NPX}}),
        ("Codex", "~/.codex/config.toml",
         '[mcp_servers.files]\ncommand = "npx"\nargs = ["-y", "files"]\n[mcp_servers.files.env]\nTOKEN = "t"\n'),
        ("Continue", "~/.continue/config.yaml",
         "mcpServers:\n  - name: files\n    command: npx\n    args: [-y, files]\n    env:\n      TOKEN: t\n"),
        ("Continue", "~/.continue/config.json",
         {"experimental": {"modelContextProtocolServers": [{"name": "files", "transport": {"type": "stdio", **NPX}}]}}),
        ("Continue", "./.continue/mcpServers/files.json", {"mcpServers": {"files": NPX}}),
        ("Cline", "~/.config/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json",
         {"mcpServers": {"files": {**NPX, "alwaysAllow": []}}}),
        ("Roo Code", "./.roo/mcp.json", {"mcpServers": {"files": NPX}}),
        ("opencode", "~/.config/opencode/opencode.json",
         {"mcp": {"files": {"type": "local", "command": ["npx", "-y", "files"], "environment": {"TOKEN": "t"}}}}),
        ("Goose", "~/.config/goose/config.yaml",
         "extensions:\n  files:\n    type: stdio\n    cmd: npx\n    args: [-y, files]\n    envs: {TOKEN: t}\n"),
    ],
)  # fmt: skip
def test_each_client_says_how_its_servers_are_started(
    machine: Machine, client: str, path: str, content: object
) -> None:
    file = machine.write(path, content)
    (target,) = targets(machine.found())
    assert (target.name, target.origins) == ("files", ((client, str(file)),))
    assert target.way == Started(("npx", "-y", "files"), {"PATH": "/usr/bin", "TOKEN": "t"})
    assert client in CLIENTS


@pytest.mark.parametrize(
    ("path", "entry", "headers"),
    [
        ("./.mcp.json", {"type": "http", "url": "https://m.example/mcp", "headers": {"X-Key": "${KEY}"}},
         {"x-key": "s3cret"}),
        ("~/.codeium/windsurf/mcp_config.json", {"serverUrl": "https://m.example/mcp"}, {}),
        ("~/.gemini/settings.json", {"httpUrl": "https://m.example/mcp", "headers": {"X-Key": "$KEY", "Accept": "x"}},
         {"x-key": "s3cret"}),
        ("~/.cursor/mcp.json", {"url": "https://m.example/mcp", "headers": {"Authorization": "Bearer ${env:KEY}"}},
         {"authorization": "Bearer s3cret"}),
    ],
)  # fmt: skip
def test_remote_servers_are_read_with_their_headers(
    machine: Machine, path: str, entry: dict[str, object], headers: dict[str, str]
) -> None:
    machine.write(path, {"mcpServers": {"remote": entry}})
    way = machine.targets()["remote"].way
    assert way == Reached("https://m.example/mcp", tuple(headers.items()), allow_private=True)


def test_codex_names_variables_that_hold_credentials(machine: Machine) -> None:
    text = '[mcp_servers.r]\nurl = "https://m.example"\nbearer_token_env_var = "KEY"\nenv_http_headers = {X = "KEY"}\n'
    machine.write("~/.codex/config.toml", text)
    way = machine.targets()["r"].way
    assert way == Reached("https://m.example", (("x", "s3cret"), ("authorization", "Bearer s3cret")), True)


def test_the_servers_of_every_project_of_claude_code_are_found_and_start_there(machine: Machine) -> None:
    machine.write("~/.claude.json", {"projects": {"/home/me/shop": {"mcpServers": {"files": NPX}}, "/home/me": {}}})
    way = machine.targets()["files"].way
    assert isinstance(way, Started)
    assert way.directory == "/home/me/shop"


def test_placeholders_are_filled_and_what_cannot_be_is_said(machine: Machine) -> None:
    entry = {
        "command": "${userHome}/bin/s",
        "args": ["--root", "${workspaceFolder}", "${MODE:-fast}"],
        "env": {"A": "${env:KEY}"},
    }
    asks = {"command": "s", "env": {"A": "${input:token}"}}
    machine.write("./.vscode/mcp.json", {"servers": {"one": entry, "two": asks}})
    found = machine.targets()
    words = (f"{machine.home}/bin/s", "--root", str(machine.project), "fast")
    assert found["one"].way == Started(words, {"PATH": "/usr/bin", "A": "s3cret"})
    assert found["two"].way == Missing("its configuration cannot be filled in: `input:token` is not set")


def test_one_server_in_two_clients_is_scanned_once_and_two_of_one_name_are_told_apart(machine: Machine) -> None:
    machine.write("~/.cursor/mcp.json", {"mcpServers": {"files": NPX, "mail": {"command": "a"}}})
    machine.write("~/.gemini/settings.json", {"mcpServers": {"files": NPX, "mail": {"command": "b"}}})
    found = machine.targets()
    assert sorted(found) == ["files", "mail (Cursor)", "mail (Gemini CLI)"]
    assert [client for client, _ in found["files"].origins] == ["Cursor", "Gemini CLI"]


def test_what_a_client_is_told_not_to_use_is_listed_and_not_scanned(machine: Machine) -> None:
    machine.write(
        "~/.cursor/mcp.json", {"mcpServers": {"a": {**NPX, "disabled": True}, "b": {**NPX, "enabled": False}}}
    )
    (file,) = machine.found()
    assert [(each.name, each.off) for each in file.servers] == [("a", True), ("b", True)]
    assert machine.targets() == {}


@pytest.mark.parametrize(
    "entry",
    [{}, {"command": 5}, {"command": ["a", {}]}, {"command": "a", "args": "x y", "env": []}, {"url": ""},
     {"url": "https://m.example", "headers": {"X": {}}}, {"url": "https://m.example", "headers": {"é": "x"}},
         {"url": "https://m.example", "headers": {"X": "a\r\nB: c"}}],
    ids=json.dumps,
)  # fmt: skip
def test_an_entry_of_no_known_shape_is_named_and_never_started(machine: Machine, entry: object) -> None:
    machine.write("~/.cursor/mcp.json", {"mcpServers": {"odd": entry, "files": NPX}})
    found = machine.targets()
    assert isinstance(found["odd"].way, Missing)
    assert isinstance(found["files"].way, Started)


@pytest.mark.parametrize(
    "content", ["{", "[]", "null", '"x"', "[" * 200_000, '{"mcpServers": 5}', '{"mcpServers": ["x"]}']
)
def test_a_file_that_cannot_be_read_is_no_end(machine: Machine, content: str) -> None:
    machine.write("~/.cursor/mcp.json", content)
    machine.write("~/.gemini/settings.json", {"mcpServers": {"files": NPX}})
    broken, good = machine.found()
    assert broken.servers == ()
    assert [each.name for each in good.servers] == ["files"]


def test_a_problem_never_repeats_what_stands_in_the_file(machine: Machine) -> None:
    machine.write("~/.codex/config.toml", 'token = "s3cret" oops')
    (file,) = machine.found()
    assert file.problem == "is no TOML"
    (target,) = machine.targets().values()
    assert target.way == Missing(f"`{file.path}` is no TOML")


def test_no_secret_stands_in_what_is_shown_of_a_target(machine: Machine) -> None:
    entry = {"url": "https://me:s3cret@m.example/s3cret?key=s3cret", "headers": {"Authorization": "s3cret"}}
    machine.write("~/.cursor/mcp.json", {"mcpServers": {"r": entry, "c": {"command": "c", "args": ["s3cret"]}}})
    for target in machine.targets().values():
        assert "s3cret" not in target.way.shown
    assert "s3cret" not in repr(machine.targets()["r"])


def test_other_platforms_keep_settings_elsewhere(tmp_path: Path) -> None:
    assert settings_folder(tmp_path, {}, "darwin") == tmp_path / "Library/Application Support"
    assert settings_folder(tmp_path, {"APPDATA": "/roaming"}, "win32") == Path("/roaming")
    assert settings_folder(tmp_path, {"XDG_CONFIG_HOME": "/xdg"}, "linux") == Path("/xdg")


def test_a_client_may_be_told_to_keep_its_files_elsewhere(machine: Machine) -> None:
    folder = machine.home / "elsewhere"
    machine.write("~/elsewhere/config.toml", '[mcp_servers.files]\ncommand = "npx"\n')
    assert list(machine.targets(CODEX_HOME=str(folder))) == ["files"]


def test_a_command_that_nobody_agreed_to_is_not_started_and_an_address_is_still_asked() -> None:
    assert isinstance(held_back(Target("c", Started(("c",)))).way, Missing)
    assert isinstance(held_back(Target("r", Reached("https://m.example"))).way, Reached)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1, /* x */ "b": [1, 2, ], // y\n}', {"a": 1, "b": [1, 2]}),
        ('{"a": "// no /* comment, ] }"}', {"a": "// no /* comment, ] }"}),
        ('\ufeff{"a": "\\"//"}', {"a": '"//'}),
        ("[1, // last\n]", [1]),
    ],
)
def test_comments_and_last_commas_are_left_out_of_settings(text: str, value: object) -> None:
    assert jsonc.decode(text) == value
