"""The official Python SDK, 1.x and 2.x, each in its own environment, against a real server through a real gateway."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from toolgate.demo import stage
from toolgate.demo.children import child
from toolgate.demo.stage import CommandLine

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
CLIENTS = [("mcp1", "legacy"), ("mcp2", "legacy"), ("mcp2", "2026-07-28"), ("mcp2", "auto")]
with_each_client = pytest.mark.parametrize(("name", "mode"), CLIENTS)
TEN: dict[str, Any] = {"rate_limit": {"max": 10, "window": 60}}
POLICY: dict[str, Any] = {
    "version": "1",
    "default": "deny",
    "hide": ["secret"],
    "tools": {
        "echo": TEN,
        "add": {"deny_if": [{"conditions": [{"path": "args.a", "op": "gt", "value": 100}], "on_deny": "Too much."}]},
        "count": {},
        "fail": {},
        "big": {},
    },
}
CLOSED: dict[str, Any] = {
    "version": "1",
    "default": "allow",
    "tools": {"echo": {"action": "deny", "reason": "no builds today"}},
}

pytestmark = pytest.mark.slow


class Driver:
    """One client process in conversation with the test."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.revision = self._answer()["revision"]

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"the client ended with status {self.process.wait()}"
        answer = json.loads(line)
        assert isinstance(answer, dict)
        return answer

    def _ask(self, **request: Any) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return self._answer()

    def tools(self) -> list[str]:
        names = self._ask(do="list")["tools"]
        assert isinstance(names, list)
        return names

    def call(self, name: str, **arguments: Any) -> dict[str, Any]:
        return self._ask(do="call", name=name, arguments=arguments)


@contextmanager
def driver(name: str, mode: str, url: str, token: str) -> Iterator[Driver]:
    python = ROOT / ".venvs" / name / "bin/python"
    if not python.exists():
        pytest.skip(f"needs the environment .venvs/{name}: `make clients`")
    words = [str(python), str(HERE / f"driver_{name}.py"), url, token, mode]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with process:
        try:
            yield Driver(process)
        finally:
            process.stdin and process.stdin.close()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()


@dataclass
class Behind:
    """The reference server behind a gateway."""

    command_line: CommandLine
    name: str

    def grant(self, document: dict[str, Any], policy: str) -> tuple[str, str, str]:
        """A new grant under its own policy: id, address, token."""
        self.command_line.policy(policy, document)
        words = ("grant", "add", "--server", self.name, "--policy", policy, "--label", policy)
        made = self.command_line.json(*words)
        return made["id"], made["proxy_url"], made["token"]


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    folder = tmp_path_factory.mktemp("clients")
    words = [sys.executable, str(HERE / "reference_server.py")]
    with (
        child(words, folder / "server.log", r"serving (http://\S+)") as upstream,
        stage.gateway(folder) as command_line,
    ):
        command_line.json("server", "add", "reference", "--url", upstream, "--allow-private")
        yield Behind(command_line, "reference")


@with_each_client
def test_a_client_lists_and_calls_the_tools_it_was_given(behind: Behind, name: str, mode: str) -> None:
    _, url, token = behind.grant(POLICY, f"list-{name}-{mode}")
    with driver(name, mode, url, token) as client:
        assert (client.revision == "2026-07-28") == (mode in {"2026-07-28", "auto"})
        assert sorted(client.tools()) == ["add", "big", "count", "echo", "fail"]
        assert client.call("echo", text="grüße 🦀\n") == {
            "is_error": False,
            "text": "grüße 🦀\n",
            "structured": {"result": "grüße 🦀\n"},
        }
        assert client.call("add", a=2, b=40)["structured"] == {"result": 42}
        assert client.call("count", to=20)["text"] == "counted to 20"
        assert client.call("big", size=300_000)["text"] == "x" * 300_000
        failed = client.call("fail", reason="out of paper")
        assert failed["is_error"]
        assert "out of paper" in failed["text"]


@with_each_client
def test_a_client_reads_why_a_call_was_denied(behind: Behind, name: str, mode: str) -> None:
    grant, url, token = behind.grant(POLICY, f"denied-{name}-{mode}")
    with driver(name, mode, url, token) as client:
        client.tools()
        denied = client.call("add", a=101, b=1)
        assert denied["is_error"]
        assert denied["text"].startswith("[POLICY DENIED] policy violation:")
        assert "Too much." in denied["text"]
        hidden, missing = client.call("secret"), client.call("missing")
        assert hidden["is_error"]
        assert hidden["text"].replace("secret", "missing") == missing["text"]
    records = behind.command_line.lines("audit", "list", "--grant", grant, "--outcome", "deny")
    assert {record["tool"] for record in records} == {"add", "secret", "missing"}


@with_each_client
def test_the_eleventh_call_within_a_minute_is_denied_with_the_time_of_reset(
    behind: Behind, name: str, mode: str
) -> None:
    _, url, token = behind.grant(POLICY, f"limit-{name}-{mode}")
    with driver(name, mode, url, token) as client:
        answers = [client.call("echo", text="again") for _ in range(11)]
    assert [answer["is_error"] for answer in answers] == [False] * 10 + [True]
    assert re.search(r"Limit `rate_limit:echo` is used up: .* Retry after 20\d\d-\d\d-\d\dT", answers[-1]["text"])


@with_each_client
def test_a_session_survives_a_policy_change_which_holds_at_the_next_request(
    behind: Behind, name: str, mode: str
) -> None:
    policy = f"change-{name}-{mode}"
    _, url, token = behind.grant(POLICY, policy)
    with driver(name, mode, url, token) as client:
        assert not client.call("echo", text="before")["is_error"]
        behind.command_line.policy(policy, CLOSED)
        denied = client.call("echo", text="after")
        assert denied["is_error"]
        assert "no builds today" in denied["text"]
        assert "secret" in client.tools()
        assert client.call("secret")["text"] == "the secret"
        behind.command_line.policy(policy, POLICY)
        assert not client.call("echo", text="again")["is_error"]
        assert "secret" not in client.tools()


@with_each_client
def test_a_revoked_grant_is_refused_at_the_next_request(behind: Behind, name: str, mode: str) -> None:
    grant, url, token = behind.grant(POLICY, f"revoke-{name}-{mode}")
    with driver(name, mode, url, token) as client:
        assert not client.call("echo", text="before")["is_error"]
        behind.command_line.text("grant", "revoke", grant)
        assert "raised" in client.call("echo", text="after")
