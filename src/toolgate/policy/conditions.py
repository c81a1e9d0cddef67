"""Conditions and rules as closures: each answers true, false or None (undefined) for one call."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from jiter import LosslessFloat

from toolgate.policy.decision import Subject
from toolgate.policy.definition import Tool
from toolgate.policy.operators import Operator, Test, all_of, any_of, kind_of
from toolgate.policy.paths import EACH, MISSING, Gap, Path, Step, elements, parse_path, spread, walk
from toolgate.policy.typed import OPERATORS

Judge = Callable[[Any, Subject, float, Tool], "bool | None"]
"""Takes what the paths start from (the arguments, or one element), the subject, the time and the tool."""
_Reader = Callable[[Subject, float, Tool], object]
_SHOWN = 60


@dataclass(slots=True, frozen=True)
class Condition:
    """One condition: where it looks, what it asks, and its words for a message."""

    path: Path
    operator: Operator
    operand: object
    test: Test | None
    """None where the value is a reference, so that the test is made for each call."""
    read: _Reader | None
    """Reads the path where it does not start in the arguments."""
    refer: _Reader | None

    def judged(self, value: object, subject: Subject, now: float, tool: Tool) -> bool | None:
        """What the condition says of one value."""
        if self.test is not None:
            return self.test(value)
        assert self.refer is not None
        operand = self.refer(subject, now, tool)
        if type(operand) is Gap or self.operator.check(operand):
            return None
        return self.operator.build(operand)(value)


@dataclass(slots=True, frozen=True)
class Rule:
    """A rule of `require`, `deny_if` or `require_approval`, ready to judge."""

    pointer: str
    on_deny: str
    judge: Judge
    conditions: tuple[Condition, ...]

    def message(self, wanted: bool, arguments: dict[str, object], subject: Subject, now: float, tool: Tool) -> str:
        """Why the rule did not come out as `wanted`: the author's words first, then the argument and its fault."""
        found = (complaint(each, wanted, arguments, subject, now, tool) for each in self.conditions)
        told = [text for text in found if text]
        detail = next((text for vague, text in told if vague), next((text for _, text in told), ""))
        if self.on_deny:
            return f"{self.on_deny} ({detail})" if detail else self.on_deny
        return detail or "the rule holds for every call"


def complaint(
    condition: Condition, wanted: bool, arguments: dict[str, object], subject: Subject, now: float, tool: Tool
) -> tuple[bool, str] | None:
    """Whether it is undefined, and the words for the first value of which the condition does not say `wanted`."""
    read = condition.read
    values: Iterable[object] = [read(subject, now, tool)] if read else spread(arguments, condition.path.steps)
    for value in values:
        verdict = condition.judged(value, subject, now, tool)
        if verdict is None:
            return True, f"{condition.path.shown} {fault(condition, value)}"
        if verdict is not wanted:
            words = condition.operator.holds if verdict else condition.operator.fails
            return False, f"{condition.path.shown} {words.format(shown_operand(condition.operand))}"
    return None


def fault(condition: Condition, value: object) -> str:
    """Why a value could not be judged, without the value."""
    if type(value) is Gap:
        return value.value
    if condition.test is None:
        return f"cannot be compared with {shown_operand(condition.operand)}"
    kinds = condition.operator.kinds(condition.operand)
    kind = kind_of(value)
    if kind not in kinds:
        return f"is {_article(kind)} where {' or '.join(map(_article, kinds)) or 'nothing'} is expected"
    if kind == "number":
        return "is a number that does not survive double precision"
    return f"cannot be read as {condition.operator.reads}"


def _article(kind: str) -> str:
    return kind if kind == "null" else f"{'an' if kind[0] in 'aeo' else 'a'} {kind}"


def shown_operand(operand: object) -> str:
    """The value of a condition in a message, shortened."""
    if type(operand) is dict:
        return f"`{operand['ref']}`"
    text = json.dumps(operand, default=str, ensure_ascii=False)
    if type(operand) is LosslessFloat:
        text = str(operand)
    return text if len(text) <= _SHOWN else "what the rule lists"


def compile_rule(raw: dict[str, Any], pointer: str, *, every: bool) -> Rule:
    """`every`: over `[*]`, whether each element must fulfil the conditions (`require`) or some element."""
    conditions = tuple(compile_condition(condition) for condition in raw["conditions"])
    judge = _joined([(condition, condition.path.steps) for condition in conditions], every, top=True)
    return Rule(pointer, raw.get("on_deny", ""), judge, conditions)


