"""Rules, limits and conditions as sentences for people: what stands in a document, never what a caller sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from toolgate.policy.charges import Limit
from toolgate.policy.conditions import Condition, shown_operand
from toolgate.policy.decision import NANO, Unit, Window
from toolgate.policy.flows import Flow, Some
from toolgate.policy.paths import EACH

_WHOSE = {
    "grant": "per grant",
    "session": "per session",
    "principal": "per principal",
    "server": "for the whole server",
    "organisation": "for the whole organisation",
}
_NAMED = 6
"""Tools of a flow that a text names one by one."""
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
    unit = "units" if limit.cost != NANO else "identical calls" if limit.repeats else "calls"
    if not isinstance(limit.cost, int):
        unit = f"of {limit.cost.shown}"
    elif limit.counts_bytes:
        unit = f"bytes of answers, with {decimal(limit.cost)} reserved for each,"
    elif limit.cost != NANO:
        unit = f"units at {decimal(limit.cost)} a call"
    return f"at most {decimal(limit.maximum)} {unit} {_span(limit.window)}, {_WHOSE[limit.scope]}"


def _span(window: Unit | int) -> str:
    if isinstance(window, Unit):
        return f"{'an' if window is Unit.HOUR else 'a'} {window.value}"
    named = _SPANS.get(window)
    return f"in any {named}" if named else f"in any {window} seconds"


def flow_words(flow: Flow) -> str:
    """`denied after `read_ticket` or `get_*`, for the rest of the session`."""
    return f"denied after {_legs(flow)}, {lasting_words(flow.seconds)}"


def flow_denial(flow: Flow, tool: str, seconds: int) -> str:
    """What the agent reads whose call of the tool a flow refuses; `seconds` is 0 where that ends with its session."""
    return flow.on_deny or f"`{tool}` is denied after {_legs(flow)}, {lasting_words(seconds, 'this session')}"


def lasting_words(seconds: int, session: str = "the session") -> str:
    """How long a flow denies: `for 1 hour after the last such call`, or with 0 `for the rest of the session`."""
    return f"for {span_words(seconds)} after the last such call" if seconds else f"for the rest of {session}"


def _legs(flow: Flow) -> str:
    together = f", together with {some_words(flow.and_after)}" if flow.has_two_legs else ""
    return some_words(flow.after) + together


def some_words(some: Some) -> str:
    """``read_ticket`, `get_*` or a tool of category `Read``."""
    named = [f"`{key}`" for key in (*some.names, *some.patterns)]
    if len(named) > _NAMED:
        named[_NAMED - 1 :] = [f"{len(named) - _NAMED + 1} others"]
    named += [f"a tool of category `{word}`" for word in some.categories]
    return " or ".join([", ".join(named[:-1]), named[-1]] if len(named) > 1 else named)


def response_words(response: Mapping[str, Any]) -> str:
    """What is done to answers: `an answer longer than 65536 bytes is withheld`."""
    said = []
    if "redact" in response:
        said.append(f"what {', '.join(f'`{name}`' for name in response['redact'])} finds in the answer is replaced")
    if "max_bytes" in response:
        said.append(f"an answer longer than {response['max_bytes']} bytes is withheld")
    return " and ".join(said)


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
