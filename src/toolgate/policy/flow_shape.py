"""The shape of `flows`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from toolgate.policy.categories import PRECEDENCE, category_of
from toolgate.policy.durations import read_duration
from toolgate.policy.flows import SESSION
from toolgate.policy.key_shape import wrong_keys
from toolgate.policy.problems import Problem

_KNOWN = ("after", "and_after", "deny", "within", "on_deny")
_LEGS = ("after", "and_after", "deny")
_ITEM = 'write the name of a tool, a pattern, or `{"category": "Destructive"}`'


def find_flow_problems(value: object, pointer: str) -> Iterator[Problem]:
    """Problems of the list of flows."""
    if type(value) is not list:
        yield Problem(pointer, "the flows are no list", 'write `[{"after": [...], "deny": [...]}]`')
        return
    for place, flow in enumerate(value):
        at = f"{pointer}/{place}"
        if type(flow) is dict:
            yield from _flow(flow, at)
        else:
            yield Problem(at, "the flow is no object", 'write `{"after": [...], "deny": [...]}`')


def _flow(raw: dict[str, Any], pointer: str) -> Iterator[Problem]:
    yield from wrong_keys(raw, pointer, _KNOWN, ("after", "deny"), "a flow")
    for key in _LEGS:
        if key in raw:
            yield from _leg(raw[key], f"{pointer}/{key}")
    if "within" in raw and raw["within"] != SESSION and read_duration(raw["within"]) is None:
        mend = "write `session`, or a number with `s`, `m`, `h` or `d`, at most seven days: `30m`"
        yield Problem(f"{pointer}/within", f"`{raw['within']}` is neither `session` nor a length of time", mend)
    if "on_deny" in raw and type(raw["on_deny"]) is not str:
        yield Problem(f"{pointer}/on_deny", f"`{raw['on_deny']}` is no text", "write a string")


def _leg(value: object, pointer: str) -> Iterator[Problem]:
    if type(value) is not list or not value:
        yield Problem(pointer, "the list names no tool", f"write a list; {_ITEM}")
        return
    for place, item in enumerate(value):
        at = f"{pointer}/{place}"
        if type(item) is dict:
            yield from _category_item(item, at)
        elif type(item) is not str or not item:
            yield Problem(at, f"`{item}` names no tool", _ITEM)


def _category_item(item: dict[str, Any], pointer: str) -> Iterator[Problem]:
    if item.keys() != {"category"}:
        yield Problem(pointer, "an object names tools by `category` and nothing else", _ITEM)
        return
    words = item["category"] if type(item["category"]) is list else [item["category"]]
    known = ", ".join(f"`{word}`" for word in PRECEDENCE)
    if not words:
        yield Problem(f"{pointer}/category", "the list names no category", f"use {known}")
    for word in words:
        if category_of(word) is None:
            yield Problem(f"{pointer}/category", f"`{word}` is no category", f"use {known}, with the capital letter")
