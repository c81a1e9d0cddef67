"""What the fields of the form say, read against what stands in the document: a field that was not touched keeps it.

Browsers change text on its way: a line field drops line ends, an area sends CRLF for each, both show U+FFFD for NUL. So
a field counts as touched only where it differs from what the browser made of the old text.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Any

from toolgate.control.builder.values import BadValue, value_of, value_text

Fields = Mapping[str, str]
LIMIT = ("counter", "window", "max", "scope", "cost", "settle", "reserve")
"""The keys of a limit that have a field."""
_AMOUNTS = ("window", "max", "cost", "reserve")
_SPANS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
_SPAN_NAMES = {seconds: name for name, seconds in _SPANS.items()}


def in_area(text: str) -> str:
    """A text as an area gives it back, with LF for each end of a line."""
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")


def in_line(text: str) -> str:
    """A text as a field of one line gives it back."""
    return text.replace("\r", "").replace("\n", "").replace("\0", "\ufffd")


def with_text(entry: dict[str, Any], key: str, fields: Fields, name: str) -> dict[str, Any]:
    """The entry with the free text of a field; an emptied field takes the key away."""
    if name not in fields or in_area(fields[name]) == in_area(entry.get(key, "")):
        return entry
    return with_choice(entry, key, in_area(fields[name]))


def with_choice(entry: dict[str, Any], key: str, value: str) -> dict[str, Any]:
    """The entry with a word, or without the key for ""."""
    if entry.get(key, "") == value:
        return entry
    rest = {other: kept for other, kept in entry.items() if other != key or value}
    return {**rest, key: value} if value else rest


def rule_from(fields: Fields, prefix: str, old: dict[str, Any], kinds: Mapping[str, str]) -> dict[str, Any]:
    """A rule as its fields have it: rows without a path are left out."""
    known = old.get("conditions", [])
    conditions = []
    for place in count():
        row = f"{prefix}:{place}"
        if f"{row}:path" not in fields:
            break
        before = known[place] if place < len(known) else {}
        if fields[f"{row}:path"].strip():
            conditions.append(condition_from(fields, row, before, kinds))
    rule = {**old, "conditions": conditions}
    rule = with_text(rule, "on_deny", fields, f"{prefix}:on_deny")
    timeout = fields.get(f"{prefix}:timeout", old.get("timeout", "")).strip()
    return rule if in_line(old.get("timeout", "")).strip() == timeout else with_choice(rule, "timeout", timeout)


def condition_from(fields: Fields, row: str, old: dict[str, Any], kinds: Mapping[str, str]) -> dict[str, Any]:
    """One row of a rule. Raises BadValue, whose place is the field."""
    path, op = fields[f"{row}:path"], fields.get(f"{row}:op", "eq")
    path = old["path"] if old and in_line(old["path"]) == path else path.strip()
    shown = value_text(old["value"], kinds.get(path, "")) if old and old["op"] == op else None
    typed = in_area(fields.get(f"{row}:value", ""))
    if shown is not None and in_area(shown) == typed:
        value = old["value"]
    else:
        try:
            value = value_of(op, typed, kinds.get(path, ""))
        except BadValue as error:
            raise BadValue(f"{row}:value", error.cause, error.mend) from error
    condition = {**old, "path": path, "op": op, "value": value}
    dialect = fields.get(f"{row}:dialect", old.get("dialect", ""))
    condition = with_choice(condition, "dialect", (dialect or "postgres") if op == "sql_only" else "")
    timed = path.startswith("time.") or (isinstance(value, dict) and str(value.get("ref", "")).startswith("time."))
    return condition if timed else with_choice(condition, "zone", "")


def limit_from(fields: Fields, prefix: str, old: dict[str, Any]) -> dict[str, Any]:
    """A limit as its fields have it."""
    limit = dict(old)
    for key in LIMIT:
        typed = fields.get(f"{prefix}:{key}", amount_text(old.get(key, "")))
        if in_line(amount_text(old.get(key, ""))) == typed:
            continue
        if typed.strip():
            limit[key] = amount_of(typed.strip()) if key in _AMOUNTS else typed.strip()
        else:
            limit.pop(key, None)
    return limit


def amount_text(value: Any) -> str:
    """A number or word of a limit as its field shows it."""
    return value if isinstance(value, str) else value_text(value)


def amount_of(text: str) -> Any:
    """A number as typed; what is none stays text (the name of a window, a path)."""
    try:
        return value_of("eq", text, "number")
    except BadValue:
        return text


def rate_shown(rate: Any) -> tuple[str, str, str]:
    """The calls, the window in seconds and the scope of a `rate_limit`, as its fields show them."""
    if isinstance(rate, dict):
        return amount_text(rate["max"]), str(rate["window"]), rate.get("scope", "")
    if isinstance(rate, str):
        most, _, span = rate.partition("/")
        return most, str(_SPANS[span]), ""
    return "", "60", ""


def rate_from(fields: Fields, prefix: str, old: Any) -> Any:
    """The `rate_limit` that the fields say, None for none; the short form where it can say it."""
    shown = rate_shown(old)
    typed = (fields.get(f"{prefix}:max", shown[0]).strip(), fields.get(f"{prefix}:window", shown[1]).strip())
    scope = fields.get(f"{prefix}:scope", shown[2])
    if (*typed, scope) == shown:
        return old
    if not typed[0]:
        return None
    most, window = amount_of(typed[0]), amount_of(typed[1])
    if not isinstance(old, dict) and not scope and type(most) is int and window in _SPAN_NAMES:
        return f"{most}/{_SPAN_NAMES[window]}"
    rate = {**old, "max": most, "window": window} if isinstance(old, dict) else {"max": most, "window": window}
    return with_choice(rate, "scope", scope)
