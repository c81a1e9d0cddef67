"""A whole installation for browsers: `toolgate serve`, a real server behind it, people, and real calls of an agent."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.gateway.running import Gateway

from toolgate.control.identity import passwords
from toolgate.store import contact, definitions, grants, members, policies, servers, stopping
from toolgate.store.approvals import ApprovalStore
from toolgate.store.database import writing
from toolgate.store.definitions import seen_of
from toolgate.store.members import Terms

EMAIL: Final = "ada@example.com"
PASSWORD: Final = "correct horse battery staple"
PATIENCE: Final = 30.0
POLICY: Final = {
    "version": "1",
    "default": "deny",
    "description": "What the support agents may do.",
    "hide": ["delete_customer"],
    "all_tools": {"limits": [{"counter": "calls", "window": "minute", "max": 60}]},
    "tools": {
        "list_customers": {},
        "update_customer": {"limits": [{"counter": "updates", "window": "hour", "max": 3}]},
        "create_refund": {
            "require": [{"conditions": [{"path": "args.currency", "op": "in", "value": ["usd", "eur"]}]}],
            "deny_if": [
                {
                    "conditions": [{"path": "args.amount", "op": "gt", "value": 500}],
                    "on_deny": "Refunds above 500 are made by people.",
                }
            ],
            "require_approval": [{"conditions": [{"path": "args.amount", "op": "gt", "value": 50}]}],
        },
        "run_report": {"action": "deny", "reason": "Reports are run by people."},
    },
}

PARTED: Final = {
    "version": "1",
    "default": "deny",
    "tools": {
        "list_customers": {
            "repeat_limit": "20/minute",
            "response": {"redact": ["all"], "max_bytes": 65536},
            "limits": [{"counter": "bytes", "window": "hour", "max": 1000000, "cost": "result.bytes"}],
        },
        "run_report": {},
        "update_customer": {},
    },
    "flows": [
        {
            "after": ["list_*"],
            "and_after": ["run_report"],
            "deny": [{"category": ["Write", "Financial"]}],
            "within": "1h",
        }
    ],
}
"""What was called before and what is answered decide, too."""


@dataclass
class Office:
    """A running gateway with its control plane, and the shop behind it."""

    gateway: Gateway
    shop: str
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.gateway.control_port}"

    @property
    def first_link(self) -> str:
        """The line by which `serve` lets the first admin in."""
        found = re.findall(r"http://\S+/welcome/\S+", self.gateway.log.read_text())
        assert found, self.gateway.log.read_text()
        return str(found[-1])

    def member(self, email: str, role: str, *approver: str) -> None:
        """Somebody who can sign in with PASSWORD."""
        terms = Terms(email.partition("@")[0].title(), role, approver)
        with writing(self.gateway.engine, "test") as change:
            members.insert(change, email, terms, {"password": passwords.hashed(PASSWORD)})

    def server(self, name: str, tools: list[Any] | None = None) -> str:
        """Register the shop under another name; its tools are those that it has, or those given."""
        made = servers.add(self.gateway.engine, "test", name, self.shop)
        if tools:
            seen = [seen_of(json.dumps(tool).encode()) for tool in tools]
            definitions.saw(self.gateway.engine, "test", made.id, seen, trusted=True)
        else:
            until(lambda: servers.get(self.gateway.engine, made.id).tools > 0)
        return made.id

    def policy(self, name: str, document: Any) -> str:
        """Store a document, laid out as people write them."""
        text = document if isinstance(document, str) else json.dumps(document, indent=2) + "\n"
        return policies.put(self.gateway.engine, "test", name, text).id

    def grant(self, server: str, policy: str, label: str, **terms: Any) -> str:
        """A grant, in force; returns its token."""
        made = grants.add(self.gateway.engine, "test", server=server, policy=policy, label=label, **terms)
        self.tokens[label] = made.token
        self.gateway.settle()
        return made.token

    def proxy(self, server: str) -> str:
        return f"http://127.0.0.1:{self.gateway.port}/mcp/{servers.get(self.gateway.engine, server).id}/"

    def agent(self, server: str, token: str, *calls: tuple[str, Any]) -> subprocess.Popen[str]:
        """A real client that calls tools one after the other, in a process of its own."""
        words = [word for tool, arguments in calls for word in (tool, json.dumps(arguments))]
        command = [sys.executable, "-m", "tests.browser.agent", self.proxy(server), *words]
        environment = {**os.environ, "TOKEN": token}
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def call(self, server: str, token: str, *calls: tuple[str, Any]) -> tuple[bool, str]:
        """Whether a call was denied or failed, and what the client read."""
        with self.agent(server, token, *calls) as process:
            out, _ = process.communicate(timeout=60)
        return process.returncode != 0, out

    def pending(self) -> list[str]:
        """Ids of the calls that wait for a person."""
        return [row.id for row in ApprovalStore(self.gateway.data).every(("pending",))]


def until(holds: Callable[[], object]) -> None:
    """Wait for something that another process brings about."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)


@contextmanager
def shop() -> Iterator[str]:
    """The server behind it; gives its address."""
    words = [sys.executable, "-m", "tests.browser.shop", "--http", "0"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        try:
            yield line.split()[-1]
        finally:
            process.terminate()


@contextmanager
def office(data: Path, *options: str) -> Iterator[Office]:
    """An installation without anybody and anything in it."""
    with shop() as address:
        gateway = Gateway(data, *options)
        try:
            yield Office(gateway.start(), address)
        finally:
            gateway.close()


def furnish(place: Office) -> None:
    """People, a server, policies, grants and calls of each outcome: what pages look like when they are used."""
    place.member(EMAIL, "admin", "*")
    place.member("vera@example.com", "viewer")
    place.member("paul@example.com", "policy_manager", "*")
    place.server("shop")
    place.policy("support", POLICY)
    place.policy("parted", PARTED)
    place.policy("readers", {"version": "1", "default": "deny", "tools": {"list_*": {"action": "allow"}}})
    contact.add(
        place.gateway.engine,
        name="Cy",
        email="cy@example.com",
        message="A tool of ours is not what the catalogue says.\nIt only reads.",
        about="/catalogue/tools/acme--cargo/run",
        address="192.0.2.7",
    )
    token = place.grant("shop", "support", "support-bot", principal="vera@example.com", labels={"team": "support"})
    place.grant("shop", "readers", "reporting")
    place.grant("shop", "readers", "mailer")
    engine, data = place.gateway.engine, place.gateway.data
    stopping.stop_grant(engine, data, EMAIL, "mailer", "It mails what it reads: ask Vera before it goes on.")
    place.call(
        "shop",
        token,
        ("list_customers", {"limit": 2}),
        ("create_refund", {"customer": "c1", "amount": 20, "currency": "usd"}),
        ("create_refund", {"customer": "c1", "amount": 900, "currency": "eur"}),
        ("run_report", {"sql": "select 1"}),
        *(("update_customer", {"customer": "c1", "email": f"c{number}@example.com"}) for number in range(5)),
    )
