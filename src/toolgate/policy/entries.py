"""Entries of a document compiled one by one: the rules and limits under one key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from toolgate.policy.charges import Limit, read_limits
from toolgate.policy.conditions import Rule, compile_rule
from toolgate.policy.durations import read_duration
from toolgate.policy.paths import Path

APPROVAL_TIMEOUT = 600
"""Seconds a call waits for a person where the rule names no timeout."""
_DENIED = "the policy denies this call"
_ASKED = "the policy asks for the approval of a person"


@dataclass(slots=True, frozen=True)
class Approval:
    """One reason to wait for a person; without a rule it holds for every call."""

    pointer: str
    message: str
    timeout: int
    rule: Rule | None


@dataclass(slots=True, frozen=True)
class Entry:
    """One entry of the document, with where it stands."""

    raw: dict[str, Any]
    pointer: str
    section: str
    key: str

    def limits(self) -> Iterator[Limit]:
        """Its limits, `rate_limit` last."""
        return read_limits(self.raw, self.pointer, self.section, self.key)

    def rules(self, kind: str) -> list[Rule]:
        """Its rules of `require` (each element counts) or `deny_if` and `require_approval` (some element)."""
        every = kind == "require"
        return [
            compile_rule(raw, f"{self.pointer}/{kind}/{place}", every=every)
            for place, raw in enumerate(self.raw.get(kind, ()))
        ]

    def denial(self) -> tuple[str, str] | None:
        """Pointer and message, where the entry denies every call."""
        if self.raw.get("action") != "deny":
            return None
        return f"{self.pointer}/action", self.raw.get("reason", _DENIED)

    def approvals(self) -> Iterator[Approval]:
        """What makes a call wait: the action first, then the rules."""
        if self.raw.get("action") == "require_approval":
            yield Approval(f"{self.pointer}/action", self.raw.get("reason", _ASKED), APPROVAL_TIMEOUT, None)
        for raw, rule in zip(self.raw.get("require_approval", ()), self.rules("require_approval"), strict=True):
            timeout = read_duration(raw["timeout"]) if "timeout" in raw else APPROVAL_TIMEOUT
            assert timeout is not None  # validated
            yield Approval(rule.pointer, "", timeout, rule)


class CompiledEntry:
    """One entry with everything in it compiled."""

    __slots__ = ("approvals", "asks", "denials", "limits", "paths", "requires")

    def __init__(self, entry: Entry) -> None:
        self.requires = entry.rules("require")
        self.denials = entry.rules("deny_if")
        self.approvals = list(entry.approvals())
        self.limits = list(entry.limits())
        self.paths = [path for path in self._paths() if path.reads_arguments]
        self.asks = _asked_mode(entry, bool(self.paths))

    def _paths(self) -> Iterator[Path]:
        rules = [approval.rule for approval in self.approvals if approval.rule]
        for rule in (*self.requires, *self.denials, *rules):
            yield from (condition.path for condition in rule.conditions)
        yield from (limit.cost for limit in self.limits if isinstance(limit.cost, Path))


def _asked_mode(entry: Entry, reads_arguments: bool) -> str:
    """How the entry wants the schema checked: its own word, or `auto` where it reads arguments; "" for no opinion."""
    if entry.section == "methods":
        return ""
    if "schema" in entry.raw:
        return str(entry.raw["schema"])
    if not reads_arguments:
        return ""
    return "default" if entry.section == "all_tools" else "auto"


_CLASSES = ("tool.category", "tool.risk")


def asks_category(entry: Entry) -> bool:
    """Whether a condition of the entry reads what a tool is, or refers to it."""
    rules = [rule for kind in ("require", "deny_if", "require_approval") for rule in entry.raw.get(kind, ())]
    conditions = [condition for rule in rules for condition in rule["conditions"]]
    return any(one["path"] in _CLASSES or one["value"] in [{"ref": root} for root in _CLASSES] for one in conditions)


def entry_for(section: str, key: str, raw: dict[str, Any]) -> Entry:
    """The entry of `tools` or `methods` under `key`."""
    return Entry(raw, f"/{section}/{escape(key)}", section, key)


def escape(key: str) -> str:
    """A key as one token of a JSON pointer (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1")
