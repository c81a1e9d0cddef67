"""Commands beside gateways that really run."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.conftest import Peer, Toolgate

META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}
CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "run", "arguments": {}, "_meta": META}}
HEADERS = {
    "Content-Type": "application/json",
    "Accept": "application/json, text/event-stream",
    "MCP-Protocol-Version": "2026-07-28",
    "Mcp-Method": "tools/call",
    "Mcp-Name": "run",
}


def call(url: str, token: str) -> int:
    """The status of one call of `run`."""
    request = urllib.request.Request(
        url, json.dumps(CALL).encode(), {**HEADERS, "Authorization": f"Bearer {token}"}, method="POST"
    )
    try:
        with urllib.request.urlopen(request) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def free_port() -> str:
    """A port that nobody uses now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return str(listener.getsockname()[1])


@pytest.fixture
def gateways(toolgate: Toolgate) -> Iterator[list[str]]:
    """The addresses of two gateways on the data directory of `toolgate`."""
    command = [sys.executable, "-m", "toolgate", "serve", "--control-port", "0", "--counters", "sqlite"]
    running, addresses = [], []
    try:
        for _ in range(2):
            process = subprocess.Popen([*command, "--port", free_port()], stderr=subprocess.PIPE, text=True)
            running.append(process)
            assert process.stderr is not None
            line = next(line for line in process.stderr if "listening on " in line)
            addresses.append(line.split()[-1])
        yield addresses
    finally:
        for process in running:
            process.send_signal(signal.SIGTERM)
            with process:
                process.wait()
    assert [process.returncode for process in running] == [0, 0]


@pytest.mark.slow
def test_what_a_command_changed_holds_in_every_running_gateway_when_it_returns(
    toolgate: Toolgate, gateways: list[str], peer: Peer, policy_file: Path
) -> None:
    server = toolgate("server", "add", "cargo", "--url", peer.url, "--json").json
    assert server["proxy_url"] == f"{gateways[-1]}/mcp/{server['id']}/"
    urls = [f"{address}/mcp/{server['id']}/" for address in gateways]
    toolgate("policy", "add", "careful", str(policy_file))
    for _ in range(3):
        grant = toolgate("grant", "add", "--server", "cargo", "--policy", "careful", "--label", "ci", "--json").json
        assert [call(url, grant["token"]) for url in urls] == [200, 200]
        rotated = toolgate("grant", "rotate", "ci", "--json").json
        assert [call(url, grant["token"]) for url in urls] == [401, 401]
        assert [call(url, rotated["token"]) for url in urls] == [200, 200]
        toolgate("grant", "revoke", "ci")
        assert [call(url, rotated["token"]) for url in urls] == [401, 401]
    assert len(toolgate("audit", "list", "--tool", "run", "--json").out.splitlines()) == 12
    toolgate("server", "remove", "cargo")
    assert [call(url, rotated["token"]) for url in urls] == [401, 401]
