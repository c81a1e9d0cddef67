"""What one decision costs: three predicates and one limit, charges included; against cedarpy in the same run.

    .venv/bin/python bench/decision.py

Prints microseconds of CPU per decision (the median of interleaved rounds), the ratio to cedarpy with a prepared policy
set and entities, the ratio between a policy of 10 tools and one of 1,000 tools with 10,000 rules, and the longest
slice of work when such a policy is swapped in.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from statistics import median
from time import process_time_ns

import cedarpy

from toolgate.policy.compiler import Policy, compile_policy
from toolgate.policy.decision import Subject
from toolgate.policy.definition import Definition
from toolgate.policy.document import parse
from toolgate.policy.slices import compile_in_slices

ROUNDS = 15
CALLS = 5_000
SCHEMA = {
    "type": "object",
    "properties": {"currency": {"type": "string"}, "amount": {"type": "number"}, "customer": {"type": "string"}},
    "required": ["currency", "amount", "customer"],
}
ARGUMENTS: dict[str, object] = {"currency": "usd", "amount": 500, "customer": "cus_1234"}
REQUIRE = [
    {"conditions": [{"path": "args.currency", "op": "in", "value": ["usd", "eur"]}]},
    {"conditions": [{"path": "args.customer", "op": "starts_with", "value": "cus_"}]},
]
DENY = [{"conditions": [{"path": "args.amount", "op": "gt", "value": 10000}]}]
CEDAR = """
permit (principal, action == Action::"create_charge", resource) when {
  ["usd", "eur"].contains(context.currency) && context.customer like "cus_*" && context.amount <= 10000
};
"""


def entry(cost: str | int, schema: str) -> dict[str, object]:
    """Three predicates and one limit."""
    limit = {"counter": "spend", "window": "day", "max": 1_000_000, "cost": cost}
    return {"schema": schema, "require": REQUIRE, "deny_if": DENY, "limits": [limit]}


def small(cost: str | int = "args.amount", schema: str = "off") -> str:
    """A policy of ten tools."""
    tools = {f"tool_{number}": {"require": REQUIRE, "schema": "off"} for number in range(9)}
    return json.dumps({"version": "1", "default": "deny", "tools": {**tools, "create_charge": entry(cost, schema)}})


def large() -> str:
    """A policy of 1,000 tools with ten rules each."""
    rules = [
        {"conditions": [{"path": f"args.field_{place}", "op": "neq", "value": f"value {place}"}]} for place in range(9)
    ]
    limits = [{"counter": "calls", "window": "hour", "max": 1000}]
    tools = {f"tool_{number}": {"deny_if": rules, "limits": limits, "schema": "off"} for number in range(999)}
    tools["create_charge"] = entry("args.amount", "off")
    return json.dumps({"version": "1", "default": "deny", "tools": tools})


def microseconds(work: Callable[[], object], calls: int = CALLS) -> float:
    """CPU time of one call of `work`."""
    start = process_time_ns()
    for _ in range(calls):
        work()
    return (process_time_ns() - start) / calls / 1000


def judging(policy: Policy, definition: Definition | None = None) -> Callable[[], object]:
    """A call that is allowed, judged again and again."""
    subject = Subject("grant-1", "agent", session_id="s")
    judge = policy.judge
    assert judge("create_charge", ARGUMENTS, subject, 0.0, definition).outcome == "allow"
    return lambda: judge("create_charge", ARGUMENTS, subject, 0.0, definition)


def cedar() -> Callable[[], object]:
    """The policy set and the entities parsed once; only the request is new."""
    policies, entities = cedarpy.PolicySet.from_str(CEDAR), cedarpy.Entities.from_json_str("[]")
    request = {
        "principal": 'Grant::"grant-1"',
        "action": 'Action::"create_charge"',
        "resource": 'Server::"server-1"',
        "context": ARGUMENTS,
    }
    assert cedarpy.is_authorized(request, policies, entities).allowed
    return lambda: cedarpy.is_authorized(request, policies, entities)


def swap(text: bytes) -> dict[str, float]:
    """Milliseconds of the longest slice between a changed policy and its first verdict, and of all together."""
    slices = compile_in_slices(text)
    taken: list[float] = []
    policy = None
    while policy is None:
        start = process_time_ns()
        try:
            next(slices)
        except StopIteration as end:
            policy = end.value
        taken.append((process_time_ns() - start) / 1e6)
    start = process_time_ns()
    policy.judge("create_charge", ARGUMENTS, Subject("g"), 0.0, None)
    taken.append((process_time_ns() - start) / 1e6)
    return {"longest slice": max(taken), "all slices": sum(taken)}


def main() -> None:
    definition = Definition({"name": "create_charge", "inputSchema": SCHEMA})
    subjects = {
        "cost from an argument": judging(compile_policy(parse(small()))),
        "cost of 1": judging(compile_policy(parse(small(1)))),
        "with schema check": judging(compile_policy(parse(small("args.amount", "auto"))), definition),
        "1,000 tools, 10,000 rules": judging(compile_policy(parse(large()))),
    }
    timed: dict[str, list[float]] = {name: [] for name in (*subjects, "cedarpy")}
    prepared = cedar()
    for _ in range(ROUNDS):
        for name, work in subjects.items():
            timed[name].append(microseconds(work))
        timed["cedarpy"].append(microseconds(prepared, CALLS // 10))
    medians = {name: median(values) for name, values in timed.items()}
    for name, value in medians.items():
        print(f"{name:28} {value:8.2f} us   cedarpy / this {medians['cedarpy'] / value:6.1f}")
    ratio = medians["1,000 tools, 10,000 rules"] / medians["cost from an argument"]
    print(f"1,000 tools against ten      {ratio:8.2f} times")
    text = large().encode()
    slices = [swap(text) for _ in range(ROUNDS)]
    for name in slices[0]:
        print(f"swap, {name:22} {median(one[name] for one in slices):8.2f} ms")


if __name__ == "__main__":
    main()
