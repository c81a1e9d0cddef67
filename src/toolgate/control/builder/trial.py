"""One call tried against a document: the verdict, everything that was asked, and what it would be charged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from toolgate.control.builder.spans import Unreadable, read
from toolgate.errors import ToolgateError
from toolgate.policy.compiler import compile_policy
from toolgate.policy.decision import Subject, Unit, Verdict
from toolgate.policy.definition import Definition
from toolgate.policy.document import Document
from toolgate.policy.explain import Step, explain, explain_method
from toolgate.policy.words import decimal


class BadCall(ToolgateError):
    """A call that cannot be tried."""


@dataclass(slots=True, frozen=True)
class Tried:
    """What came out. Counters are not looked at: a limit that is used up would still deny the call."""

    verdict: Verdict
    steps: tuple[Step, ...]
    shown: bool | None
    """Whether `tools/list` shows the tool; None for another method."""

    def described(self) -> dict[str, Any]:
        """As JSON."""
        verdict = self.verdict
        charges = [
            {
                "counter": charge.counter,
                "amount": decimal(charge.amount),
                "max": decimal(charge.maximum),
                "window": charge.window.value if isinstance(charge.window, Unit) else charge.window,
                "rule": charge.rule,
            }
            for charge in verdict.charges
        ]
        return {
            "outcome": verdict.outcome,
            "rule": verdict.rule,
            "message": verdict.message,
            "visible": verdict.visible,
            "shown": self.shown,
            "charges": charges,
            "approval_timeout": verdict.approval_timeout,
            "steps": [asdict(step) for step in self.steps],
        }


def try_call(
    document: Document,
    name: str,
    arguments: dict[str, Any],
    subject: Subject,
    now: float,
    tool: Mapping[str, Any] | None,
) -> Tried:
    """Try a `tools/call`. `now` in epoch seconds; `tool` as the server lists it, None where it is not known."""
    definition = Definition(tool) if tool is not None else None
    policy = compile_policy(document)
    verdict = policy.judge(name, arguments, subject, now, definition)
    return Tried(verdict, explain(document, name, arguments, subject, now, definition), policy.lists(name))


def try_method(document: Document, method: str, params: dict[str, Any], subject: Subject, now: float) -> Tried:
    """Try any other message."""
    verdict = compile_policy(document).judge_method(method, params, subject, now)
    return Tried(verdict, explain_method(document, method, params, subject, now), None)


def read_arguments(text: str) -> dict[str, Any]:
    """Arguments as typed; nothing typed is no argument. Raises BadCall."""
    if not text.strip():
        return {}
    try:
        value = read(text).plain()
    except Unreadable as error:
        raise BadCall("arguments", f"{error.place} {error.cause}", error.mend) from error
    if not isinstance(value, dict):
        raise BadCall("arguments", "the arguments are no JSON object", 'write an object such as `{"amount": 12}`')
    return value


def sample(tool: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments to begin with: the required parameters of a tool with a plain value of their type."""
    schema = tool.get("inputSchema")
    declared = schema.get("properties") if isinstance(schema, Mapping) else None
    needed = schema.get("required") if isinstance(schema, Mapping) else None
    if not isinstance(declared, Mapping) or not isinstance(needed, list):
        return {}
    return {str(key): _plain(declared[key]) for key in needed if key in declared}


def _plain(about: object) -> Any:
    if not isinstance(about, Mapping):
        return ""
    choices = about.get("enum")
    if isinstance(choices, list) and choices:
        return choices[0]
    kind = about.get("type")
    return {"number": 1, "integer": 1, "boolean": False, "array": [], "object": {}}.get(str(kind), "")