def compile_condition(raw: dict[str, Any]) -> Condition:
    """Build the test once; what a reference names is read for each call."""
    path = parse_path(raw["path"])
    operator = OPERATORS[raw["op"]]
    zone = ZoneInfo(raw["zone"]) if "zone" in raw else UTC
    operand = raw["value"]
    read = None if path.reads_arguments else _reader(path, zone)
    if type(operand) is dict:
        return Condition(path, operator, operand, None, read, _reader(parse_path(operand["ref"]), zone))
    source = (operand, raw["dialect"]) if "dialect" in raw else operand
    return Condition(path, operator, operand, operator.build(source), read, None)


def _joined(parts: list[tuple[Condition, tuple[Step, ...]]], every: bool, top: bool) -> Judge:
    """AND of conditions that start at one place; those with the same way to `[*]` speak of the same element."""
    judges: list[Judge] = []
    shared: dict[tuple[Step, ...], list[tuple[Condition, tuple[Step, ...]]]] = {}
    for condition, steps in parts:
        if condition.read is None and EACH in steps:
            at = steps.index(EACH)
            shared.setdefault(steps[:at], []).append((condition, steps[at + 1 :]))
        else:
            judges.append(_plain(condition, steps, top))
    for prefix, inner in shared.items():
        judges.append(_quantified(prefix, _joined(inner, every, top=False), every, top))
    return judges[0] if len(judges) == 1 else _conjunction(tuple(judges))


def _conjunction(judges: tuple[Judge, ...]) -> Judge:
    def judge(base: Any, subject: Subject, now: float, tool: Tool) -> bool | None:
        outcome: bool | None = True
        for each in judges:
            verdict = each(base, subject, now, tool)
            if verdict is False:
                return False
            if verdict is None:
                outcome = None
        return outcome

    return judge


def _quantified(prefix: tuple[Step, ...], inner: Judge, every: bool, top: bool) -> Judge:
    find = _finder(prefix, top)
    combine = all_of if every else any_of

    def judge(base: Any, subject: Subject, now: float, tool: Tool) -> bool | None:
        return combine(inner(item, subject, now, tool) for item in elements(find(base)))

    return judge


def _plain(condition: Condition, steps: tuple[Step, ...], top: bool) -> Judge:
    if condition.read is not None:
        read, judged = condition.read, condition.judged
        return lambda _, subject, now, tool: judged(read(subject, now, tool), subject, now, tool)
    if condition.test is None:
        find, judged = _finder(steps, top), condition.judged
        return lambda base, subject, now, tool: judged(find(base), subject, now, tool)
    return _tested(condition.test, steps, top)


def _tested(test: Test, steps: tuple[Step, ...], top: bool) -> Judge:
    """The common case on its own: one key of the arguments against a fixed value."""
    if top and len(steps) == 1:
        key = steps[0]
        return lambda base, _subject, _now, _tool: test(base.get(key, MISSING))
    find = _finder(steps, top)
    return lambda base, _subject, _now, _tool: test(find(base))


def _finder(steps: tuple[Step, ...], top: bool) -> Callable[[Any], object]:
    """Twins among the top keys are looked for once per call, by the caller."""
    if not top:
        return lambda base: walk(base, steps)
    key, *others = steps
    rest = tuple(others)
    return lambda base: walk(base.get(key, MISSING), rest)


def _reader(path: Path, zone: tzinfo) -> _Reader:
    """What is not there (an empty text) is missing."""
    if path.root == "grant.labels":
        key = path.key
        return lambda subject, _now, _tool: subject.labels.get(key, MISSING)
    if path.root.startswith("time."):
        return lambda _subject, now, _tool: _moment(path.root, datetime.fromtimestamp(now, zone))
    return _READERS[path.root]


_READERS: dict[str, _Reader] = {
    "grant.label": lambda subject, _now, _tool: subject.label or MISSING,
    "principal": lambda subject, _now, _tool: subject.principal or MISSING,
    "session.id": lambda subject, _now, _tool: subject.session_id or MISSING,
    "tool.name": lambda _subject, _now, tool: tool.name,
    # Both are missing until somebody accepted what the tool was judged to be: then no rule over them lets it pass.
    "tool.category": lambda _subject, _now, tool: tool.category or MISSING,
    "tool.risk": lambda _subject, _now, tool: tool.risk or MISSING,
}


def _moment(root: str, moment: datetime) -> object:
    if root == "time.hour":
        return moment.hour
    if root == "time.weekday":
        return moment.isoweekday()
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
