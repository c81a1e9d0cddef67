from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from toolgate.cli.root import run

RUN = {
    "name": "run",
    "description": "Runs the\nprogram.",
    "inputSchema": {"type": "object", "properties": {"profile": {"type": "string"}}},
}
POLICY = '{"version": "1", "default": "deny", "tools": {"run": {}}}'


@dataclass(slots=True, frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Toolgate:
    """The command line on a data directory of its own: in this process, or as a process of its own."""

    def __init__(self, data: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.data = data
        self._capture = capture

    def __call__(self, *arguments: str, code: int = 0) -> Done:
        self._capture.readouterr()
        ended = run(list(arguments))
        out, err = self._capture.readouterr()
        done = Done(ended, out, err)
        assert ended == code, done
        assert "Traceback" not in err
        return done

    def spawn(self, *arguments: str, code: int = 0, **environment: str) -> Done:
        done = subprocess.run(
            [sys.executable, "-m", "toolgate", *arguments],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **environment},
        )
        assert done.returncode == code, done
        assert "Traceback" not in done.stderr
        return Done(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def toolgate(data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Toolgate:
    monkeypatch.setenv("TOOLGATE_DATA", str(data))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("TOOLGATE_DEBUG", raising=False)
    return Toolgate(data, capsys)


@pytest.fixture
def policy_file(tmp_path: Path) -> Path:
    file = tmp_path / "policy.json"
    file.write_text(POLICY)
    return file


@dataclass(slots=True)
class Peer:
    """A small MCP server of revision 2026-07-28: what it lists, and the headers and path it saw last."""

    url: str = ""
    tools: list[dict[str, Any]] = field(default_factory=lambda: [RUN])
    seen: dict[str, str] = field(default_factory=dict)
    path: str = ""


@pytest.fixture
def peer() -> Iterator[Peer]:
    state = Peer()

    class Answers(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            state.path = self.path
            state.seen = {name.lower(): value for name, value in self.headers.items()}
            result = {"resultType": "complete", "tools": state.tools, "ttlMs": 0, "cacheScope": "private"}
            body = json.dumps({"jsonrpc": "2.0", "id": request.get("id"), "result": result}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            """Say nothing on standard error."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_address[1]}/mcp"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield state
    server.shutdown()
    thread.join()
    server.server_close()
