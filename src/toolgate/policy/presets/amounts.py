"""Presets that count: `money-cap` what is moved in a day, `loop-breaker` the same call again and again."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from toolgate.policy.limit_shape import LONGEST_SPAN, MOST_CALLS
from toolgate.policy.presets.preset import (
    Added,
    BadOption,
    Given,
    Known,
    Option,
    Preset,
    appended,
    asking,
    is_reached,
    quoted,
)

_AMOUNT = re.compile(r"[0-9]{1,18}(\.[0-9]{1,9})?")
_WHOLE = re.compile(r"[0-9]{1,5}")
_UNSAID = "It moves money and does not say how much."


def _money_cap(document: dict[str, Any], known: Sequence[Known], given: Given) -> Added:
    """One sum over all tools that move money; those that do not say how much wait for a person."""
    limit = {"counter": _counter(given), "window": "day", "max": _amount(given), "scope": "grant"}
    reached = [tool for tool in known if tool.category == "Financial" and is_reached(document, tool.name)]
    for tool in reached:
        document = _capped(document, tool, limit)
    return Added(document, tuple(_said_of_money(reached)))


def _capped(document: dict[str, Any], tool: Known, limit: dict[str, Any]) -> dict[str, Any]:
    if tool.amount:
        return appended(document, "tools", tool.name, "limits", {**limit, "cost": tool.amount})
    return asking(document, tool.name, _UNSAID)


def _said_of_money(reached: Sequence[Known]) -> Iterator[str]:
    counted = [f"{tool.name}: {tool.amount}" for tool in reached if tool.amount]
    unsaid = [tool.name for tool in reached if not tool.amount]
    if counted:
        yield f"amounts are summed as they stand, so they must be of one unit: {quoted(counted)}"
    if unsaid:
        yield f"these do not say how much they move, so a person is asked: {quoted(unsaid)}"
    if not reached:
        yield "no tool that may be called moves money, so nothing was added"


def _amount(given: Given) -> int | float:
    text = given["daily"].strip()
    if not _AMOUNT.fullmatch(text):
        raise BadOption("daily", f"`{text}` is no amount", "write a number from 0 up, such as `100` or `99.50`")
    if "." not in text:
        return int(text)
    if Decimal(text) != Decimal(repr(float(text))):
        raise BadOption("daily", f"`{text}` has more digits than a number of JSON keeps", "round it")
    return float(text)


def _counter(given: Given) -> str:
    name = given["counter"].strip()
    if not name or ":" in name:
        raise BadOption("counter", f"`{name}` is no name of a counter", "write a name such as `money`")
    return name


def _loop_breaker(document: dict[str, Any], _: Sequence[Known], given: Given) -> Added:
    everywhere = document.get("all_tools", {})
    if "repeat_limit" in everywhere:
        mend = "change that one, or take it away first"
        raise BadOption("/all_tools/repeat_limit", "the policy limits repeated calls already", mend)
    limit = {"max": _whole("max", given, MOST_CALLS), "window": _whole("window", given, LONGEST_SPAN)}
    return Added({**document, "all_tools": {**everywhere, "repeat_limit": limit}})


def _whole(name: str, given: Given, most: int) -> int:
    text = given[name].strip()
    if not _WHOLE.fullmatch(text) or not 1 <= int(text) <= most:
        raise BadOption(name, f"`{text}` is no number from 1 to {most}", f"write digits, such as `{min(10, most)}`")
    return int(text)


MONEY_CAP = Preset(
    "money-cap",
    "At most so much money is moved in a day, over all tools that move any.",
    _money_cap,
    (
        Option("daily", "The most that is moved in a day", example="100"),
        Option("counter", "The name of the counter", "money", "money"),
    ),
    needs_tools=True,
)
LOOP_BREAKER = Preset(
    "loop-breaker",
    "An agent that makes the same call again and again is stopped.",
    _loop_breaker,
    (
        Option("max", "How many identical calls", "10", "10"),
        Option("window", "In how many seconds", "60", "60"),
    ),
)
