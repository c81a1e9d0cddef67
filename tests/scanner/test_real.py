"""Servers as their makers publish them, scanned: each tool judged as somebody who read its definition would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.servers.real import NODE, PACKAGES

pytestmark = pytest.mark.slow

PYTHON_SERVERS = Path(__file__).parents[2] / ".venvs/pyservers/bin"


def scanned(*command: str, code: int = 1) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The one server of a scan, and its findings beside those of risk."""
    words = [sys.executable, "-m", "toolgate", "scan", "--no-store", "--json", "--", *command]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == code, done.stderr
    found = json.loads(done.stdout)
    return found["servers"][0], [it for it in found["findings"] if not it["rule"].endswith("-tool")]


def categories(server: dict[str, Any]) -> dict[str, set[str]]:
    return {
        category: {tool["name"] for tool in server["tools"] if tool["category"] == category}
        for category in server["counts"]
        if server["counts"][category]
    }


def published(name: str, *arguments: str) -> list[str]:
    missing = [path for path in (NODE, PACKAGES) if not path.exists()]
    if missing:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"needs {missing[0]}: `make clients`")
    return [str(NODE), str(PACKAGES / f"server-{name}" / "dist/index.js"), *arguments]


def test_cargo_is_as_specified() -> None:
    server, findings = scanned(sys.executable, "-m", "toolgate.demo.cargo")
    assert categories(server) == {
        "Read": {"check", "tree"},
        "Write": {"add", "update"},
        "Execute": {"audit", "build", "clippy", "doc", "fmt", "run", "test"},
        "Destructive": {"remove"},
    }
    run = next(tool for tool in server["tools"] if tool["name"] == "run")
    assert run["signals"] == ["Accepts file system path (path)", "High parameter count (17 properties)"]
    assert [it["rule"] for it in findings] == ["open-schemas"]


def test_the_server_that_shows_every_feature() -> None:
    server, findings = scanned(*published("everything"), code=1)
    read = categories(server)["Read"]
    assert {"echo", "get-sum", "get-env", "get-tiny-image", "get-structured-content"} <= read
    assert server["items"] == {"instructions": 1, "prompt": 4, "resource": 7, "template": 2}
    assert [it["rule"] for it in findings] == ["open-schemas"]


def test_the_file_system_server(tmp_path: Path) -> None:
    server, findings = scanned(*published("filesystem", str(tmp_path)), code=1)
    found = categories(server)
    assert {"read_text_file", "list_directory", "search_files", "get_file_info", "directory_tree"} <= found["Read"]
    assert {"create_directory", "edit_file", "move_file"} == found["Write"]
    assert found["Destructive"] == {"write_file"}, "it overwrites without asking, and says so"
    assert [it["rule"] for it in findings] == ["open-schemas"]


def test_the_memory_server() -> None:
    server, findings = scanned(*published("memory"), code=1)
    assert categories(server) == {
        "Read": {"read_graph", "search_nodes", "open_nodes"},
        "Write": {"create_entities", "create_relations", "add_observations"},
        "Destructive": {"delete_entities", "delete_relations", "delete_observations"},
    }
    assert server["items"]["resource"] == 1
    assert [it["rule"] for it in findings] == ["open-schemas"]


def packaged(name: str, *arguments: str) -> list[str]:
    """A server of a Python package."""
    program = PYTHON_SERVERS / name
    if not program.exists():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"needs {program}: `make clients`")
    return [str(program), *arguments]


def test_the_git_server_of_a_python_package(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    server, findings = scanned(*packaged("mcp-server-git", "--repository", str(tmp_path)), code=1)
    found = categories(server)
    assert {"git_status", "git_diff", "git_diff_staged", "git_diff_unstaged", "git_log", "git_show"} <= found["Read"]
    assert {"git_commit", "git_add", "git_create_branch"} <= found["Write"]
    assert found["Destructive"] == {"git_reset"}
    assert "Financial" not in found
    assert [it["rule"] for it in findings] == ["open-schemas"]


def test_the_time_server_of_a_python_package() -> None:
    server, _ = scanned(*packaged("mcp-server-time"), code=0)
    assert categories(server) == {"Read": {"get_current_time", "convert_time"}}
