"""A gateway that keeps what a file says, while agents call through it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest
from tests.cli.conftest import POLICY, Peer, Toolgate
from tests.cli.test_serve import CALL, HEADERS, free_port

DENY = POLICY.replace('"run": {}', '"run": {"action": "deny", "reason": "not today"}')

SPEAKING = """
import json, os, sys
TOOL = {"name": "run", "inputSchema": {"type": "object"}}
ABOUT = {"capabilities": {"tools": {}}, "serverInfo": {"name": "notes", "version": "1"}}
for line in sys.stdin:
    asked = json.loads(line)
    if "id" not in asked:
        continue
    if asked["method"] == "initialize":
        result = {"protocolVersion": asked["params"]["protocolVersion"], **ABOUT}
    elif asked["method"] == "tools/list":
        result = {"tools": [TOOL]}
    else:
        result = {"content": [{"type": "text", "text": os.environ.get("KEY", "")}]}
    print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}), flush=True)
"""


class Running:
    """One gateway process and what it says on standard error."""

    def __init__(self, url: str, control: str, said: IO[str], token_file: Path) -> None:
        self.url = url
        self._control = control
        self._said = said
        self._token_file = token_file

    def until(self, words: str) -> str:
        """Read on until a line holds the words."""
        for line in self._said:
            if words in line:
                return line
        raise AssertionError(f"the gateway ended without saying `{words}`")

    def call(self, server_id: str) -> dict[str, Any]:
        """One call of `run`, as a client of revision 2026-07-28 makes it."""
        headers = {**HEADERS, "Authorization": f"Bearer {self._token_file.read_text().strip()}"}
        url = f"{self.url}/mcp/{server_id}/"
        try:
            with urllib.request.urlopen(urllib.request.Request(url, json.dumps(CALL).encode(), headers)) as answer:
                decoded: dict[str, Any] = json.loads(answer.read())["result"]
                return decoded
        except urllib.error.HTTPError as error:
            with error:
                raise AssertionError(f"{url} answered {error.code}: {error.read()!r}") from error

    def ready(self) -> dict[str, Any]:
        """What the control port says."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self._control}/readyz") as answer:
            facts: dict[str, Any] = json.loads(answer.read())
            return facts


@pytest.fixture
def file(tmp_path: Path, peer: Peer, policy_file: Path) -> Path:
    written = tmp_path / "toolgate.yaml"
    described = {
        "version": "1",
        "servers": {"cargo": {"url": peer.url}},
        "policies": {"careful": {"file": policy_file.name}},
        "grants": {"ci": {"server": "cargo", "policy": "careful", "token_file": "ci.token"}},
    }
    written.write_text(json.dumps(described))
    return written


