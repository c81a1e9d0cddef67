"""The shape of a file of cases: the first problem of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from toolgate.policy.categories import PRECEDENCE, category_of
from toolgate.policy.entries import escape
from toolgate.policy.numerals import exact
from toolgate.policy.problems import Problem

_TOP = {"policy", "description", "tools", "categories", "cases"}
_CASE = {"note", "after", "tool", "category", "arguments", "method", "params", "request", "grant", "time", "want"}
_EARLIER = {"tool", "category", "arguments", "times"}
MOST_TIMES = 10_000
_GRANT = {"id", "label", "labels", "principal", "server", "organisation", "session"}
_WANT = {"outcome", "rule", "message", "shown", "charges", "timeout"}
DEFAULT_TIME = datetime(2026, 1, 1, 12, tzinfo=UTC).timestamp()
"""When a case happens that names no time: Thursday noon, UTC."""


def check_cases(value: object) -> Problem | None:
    """The first thing that is wrong, or None."""
    return next(_problems(value), None)


def _problems(value: object) -> Iterator[Problem]:
    if type(value) is not dict:
        yield Problem("", "the file is no JSON object", 'write `{"policy": ..., "cases": [...]}`')
        return
    yield from _unknown(value, "", _TOP)
    if type(value.get("policy")) not in (dict, str):
        yield Problem("/policy", "the policy is neither an object nor a path", "write the policy or its file name")
    if not _is_list_of_objects(value.get("tools", [])):
        yield Problem("/tools", "the tools are no list of objects", "write tool objects as `tools/list` gives them")
    yield from _categories(value.get("categories", {}))
    if not _is_list_of_objects(value.get("cases")):
        yield Problem("/cases", "the cases are no list of objects", "write a list of cases")
        return
    for place, case in enumerate(value["cases"]):
        yield from _case(case, f"/cases/{place}")


def _is_list_of_objects(value: object) -> bool:
    return type(value) is list and all(type(item) is dict for item in value)


def _unknown(value: dict[str, Any], pointer: str, known: set[str]) -> Iterator[Problem]:
    for key in value:
        if key not in known:
            mend = f"use {', '.join(f'`{name}`' for name in sorted(known))}"
            yield Problem(f"{pointer}/{key}", f"the key `{key}` is not known here", mend)


def _case(case: dict[str, Any], pointer: str) -> Iterator[Problem]:
    yield from _unknown(case, pointer, _CASE)
    if not _is_one_message(case):
        mend = "write `tool` with `arguments`, or `method` with `params`, or a whole `request`"
        yield Problem(pointer, "the case does not hold exactly one call", mend)
    if "category" in case:
        yield from _category(case["category"], f"{pointer}/category")
    yield from _after(case.get("after", []), f"{pointer}/after")
    if read_time(case.get("time")) is None:
        mend = "write `2026-03-01T12:00:00Z` or epoch seconds"
        yield Problem(f"{pointer}/time", f"`{case['time']}` is no point in time", mend)
    yield from _grant(case.get("grant", {}), f"{pointer}/grant")
    yield from _want(case.get("want"), f"{pointer}/want")


def _after(value: object, pointer: str) -> Iterator[Problem]:
    mend = 'write `["read_ticket", {"tool": "search", "arguments": {"q": "x"}, "times": 3}]`'
    if type(value) is not list:
        yield Problem(pointer, "the earlier calls are no list", mend)
        return
    for place, earlier in enumerate(value):
        at = f"{pointer}/{place}"
        if type(earlier) is dict:
            yield from _earlier(earlier, at, mend)
        elif type(earlier) is not str or not earlier:
            yield Problem(at, f"`{earlier}` is no earlier call", mend)


def _earlier(value: dict[str, Any], pointer: str, mend: str) -> Iterator[Problem]:
    yield from _unknown(value, pointer, _EARLIER)
    if type(value.get("tool")) is not str or type(value.get("arguments", {})) is not dict:
        yield Problem(pointer, "the earlier call has no tool, or its arguments are no object", mend)
    times = value.get("times", 1)
    if type(times) is not int or not 1 <= times <= MOST_TIMES:
        yield Problem(f"{pointer}/times", f"`{times}` is no number of calls", f"write 1 to {MOST_TIMES}")
    if "category" in value:
        yield from _category(value["category"], f"{pointer}/category")


def _categories(value: object) -> Iterator[Problem]:
    if type(value) is not dict:
        mend = 'write an object such as `{"delete_page": "Destructive"}`'
        yield Problem("/categories", "the categories are no object", mend)
        return
    for name, category in value.items():
        yield from _category(category, f"/categories/{escape(name)}")


def _category(value: object, pointer: str) -> Iterator[Problem]:
    if category_of(value) is None:
        mend = f"use {', '.join(f'`{known}`' for known in PRECEDENCE)}"
        yield Problem(pointer, f"`{value}` is no category", mend)


def _is_one_message(case: dict[str, Any]) -> bool:
    if sum(key in case for key in ("tool", "method", "request")) != 1:
        return False
    request = case.get("request", case)
    if type(request) is not dict or type(request.get("params", {})) is not dict:
        return False
    if "request" in case and request.get("method") == "tools/call":
        return type(request.get("params", {}).get("name")) is str
    return type(request.get("tool", request.get("method"))) is str


def read_time(value: object) -> float | None:
    """Epoch seconds of an ISO 8601 text with an offset or of a number; the default for None; None where unreadable."""
    if value is None:
        return DEFAULT_TIME
    number = exact(value)
    if number is not None:
        return float(number)
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return None if moment is None or moment.tzinfo is None else moment.timestamp()


def _grant(value: object, pointer: str) -> Iterator[Problem]:
    if type(value) is not dict:
        yield Problem(pointer, "the grant is no object", 'write `{"label": "ci", "labels": {"tenant": "a"}}`')
        return
    yield from _unknown(value, pointer, _GRANT)
    labels = value.get("labels", {})
    texts = [item for key, item in value.items() if key != "labels"]
    texts += labels.values() if type(labels) is dict else [labels]
    if not all(type(item) is str for item in texts):
        yield Problem(
            pointer, "the grant holds something that is no text", "write texts; `labels` is an object of them"
        )


def _want(value: object, pointer: str) -> Iterator[Problem]:
    if type(value) is not dict or value.get("outcome") not in ("allow", "deny", "wait"):
        mend = 'write `{"outcome": "deny", "rule": "/tools/run/require/0"}`'
        yield Problem(pointer, "the case does not say which outcome it wants", mend)
        return
    yield from _unknown(value, pointer, _WANT)
    if type(value.get("charges", {})) is not dict or type(value.get("message", "")) is not str:
        mend = '`charges` is an object such as `{"calls": 1}`, `message` a part of the text'
        yield Problem(pointer, "`charges` or `message` has another shape", mend)
