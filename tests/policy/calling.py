"""One call against one document, for tests that state a single fact."""

from __future__ import annotations

import json
from typing import Any

import jiter

from toolgate.policy.compiler import Policy, compile_policy
from toolgate.policy.decision import Subject, Verdict
from toolgate.policy.definition import Definition
from toolgate.policy.document import parse

NOON = 1_767_268_800.0  # Thursday 2026-01-01T12:00:00Z


def policy_of(tools: dict[str, Any] | None = None, **document: Any) -> Policy:
    base = {"version": "1", "default": "deny", "tools": tools or {}}
    return compile_policy(parse(json.dumps({**base, **document})))


def rule(path: str, op: str, value: object, **more: object) -> dict[str, Any]:
    return {"conditions": [{"path": path, "op": op, "value": value, **more}]}


def read(arguments: str) -> dict[str, Any]:
    """Arguments as the gateway reads them, with the text of numbers kept."""
    value: dict[str, Any] = jiter.from_json(arguments.encode(), float_mode="lossless-float")
    return value


def call(
    policy: Policy,
    arguments: dict[str, Any] | str | None = None,
    name: str = "run",
    subject: Subject | None = None,
    definition: dict[str, Any] | None = None,
    now: float = NOON,
) -> Verdict:
    given = read(arguments) if isinstance(arguments, str) else arguments or {}
    known = None if definition is None else Definition({"name": name, "inputSchema": definition})
    return policy.judge(name, given, subject or Subject("g"), now, known)


def verdict_of(
    condition: dict[str, Any], arguments: dict[str, Any] | str, subject: Subject | None = None
) -> bool | None:
    """True, false or None of one rule, told by how `require` and `deny_if` take it."""
    required = call(policy_of({"run": {"schema": "off", "require": [condition]}}), arguments, subject=subject)
    denied = call(policy_of({"run": {"schema": "off", "deny_if": [condition]}}), arguments, subject=subject)
    if required.outcome == "allow":
        assert denied.outcome == "deny"
        return True
    return False if denied.outcome == "allow" else None
