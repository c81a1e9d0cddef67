"""The shape of limits and of their short forms `rate_limit` and `repeat_limit`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from toolgate.policy.charges import REPEATS, RESULT_BYTES, SPANS, read_settle
from toolgate.policy.decision import Unit
from toolgate.policy.flows import COUNTER
from toolgate.policy.key_shape import wrong_keys
from toolgate.policy.numerals import exact, is_nano_exact
from toolgate.policy.paths import EACH, BadPath, parse_path
from toolgate.policy.problems import Problem
from toolgate.policy.response_shape import find_bytes_problems

_KNOWN = ("counter", "window", "max", "scope", "cost", "settle", "reserve")
SCOPES = ("grant", "session", "principal", "server", "organisation")
RATE_SCOPES = ("grant", "session")
OWN_COUNTERS = {"rate_limit:": "rate_limit", REPEATS: "repeat_limit", COUNTER: "flows"}
"""How the names of counters begin that are not the author's, and the key that makes them."""
LONGEST_SPAN = 86_400
MOST_CALLS = 10_000
"""What one sliding window can hold."""
LARGEST = 10**18
"""Far beyond any budget; the stores of counters are exact at every size."""


def find_limit_problems(value: object, pointer: str, root: str, *, everywhere: bool) -> Iterator[Problem]:
    """Problems of a list of limits; `everywhere` for `all_tools`, where no path can be a cost."""
    if type(value) is not list:
        yield Problem(pointer, "the limits are no list", "write a list of limits")
        return
    for place, limit in enumerate(value):
        at = f"{pointer}/{place}"
        if type(limit) is dict:
            yield from _limit(limit, at, root, everywhere)
        else:
            yield Problem(at, "the limit is no object", 'write `{"counter": ..., "window": ..., "max": ...}`')


def _limit(raw: dict[str, Any], pointer: str, root: str, everywhere: bool) -> Iterator[Problem]:
    yield from wrong_keys(raw, pointer, _KNOWN, ("counter", "window", "max"), "a limit")
    if "counter" in raw:
        yield from _counter(raw["counter"], f"{pointer}/counter")
    if "window" in raw:
        yield from _window(raw["window"], f"{pointer}/window")
    if "max" in raw:
        yield from _amount(raw["max"], f"{pointer}/max")
    if "scope" in raw:
        yield from _one_of(raw["scope"], f"{pointer}/scope", SCOPES)
    if "cost" in raw:
        yield from _cost(raw["cost"], f"{pointer}/cost", root, everywhere)
    if "settle" in raw:
        yield from _settle(raw["settle"], f"{pointer}/settle", root)
    yield from _reserve(raw, pointer)
    yield from _sliding_size(raw, pointer)


def _counter(value: object, pointer: str) -> Iterator[Problem]:
    if type(value) is not str or not value:
        yield Problem(pointer, "the counter has no name", "write a name such as `daily_spend`")
        return
    for own, key in OWN_COUNTERS.items():
        if value.startswith(own):
            yield Problem(pointer, f"names that begin with `{own}` belong to `{key}`", "choose another name")


def _window(value: object, pointer: str) -> Iterator[Problem]:
    if type(value) is str and value in {unit.value for unit in Unit}:
        return
    if type(value) is int and 1 <= value <= LONGEST_SPAN:
        return
    mend = "use `second`, `minute`, `hour`, `day`, `week`, `month`, or whole seconds from 1 to 86400"
    yield Problem(pointer, f"`{value}` is no window", mend)


def _amount(value: object, pointer: str) -> Iterator[Problem]:
    number = exact(value)
    if number is None or number < 0:
        yield Problem(pointer, f"`{value}` is no number from 0 up", "write a decimal number from 0 up")
    elif not is_nano_exact(number) or number > LARGEST:
        mend = f"use at most nine fraction digits and at most {LARGEST}"
        yield Problem(pointer, f"`{value}` is finer or larger than counters can hold", mend)


def _one_of(value: object, pointer: str, choices: tuple[str, ...]) -> Iterator[Problem]:
    if type(value) is not str or value not in choices:
        mend = f"use one of {', '.join(f'`{name}`' for name in choices)}"
        yield Problem(pointer, f"`{value}` is not one of the values", mend)