@pytest.fixture
def serving(toolgate: Toolgate, tmp_path: Path) -> Callable[..., Any]:
    """Starts a gateway on a configuration file; ends it at the end of the block."""

    @contextmanager
    def start(file: Path, *options: str) -> Iterator[Running]:
        control = free_port()
        command = [sys.executable, "-m", "toolgate", "serve", "--port", free_port(), "--control-port", control]
        process = subprocess.Popen([*command, "--config", str(file), *options], stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None
        running = Running("", control, process.stderr, tmp_path / "ci.token")
        try:
            running.url = running.until("listening on ").split()[-1]
            yield running
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate()
        assert process.returncode == 0

    return start


@pytest.mark.slow
def test_a_changed_policy_file_holds_at_the_next_call_and_a_bad_one_changes_nothing(
    toolgate: Toolgate, serving: Callable[..., Any], file: Path, policy_file: Path
) -> None:
    with serving(file) as gateway:
        [server] = toolgate("server", "list", "--json").json
        assert "isError" not in gateway.call(server["id"])
        assert gateway.ready()["configuration"]["error"] is None
        policy_file.write_text(DENY)
        gateway.until("~ policy careful: revision 1 -> 2")
        denied = gateway.call(server["id"])
        assert denied["isError"] is True
        assert "not today" in json.dumps(denied)
        policy_file.write_text(DENY.replace("deny", "dent"))
        gateway.until("is not applied, what was in force stays")
        gateway.until("error: policy.json: /default: ")
        assert gateway.call(server["id"])["isError"] is True
        facts = gateway.ready()
        assert facts["status"] == "ready"
        assert facts["configuration"]["file"] == str(file)
        assert "policy.json" in facts["configuration"]["error"]
        policy_file.write_text(POLICY)
        gateway.until("in force again")
        gateway.until("~ policy careful: revision 2 -> 3")
        assert "isError" not in gateway.call(server["id"])


@pytest.mark.slow
def test_a_server_that_moves_keeps_its_address_at_the_gateway(
    toolgate: Toolgate, serving: Callable[..., Any], file: Path, peer: Peer
) -> None:
    with serving(file) as gateway:
        [server] = toolgate("server", "list", "--json").json
        assert "isError" not in gateway.call(server["id"])
        file.write_text(file.read_text().replace(peer.url, f"{peer.url}/moved"))
        gateway.until("/moved")
        assert "isError" not in gateway.call(server["id"])
        assert peer.path == "/mcp/moved"


@pytest.mark.slow
def test_what_the_file_no_longer_names_goes_when_pruning_was_asked_for(
    toolgate: Toolgate, serving: Callable[..., Any], file: Path
) -> None:
    with serving(file, "--prune") as gateway:
        described = json.loads(file.read_text())
        file.write_text(json.dumps({**described, "grants": {}}))
        gateway.until("- grant ci: revoked")
        [grant] = toolgate("grant", "list", "--json").json
        assert grant["state"] == "revoked"


@pytest.mark.slow
def test_a_bad_file_ends_the_start_before_anything_listens(toolgate: Toolgate, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("version: '1'\nservers: {cargo: {}}\ngrants: {ci: {server: cargo}}\n")
    options = ("--port", "0", "--control-port", "0", "--config", str(tmp_path / "bad.yaml"))
    done = toolgate.spawn("serve", *options, code=2)
    assert "/servers/cargo: a server has either a `url` or a `command`" in done.err
    assert "/grants/ci: the key `policy` is missing" in done.err
    assert "listening" not in done.err
    assert re.search(r"^error: .*the control process could not start$", done.err, re.MULTILINE)


@pytest.mark.slow
def test_a_command_of_the_file_is_started_with_its_secret(
    toolgate: Toolgate, serving: Callable[..., Any], tmp_path: Path, policy_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "server.py"
    script.write_text(SPEAKING)
    monkeypatch.setenv("NOTES_KEY", "s3cret")
    described = {
        "version": "1",
        "servers": {"notes": {"command": [sys.executable, str(script)], "env": {"KEY": "env:NOTES_KEY"}}},
        "policies": {"careful": {"file": policy_file.name}},
        "grants": {"ci": {"server": "notes", "policy": "careful", "token_file": "ci.token"}},
    }
    file = tmp_path / "toolgate.yaml"
    file.write_text(json.dumps(described))
    with serving(file) as gateway:
        [server] = toolgate("server", "list", "--json").json
        assert gateway.call(server["id"])["content"] == [{"type": "text", "text": "s3cret"}]


@pytest.mark.slow
def test_every_line_of_the_log_is_one_write_because_two_processes_share_it(
    file: Path, toolgate: Toolgate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pipe in packet mode keeps writes apart; with this variable, which containers set, `print` makes two."""
    monkeypatch.setenv("PYTHONUNBUFFERED", "1")
    said, ours = os.pipe2(os.O_DIRECT)
    command = [sys.executable, "-m", "toolgate", "serve", "--port", "0", "--control-port", "0", "--config", str(file)]
    process = subprocess.Popen(command, stderr=ours)
    os.close(ours)
    writes: list[bytes] = []
    with open(said, "rb", buffering=0) as log:
        while write := log.read(65536):
            writes.append(write)
            if b"listening on " in write:
                process.send_signal(signal.SIGTERM)
    assert process.wait() == 0
    assert b"listening on " in b"".join(writes)
    assert [write for write in writes if not write.endswith(b"\n")] == []


def test_prune_without_a_file_is_refused(toolgate: Toolgate) -> None:
    assert "goes together with --config" in toolgate("serve", "--prune", code=2).err
