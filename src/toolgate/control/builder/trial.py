"""One call tried against a document: the verdict, everything that was asked, and what it would be charged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from toolgate.classifier.parameters import kind_of_schema
from toolgate.control.builder.earlier import after, denied_at
from toolgate.control.builder.spans import Unreadable, read
from toolgate.control.builder.values import BadValue, value_of, value_text
from toolgate.errors import ToolgateError
from toolgate.policy.categories import Category
from toolgate.policy.compiler import compile_policy
from toolgate.policy.decision import Mark, Subject, Unit, Verdict
from toolgate.policy.definition import Definition, Tool
from toolgate.policy.document import Document
from toolgate.policy.explain import Step, explain
from toolgate.policy.words import decimal

_MOST_INPUTS = 12
_EXAMPLES = {"number": "1", "integer": "1", "boolean": "true"}


class BadCall(ToolgateError):
    """A call that cannot be tried."""


@dataclass(slots=True, frozen=True)
class Tried:
    """What came out. Counters are not looked at: a limit that is used up would still deny the call."""

    verdict: Verdict
    steps: tuple[Step, ...]
    shown: bool
    """Whether `tools/list` shows the tool."""

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
            if not isinstance(charge.window, Mark)
        ]
        return {
            "outcome": verdict.outcome,
            "rule": verdict.rule,
            "message": verdict.message,
            "visible": verdict.visible,
            "shown": self.shown,
            "charges": charges,
            "counts_for": [
                charge.rule for charge in verdict.charges if isinstance(charge.window, Mark) and charge.amount
            ],
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
    category: Category | None,
    earlier: Sequence[Tool] = (),
) -> Tried:
    """Try a `tools/call`. `now` in epoch seconds; `tool` as the server lists it, None where it is not known.

    `category` is what the tool is taken for; None where nobody has accepted that. `earlier`: what the same session used
    before.
    """
    definition = Definition(tool, category) if tool is not None else None
    policy = compile_policy(document)
    asked = policy.judge(name, arguments, subject, now, definition)
    verdict = after(document, asked, name, subject, earlier)
    steps = explain(document, name, arguments, subject, now, definition)
    return Tried(verdict, steps if verdict is asked else denied_at(steps, verdict.rule), policy.lists(name))


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


@dataclass(slots=True, frozen=True)
class Input:
    """One parameter of a tool that a field can hold, with an example where it is required."""

    name: str
    kind: str
    choices: tuple[str, ...]
    required: bool
    example: str

    @property
    def options(self) -> list[tuple[str, str]]:
        """The choices as a field offers them."""
        return [("", "not given"), *((choice, choice) for choice in self.choices)]


def inputs(tool: Mapping[str, Any]) -> list[Input]:
    """The plain parameters of a tool, the first twelve; lists and objects are written as JSON."""
    schema = tool.get("inputSchema")
    declared = schema.get("properties") if isinstance(schema, Mapping) else None
    needed = schema.get("required") if isinstance(schema, Mapping) else None
    if not isinstance(declared, Mapping):
        return []
    required = needed if isinstance(needed, list) else []
    found = [_input(str(key), value, key in required) for key, value in declared.items() if isinstance(value, Mapping)]
    return [each for each in found if each.kind not in ("array", "object")][:_MOST_INPUTS]


def _input(name: str, about: Mapping[str, Any], required: bool) -> Input:
    listed = about.get("enum")
    kind = kind_of_schema(about)
    choices = tuple(value_text(choice, kind) for choice in listed[:50]) if isinstance(listed, list) else ()
    example = next(iter(choices), _EXAMPLES.get(kind, "x")) if required else ""
    return Input(name, kind, choices, required, example)


def arguments_of(tool: Mapping[str, Any] | None, fields: Mapping[str, str]) -> dict[str, Any]:
    """The arguments that the fields `arg:NAME` hold, and over them those written as JSON. An empty field is not sent.

    What does not fit the type of the parameter is sent as text, as an agent might. Raises BadCall.
    """
    found: dict[str, Any] = {}
    for each in inputs(tool) if tool is not None else []:
        typed = fields.get(f"arg:{each.name}", "")
        if typed:
            found[each.name] = _typed(typed, each.kind)
    return {**found, **read_arguments(fields.get("try:arguments", ""))}


def _typed(text: str, kind: str) -> Any:
    try:
        return value_of("eq", text, kind)
    except BadValue:
        return text