def _cost(value: object, pointer: str, root: str, everywhere: bool) -> Iterator[Problem]:
    if value == RESULT_BYTES:
        return
    if type(value) is not str:
        yield from _amount(value, pointer)
        return
    mend = f"write a number, `{RESULT_BYTES}`, or a path such as `{root}.amount`, without `[*]`"
    try:
        path = parse_path(value)
    except BadPath as error:
        yield Problem(pointer, str(error), mend)
        return
    if everywhere:
        cause = f"tools do not share arguments, so a cost of `all_tools` is a number or `{RESULT_BYTES}`"
        yield Problem(pointer, cause, "write one of them")
    elif path.root != root or EACH in path.steps:
        yield Problem(pointer, f"the cost `{value}` is not one argument of the call", mend)


def _settle(value: object, pointer: str, root: str) -> Iterator[Problem]:
    mend = "write a path in the result's `structuredContent` such as `usage.tokens`"
    if root == "params":
        yield Problem(pointer, "only results of tools have `structuredContent` to settle by", "remove it")
    elif type(value) is not str or not value:
        yield Problem(pointer, f"`{value}` is no path", mend)
    else:
        try:
            read_settle(value)
        except BadPath as error:
            yield Problem(pointer, str(error), mend)


def _reserve(raw: dict[str, Any], pointer: str) -> Iterator[Problem]:
    by_size = raw.get("cost") == RESULT_BYTES
    if by_size and "settle" in raw:
        yield Problem(f"{pointer}/settle", f"a cost of `{RESULT_BYTES}` settles by the size of the answer", "remove it")
    if "reserve" in raw and not by_size:
        mend = f'remove it, or write `"cost": "{RESULT_BYTES}"`'
        yield Problem(f"{pointer}/reserve", "only a cost that the answer tells is reserved", mend)
    elif "reserve" in raw:
        yield from find_bytes_problems(raw["reserve"], f"{pointer}/reserve")


def _sliding_size(raw: dict[str, Any], pointer: str) -> Iterator[Problem]:
    most, cost = exact(raw.get("max")), exact(raw.get("cost", 1))
    if type(raw.get("window")) is int and most is not None and cost and most > cost * MOST_CALLS:
        mend = "use a calendar window such as `hour`, or a smaller `max`"
        yield Problem(f"{pointer}/max", f"a sliding window holds at most {MOST_CALLS} calls", mend)


def find_rate_limit_problems(value: object, pointer: str) -> Iterator[Problem]:
    """Problems of `{"max": 10, "window": 60}` and `"10/minute"`."""
    if type(value) is dict:
        yield from wrong_keys(value, pointer, ("max", "window", "scope"), ("max", "window"), "a limit")
        if "max" in value:
            yield from _calls(value["max"], f"{pointer}/max")
        if "window" in value and not (type(value["window"]) is int and 1 <= value["window"] <= LONGEST_SPAN):
            mend = "write whole seconds from 1 to 86400"
            yield Problem(f"{pointer}/window", f"`{value['window']}` is no number of seconds", mend)
        if "scope" in value:
            yield from _one_of(value["scope"], f"{pointer}/scope", RATE_SCOPES)
    elif not is_short_rate(value):
        mend = 'write `{"max": 10, "window": 60}`, or `"10/minute"` with `second`, `minute`, `hour` or `day`'
        yield Problem(pointer, f"`{value}` is no rate limit", mend)


def _calls(value: object, pointer: str) -> Iterator[Problem]:
    if type(value) is not int or not 0 <= value <= MOST_CALLS:
        yield Problem(pointer, f"`{value}` is no number of calls", f"write a whole number from 0 to {MOST_CALLS}")


def is_short_rate(value: object) -> bool:
    """`"10/minute"`: calls in any span of that length."""
    if type(value) is not str:
        return False
    most, slash, span = value.partition("/")
    if not slash or span not in SPANS or not (most.isascii() and most.isdigit()) or len(most) > 5:
        return False
    return int(most) <= MOST_CALLS and str(int(most)) == most
