"""One call put to rules and conditions, each answer kept with its reason instead of only the outcome."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from toolgate.policy.charges import Ledger, Limit
from toolgate.policy.conditions import Condition, Rule, fault
from toolgate.policy.decision import Subject
from toolgate.policy.definition import UNKNOWN, Definition, Mode, Tool
from toolgate.policy.operators import all_of, any_of
from toolgate.policy.paths import Path, fold, spread
from toolgate.policy.rules import masked
from toolgate.policy.words import condition_words, verdict_words

Truth = Literal["true", "false", "undefined", ""]


@dataclass(slots=True, frozen=True)
class Asked:
    """One condition: what it asks, and what it says of the call. `truth` and `why` are "" where there is no call."""

    pointer: str
    words: str
    truth: Truth = ""
    why: str = ""


@dataclass(slots=True, frozen=True)
class Call:
    """What is judged."""

    name: str
    arguments: dict[str, object]
    subject: Subject
    now: float
    definition: Definition | None

    @property
    def tool(self) -> Tool:
        """What conditions may ask of it."""
        return Tool(self.name) if self.definition is None else self.definition

    def reading(self, paths: Iterable[Path]) -> Call:
        """The call as rules see it: keys that differ only in case from one that is read make that undefined."""
        keys = frozenset(path.key for path in paths)
        return replace(self, arguments=masked(self.arguments, keys, frozenset(map(fold, keys))))


def ask_rule(rule: Rule, call: Call | None, *, every: bool) -> tuple[Truth, tuple[Asked, ...]]:
    """The truth of a rule and of each of its conditions.

    `every`: over `[*]`, whether each element counts (`require`) or some element. Conditions speak of one element
    together, so a rule may be false although each of them is true of another element.
    """
    asked = tuple(
        _ask(condition, f"{rule.pointer}/conditions/{place}", call, every)
        for place, condition in enumerate(rule.conditions)
    )
    if call is None:
        return "", asked
    return truth_of(rule.judge(call.arguments, call.subject, call.now, call.tool)), asked


def _ask(condition: Condition, pointer: str, call: Call | None, every: bool) -> Asked:
    words = condition_words(condition)
    if call is None:
        return Asked(pointer, words)
    read = condition.read
    about = (call.subject, call.now, call.tool)
    values = [read(*about)] if read else list(spread(call.arguments, condition.path.steps))
    verdicts = [condition.judged(value, *about) for value in values]
    verdict = (all_of if every else any_of)(verdicts)
    if not verdicts:
        return Asked(pointer, words, truth_of(verdict), "the list is empty")
    if verdict is None:
        why = f"{condition.path.shown} {fault(condition, values[verdicts.index(None)])}"
    else:
        why = verdict_words(condition, verdict)
    return Asked(pointer, words, truth_of(verdict), why)


def truth_of(verdict: bool | None) -> Truth:
    """A verdict as a word."""
    if verdict is None:
        return "undefined"
    return "true" if verdict else "false"


def schema_fault(call: Call, mode: Mode) -> str:
    """Why the arguments do not fit; "" where they do."""
    return UNKNOWN if call.definition is None else call.definition.refusal(call.arguments, mode)


def cost_fault(limit: Limit, call: Call) -> str:
    """Why it cannot be told what the call costs; "" where it can."""
    verdict = Ledger([limit], {(limit.scope, limit.name): limit}).draw(call.arguments, call.subject)
    return verdict.message
