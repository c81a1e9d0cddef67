"""Rules, limits and conditions as sentences for people: what stands in a document, never what a caller sent."""

from __future__ import annotations

from collections.abc import Iterable

from toolgate.policy.charges import Limit
from toolgate.policy.conditions import Condition, shown_operand
from toolgate.policy.decision import NANO, Unit, Window
from toolgate.policy.paths import EACH

_WHOSE = {
    "grant": "per grant",
    "session": "per session",
    "principal": "per principal",
    "server": "for the whole server",
    "organisation": "for the whole organisation",
}
_SPANS = {1: "second", 60: "minute", 3600: "hour", 86_400: "day"}


def condition_words(condition: Condition) -> str:
    """What a condition asks: `each argument items[*].to is "bob"`, with the author's words in backticks."""
    quantity = "each " if EACH in condition.path.steps else ""
    return quantity + verdict_words(condition, True)


def verdict_words(condition: Condition, verdict: bool) -> str:
    """What is known of an argument of which the condition is true, or false."""
    operand, operator = condition.operand, condition.operator
    if operator.name == "exists":
        return f"{condition.path.shown} {'is there' if operand is verdict else 'is missing'}"
    if operator.name == "ip_public":
        return f"{condition.path.shown} is {'a' if operand is verdict else 'no'} public address"
    return f"{condition.path.shown} {(operator.holds if verdict else operator.fails).format(shown_operand(operand))}"


def conditions_words(conditions: Iterable[Condition]) -> str:
    """All conditions of one rule; "" where it has none."""
    return " and ".join(map(condition_words, conditions))


def limit_words(limit: Limit) -> str:
    """`at most 60 calls a minute, per grant`."""
    unit = "calls" if limit.cost == NANO else "units"
    if not isinstance(limit.cost, int):
        unit = f"of {limit.cost.shown}"
    elif limit.cost != NANO:
        unit = f"units at {decimal(limit.cost)} a call"
    return f"at most {decimal(limit.maximum)} {unit} {_span(limit.window)}, {_WHOSE[limit.scope]}"


def _span(window: Unit | int) -> str:
    if isinstance(window, Unit):
        return f"{'an' if window is Unit.HOUR else 'a'} {window.value}"
    named = _SPANS.get(window)
    return f"in any {named}" if named else f"in any {window} seconds"


def window_words(window: Window) -> str:
    """What a counter is kept for, shortly: `day`, `60 s`, `3600 s since the last`."""
    if isinstance(window, Unit):
        return window.value
    return f"{window} s" if isinstance(window, int) else f"{window.seconds} s since the last"


def decimal(amount: int) -> str:
    """A nano amount as people write it."""
    whole, fraction = divmod(amount, NANO)
    return f"{whole}.{fraction:09d}".rstrip("0").rstrip(".")


def span_words(seconds: int) -> str:
    """A length of time in its largest whole unit: `10 minutes`."""
    for size, name in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        if seconds % size == 0:
            return f"{seconds // size} {name}{'s' if seconds != size else ''}"
    return f"{seconds} second{'s' if seconds != 1 else ''}"
