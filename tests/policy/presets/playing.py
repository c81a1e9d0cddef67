"""Presets played through the engine: the policy of a document, and counters that keep what was called."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tests.policy.calling import NOON

from toolgate.classifier.classify import classify_all
from toolgate.classifier.legs import known_of
from toolgate.limits.memory import MemoryCounters
from toolgate.policy.compiler import compile_policy
from toolgate.policy.decision import Subject, Verdict
from toolgate.policy.definition import Definition
from toolgate.policy.document import Document, parse
from toolgate.policy.lint import Finding, lint
from toolgate.policy.presets.preset import Added, Known
from toolgate.policy.presets.shipped import begin, preset_of

CARGO = Path(__file__).parents[3] / "src/toolgate/demo/cargo.jsonl"
Tools = Sequence[dict[str, Any]]


def cargo() -> list[dict[str, Any]]:
    return [json.loads(line) for line in CARGO.read_text().splitlines()]


def tool(name: str, description: str = "", **properties: str) -> dict[str, Any]:
    """A tool whose parameters are named with their types."""
    declared = {key: {"type": kind} for key, kind in properties.items()}
    return {"name": name, "description": description, "inputSchema": {"type": "object", "properties": declared}}


MAIL = [
    tool("read_email", "Read one e-mail of the inbox.", id="string"),
    tool("read_file", "Read a file.", path="string"),
    tool("send_email", "Send an e-mail.", to="string", body="string"),
    tool("get_time", "Get the present time."),
]
BANK = [
    tool("get_balance", "Get the balance of an account.", account="string"),
    tool("transfer_money", "Transfer money to another account.", to="string", amount="number"),
    tool("refund_payment", "Refund a payment.", payment="string", amount="number"),
    tool("pay_invoice", "Pay an invoice.", invoice="string"),
]


def known(tools: Tools) -> list[Known]:
    return known_of(zip(tools, classify_all(tools), strict=True))


def begun(name: str, tools: Tools = (), given: Mapping[str, str] = MappingProxyType({})) -> Added:
    return begin(preset_of(name), known(tools), given)


def parsed(document: dict[str, Any]) -> Document:
    """The document, read and validated as a stored one is."""
    return parse(json.dumps(document))


def warnings(document: dict[str, Any], tools: Tools) -> list[Finding]:
    """What `policy check --server` leaves with 1 for."""
    definitions = {str(each["name"]): Definition(each) for each in tools}
    return [one for one in lint(parsed(document), definitions or None) if one.severity == "warning"]


class Agent:
    """One grant that calls under a document; what passes is counted."""

    def __init__(self, document: dict[str, Any], tools: Tools = (), now: float = NOON) -> None:
        self.now = now
        self._policy = compile_policy(parsed(document))
        self._counters = MemoryCounters(lambda: self.now)
        kinds = {each.name: each.category for each in known(tools)}
        self._tools = {str(each["name"]): Definition(each, kinds[str(each["name"])]) for each in tools}
        self._calls = 0

    def judged(self, name: str, arguments: dict[str, Any] | None = None, session: str = "s") -> Verdict:
        subject = Subject("g", session_id=session)
        digest = json.dumps(arguments or {}, sort_keys=True)
        return self._policy.judge(name, arguments or {}, subject, self.now, self._tools.get(name), digest)

    def call(self, name: str, arguments: dict[str, Any] | None = None, session: str = "s") -> str:
        """`allow`, or the pointer of what did not let the call pass at once."""
        verdict = self.judged(name, arguments, session)
        if verdict.outcome != "allow":
            return verdict.rule
        self._calls += 1
        return asyncio.run(self._taken(f"d{self._calls}", verdict))

    async def _taken(self, decision: str, verdict: Verdict) -> str:
        full = await self._counters.reserve(decision, verdict.charges)
        if full is not None:
            return full.charge.rule
        await self._counters.commit(decision)
        return "allow"
