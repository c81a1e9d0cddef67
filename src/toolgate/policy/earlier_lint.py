"""Lints of what speaks of earlier calls: flows, and limits on identical calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from toolgate.policy.charges import Limit, read_limits
from toolgate.policy.compiler import Policy
from toolgate.policy.decision import NANO, Unit
from toolgate.policy.definition import Definition
from toolgate.policy.entries import Entry
from toolgate.policy.findings import Finding
from toolgate.policy.flows import Flow, Some, read_flows
from toolgate.policy.names import is_pattern, matches
from toolgate.policy.paths import Path

_UNREACHED = "never-fires"


def find_idle_flows(
    raw: Mapping[str, Any], policy: Policy, definitions: Mapping[str, Definition] | None
) -> list[Finding]:
    """Flows that no call can begin or meet, and names in them that no tool has.

    Without definitions only exact names are looked at, which the policy itself refuses or lets pass.
    """
    found: list[Finding] = []
    for flow in read_flows(raw):
        for key, leg in (("after", flow.after), ("and_after", flow.and_after), ("deny", flow.deny)):
            if not leg.is_empty:
                found += _leg(flow, key, leg, policy, definitions)
        found += _unknown(flow, raw, definitions)
    return found


def _leg(
    flow: Flow, key: str, some: Some, policy: Policy, definitions: Mapping[str, Definition] | None
) -> Iterator[Finding]:
    if definitions is None:
        possible = bool(some.patterns or some.categories) or any(policy.may_pass(name) for name in some.names)
    else:
        known = (tool for tool in definitions.values() if some.covers(tool.name, tool.category))
        possible = any(policy.may_pass(tool.name) for tool in known)
    if not possible:
        what = (
            "denies nothing that could be called"
            if key == "deny"
            else f"never begins: nothing of `{key}` can be called"
        )
        mend = "name tools that the policy lets pass, or remove the flow"
        yield Finding("warning", f"{flow.pointer}/{key}", _UNREACHED, f"the flow {what}", mend)


def _unknown(flow: Flow, raw: Mapping[str, Any], definitions: Mapping[str, Definition] | None) -> Iterator[Finding]:
    if definitions is None:
        return
    place = int(flow.pointer.rpartition("/")[2])
    for key in ("after", "and_after", "deny"):
        for at, item in enumerate(raw["flows"][place].get(key, ())):
            if type(item) is str and not any(matches(item, name) for name in definitions):
                kind = "no tool that matches" if is_pattern(item) else "no tool"
                mend = "correct the name; names are case-sensitive"
                pointer = f"{flow.pointer}/{key}/{at}"
                yield Finding("warning", pointer, "unknown-tool", f"the server has {kind} `{item}`", mend)


def find_idle_repeats(entry: Entry) -> Iterator[Finding]:
    """A limit on identical calls beside one on all calls that is never higher within the same time."""
    limits = list(read_limits(entry.raw, entry.pointer, entry.section, entry.key))
    for repeat in (limit for limit in limits if limit.repeats):
        lower = next((limit for limit in limits if _overrules(limit, repeat)), None)
        if lower is not None:
            cause = (
                f"`{lower.pointer}` allows no more calls in that time at all, so identical ones are never counted out"
            )
            yield Finding("warning", repeat.pointer, _UNREACHED, cause, "lower its `max`, or remove it")


def _overrules(limit: Limit, repeat: Limit) -> bool:
    """A sliding limit on calls, for at least the same callers and as long a time."""
    if limit.repeats or isinstance(limit.window, Unit) or isinstance(repeat.window, Unit):
        return False
    if isinstance(limit.cost, Path) or limit.cost < NANO:
        return False
    same = limit.scope == repeat.scope or (limit.scope, repeat.scope) == ("grant", "session")
    return same and limit.window >= repeat.window and limit.maximum <= repeat.maximum
