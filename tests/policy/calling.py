"""One call against one document, for tests that state a single fact."""

from __future__ import annotations

import json
from typing import Any

import jiter

from toolgate.policy.categories import Category
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
    category: Category | None = None,
) -> Verdict:
    """A tool with a category is one whose definition is known."""
    given = read(arguments) if isinstance(arguments, str) else arguments or {}
    unknown = definition is None and category is None
    known = None if unknown else Definition({"name": name, "inputSchema": definition}, category)
    return policy.judge(name, given, subject or Subject("g"), now, known)


def verdict_of(
    condition: dict[str, Any],
    arguments: dict[str, Any] | str,
    subject: Subject | None = None,
    category: Category | None = None,
) -> bool | None:
    """True, false or None of one rule, told by how `require` and `deny_if` take it."""
    requiring, denying = ({"run": {"schema": "off", key: [condition]}} for key in ("require", "deny_if"))
    required = call(policy_of(requiring), arguments, subject=subject, category=category)
    denied = call(policy_of(denying), arguments, subject=subject, category=category)
    if required.outcome == "allow":
        assert denied.outcome == "deny"
        return True
    return False if denied.outcome == "allow" else None
