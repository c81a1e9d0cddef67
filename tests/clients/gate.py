"""The gateway between clients and the reference server, in both ways: its token over HTTP, and `toolgate run`."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Protocol
from unittest import mock

from toolgate.cli.root import run
from toolgate.demo import stage
from toolgate.demo.children import child
from toolgate.demo.stage import CommandFailed, CommandLine

from .clients import HERE, Peer

SERVER = [sys.executable, str(HERE / "reference_server.py")]
OPEN: Mapping[str, Any] = {
    "version": "1",
    "default": "deny",
    "hide": ["secret"],
    "tools": {
        "echo": {},
        "add": {"deny_if": [{"conditions": [{"path": "args.a", "op": "gt", "value": 100}], "on_deny": "Too much."}]},
        "count": {},
        "fail": {},
        "big": {},
        "greet": {},
        "think": {},
        "interrupted": {},
        "limited": {"rate_limit": {"max": 2, "window": 3600}},
        "once": {"action": "require_approval", "reason": "A person looks at this."},
    },
    "methods": {
        "elicitation/create": {},
        "sampling/createMessage": {},
        "resources/read": {
            "require": [{"conditions": [{"path": "params.uri", "op": "eq", "value": "reference://open"}]}]
        },
    },
}
CLOSED: Mapping[str, Any] = {
    "version": "1",
    "default": "allow",
    "tools": {"echo": {"action": "deny", "reason": "no echoes today"}},
}


class Commands(CommandLine):
    """`toolgate` in this process: the matrix needs hundreds of commands, and an interpreter takes its time to start."""

    def text(self, *words: str) -> str:
        out, err = io.StringIO(), io.StringIO()
        with mock.patch.dict(os.environ, TOOLGATE_DATA=str(self.data)), redirect_stdout(out), redirect_stderr(err):
            status = run(list(words))
        if status != 0:
            raise CommandFailed(f"toolgate {' '.join(words)}", f"ended with status {status}: {err.getvalue()}")
        return out.getvalue()


class Access(Protocol):
    """One agent's access under a policy of its own."""

    @property
    def words(self) -> list[str]:
        """How a driver is told to connect."""

    def change(self, document: Mapping[str, Any]) -> None:
        """Put another policy in force."""

    def revoke(self) -> None:
        """Take the access away."""


@dataclass
class Gate:
    """A gateway on a folder and port of its own, with the reference server behind it."""

    folder: Path
    server_url: str
    commands: Commands
    _words: list[str]
    _running: ExitStack = field(default_factory=ExitStack)
    _names: Iterator[int] = field(default_factory=count)

    def start(self) -> None:
        self._running.enter_context(child(self._words, self.folder / "gateway.log", r"listening on (http://\S+)"))

    def stop(self) -> None:
        self._running.close()

    def access(self, peer: Peer) -> Access:
        """A new access for a client of `peer`, under the policy OPEN."""
        name = f"{peer}-{next(self._names)}"
        return Token(self, name) if peer.way == "http" else Wrapper(self, name)

    def file(self, name: str) -> Path:
        """A file that does not exist yet."""
        return self.folder / f"{name}-{next(self._names)}"

    def waiting(self) -> list[str]:
        """The ids of the calls that wait for a person."""
        return [each["id"] for each in json.loads(self.commands.text("approval", "list", "--json"))]


class Token:
    """A grant of the gateway, used over HTTP."""

    def __init__(self, gate: Gate, name: str) -> None:
        self._gate = gate
        self._name = name
        self.change(OPEN)
        words = ("grant", "add", "--server", "reference", "--policy", name, "--label", name)
        self._grant = gate.commands.json(*words)

    @property
    def words(self) -> list[str]:
        return ["http", self._grant["proxy_url"], self._grant["token"]]

    def change(self, document: Mapping[str, Any]) -> None:
        self._gate.commands.policy(self._name, dict(document))

    def revoke(self) -> None:
        self._gate.commands.text("grant", "revoke", self._grant["id"])


class Wrapper:
    """A policy file, used by `toolgate run` before the reference server."""

    def __init__(self, gate: Gate, name: str) -> None:
        self._gate = gate
        self._file = gate.folder / f"{name}.json"
        self.change(OPEN)

    @property
    def words(self) -> list[str]:
        data = str(self._gate.commands.data)
        gateway = [sys.executable, "-m", "toolgate", "run", "-c", str(self._file), "--data", data]
        return ["stdio", *gateway, "--", *SERVER]

    def change(self, document: Mapping[str, Any]) -> None:
        new = self._file.with_suffix(".new")
        new.write_text(json.dumps(document))
        new.replace(self._file)

    def revoke(self) -> None:
        raise NotImplementedError("whoever starts `toolgate run` may use it")


@contextmanager
def gate(folder: Path) -> Iterator[Gate]:
    """A running gateway with its server, in `folder`."""
    served: AbstractContextManager[str] = child([*SERVER, "--http"], folder / "server.log", r"serving (http://\S+)")
    with served as url:
        data = folder / "data"
        ports = ["--port", str(stage.free_port()), "--control-port", "0"]
        made = Gate(
            folder, url, Commands(data), [sys.executable, "-m", "toolgate", "serve", "--data", str(data), *ports]
        )
        made.start()
        try:
            made.commands.json("server", "add", "reference", "--url", url, "--allow-private")
            yield made
        finally:
            made.stop()
