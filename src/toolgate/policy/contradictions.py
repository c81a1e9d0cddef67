"""Rules whose conditions cannot all hold, whatever the call."""

from __future__ import annotations

from toolgate.policy.conditions import Condition, Rule
from toolgate.policy.numerals import Number, exact

_ALWAYS_TEXT = (
    *("grant.label", "grant.labels", "principal", "session.id", "time.iso"),
    *("tool.name", "tool.category", "tool.risk"),
)
_ALWAYS_NUMBERS = ("time.hour", "time.weekday")


def contradiction(rule: Rule) -> str:
    """Why no call can fulfil the conditions; "" where one could, or where that cannot be told."""
    for condition in rule.conditions:
        cause = _by_itself(condition)
        if cause:
            return cause
    places: dict[str, list[Condition]] = {}
    for condition in rule.conditions:
        if type(condition.operand) is not dict:
            places.setdefault(condition.path.text, []).append(condition)
    return next((cause for group in places.values() if (cause := _together(group))), "")


def _by_itself(condition: Condition) -> str:
    name, operand = condition.operator.name, condition.operand
    if name == "in" and operand == []:
        return f"nothing is in an empty list, so {condition.path.shown} never is"
    kind = "number" if condition.path.root in _ALWAYS_NUMBERS else "string"
    known = condition.path.root in (*_ALWAYS_TEXT, *_ALWAYS_NUMBERS)
    if known and name != "exists" and type(operand) is not dict and kind not in condition.operator.kinds(operand):
        return f"{condition.path.shown} is always a {kind}, so the condition is never true"
    return ""


def _together(group: list[Condition]) -> str:
    equal = [condition for condition in group if condition.operator.name == "eq"]
    others = [condition for condition in group if condition.operator.name != "exists"]
    for condition in equal:
        if any(other.test is not None and other.test(condition.operand) is not True for other in others):
            return f"{condition.path.shown} cannot be what all conditions ask"
    low, low_open, high, high_open = _interval(group)
    if low is not None and high is not None and (low > high or (low == high and (low_open or high_open))):
        return f"{group[0].path.shown} cannot be in an empty range"
    return ""


def _interval(group: list[Condition]) -> tuple[Number | None, bool, Number | None, bool]:
    low: Number | None = None
    high: Number | None = None
    low_open = high_open = False
    for condition in group:
        bound, name = exact(condition.operand), condition.operator.name
        if bound is None:
            continue
        if name in ("gt", "gte") and (low is None or bound >= low):
            low_open = name == "gt" or (low_open and bound == low)
            low = bound
        elif name in ("lt", "lte") and (high is None or bound <= high):
            high_open = name == "lt" or (high_open and bound == high)
            high = bound
    return low, low_open, high, high_open
