"""Gateway, server and command line of one tour or test, all in one folder."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from toolgate.demo.children import child
from toolgate.demo.screen import written
from toolgate.errors import ToolgateError

TIMEOUT = 60.0
"""Seconds that a command of `toolgate` may take."""


class CommandFailed(ToolgateError):
    """A command of `toolgate` ended with an error."""


class CommandLine:
    """`toolgate` on one data directory, as a person types it."""

    def __init__(self, data: Path) -> None:
        self.data = data

    def text(self, *words: str) -> str:
        """The standard output of one command; CommandFailed when it ends with an error."""
        line = [sys.executable, "-m", "toolgate", *words]
        environment = os.environ | {"TOOLGATE_DATA": str(self.data)}
        done = subprocess.run(
            line,
            env=environment,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip()
            raise CommandFailed(f"toolgate {' '.join(words)}", f"ended with status {done.returncode}: {said}")
        return done.stdout

    def json(self, *words: str) -> dict[str, Any]:
        """The one object that a command prints with `--json`."""
        answer = json.loads(self.text(*words, "--json"))
        assert isinstance(answer, dict)
        return answer

    def lines(self, *words: str) -> list[Any]:
        """The values that a command prints with `--json`, one a line."""
        return [json.loads(line) for line in self.text(*words, "--json").splitlines()]

    def policy(self, name: str, document: dict[str, Any]) -> dict[str, Any]:
        """Store `document` as the policy `name`, or as its next revision."""
        file = self.data.parent / f"{name}.json"
        file.write_text(written(document, 100) + "\n")
        return self.json("policy", "add", name, str(file))


def free_port() -> int:
    """A loopback port that nothing listens on at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as opened:
        return int(opened.getsockname()[1])


@contextmanager
def gateway(folder: Path, *options: str) -> Iterator[CommandLine]:
    """A running gateway on `folder`/data and a free port; yields its command line."""
    data = folder / "data"
    words = [
        sys.executable,
        "-m",
        "toolgate",
        "serve",
        "--data",
        str(data),
        "--port",
        str(free_port()),
        "--control-port",
        "0",
    ]
    with child([*words, *options], folder / "gateway.log", r"listening on (http://\S+)"):
        yield CommandLine(data)


@contextmanager
def server(module: str, root: Path, log: Path, *options: str) -> Iterator[str]:
    """A running MCP server of the demo over `root`; yields its address."""
    words: Sequence[str] = [sys.executable, "-m", module, "--root", str(root), "--http", "0", *options]
    with child(words, log, r"serving (http://\S+)") as address:
        yield address
