"""Values of conditions as people type them, and which operators suit which type of argument."""

from __future__ import annotations

import json
from typing import Any

from jiter import LosslessFloat

from toolgate.control.builder.spans import Unreadable, read
from toolgate.errors import ToolgateError

OPERATORS: dict[str, str] = {
    "eq": "is",
    "neq": "is not",
    "lt": "is below",
    "lte": "is at most",
    "gt": "is above",
    "gte": "is at least",
    "in": "is one of",
    "not_in": "is none of",
    "exists": "is given (true) or missing (false)",
    "full_match": "matches as a whole (pattern)",
    "regex": "contains a match of (pattern)",
    "contains": "contains",
    "starts_with": "starts with",
    "ends_with": "ends with",
    "length_lte": "is at most this long",
    "host_in": "is a URL of one of these hosts",
    "ip_public": "is a public address (true) or not (false)",
    "path_under": "is a path under",
    "email_domain_in": "has only mail addresses at",
    "sql_only": "is only this kind of SQL",
    "argv_matches": "is a command of these words (patterns)",
}
"""Every operator in words, as the builder offers it."""
_LISTS = frozenset({"in", "not_in", "host_in", "email_domain_in", "sql_only", "argv_matches"})
_TRUTHS = frozenset({"exists", "ip_public"})
_ORDER = frozenset({"lt", "lte", "gt", "gte"})
_ANY_SCALAR = frozenset({"eq", "neq", "in", "not_in", "contains"})
_NUMBERS = ("lte", "gte", "lt", "gt", "eq", "neq", "in", "not_in", "exists")
_STRINGS = (
    *("in", "not_in", "eq", "neq", "starts_with", "ends_with", "contains", "full_match", "regex", "length_lte"),
    *("path_under", "host_in", "ip_public", "email_domain_in", "sql_only", "exists"),
)
_BY_KIND: dict[str, tuple[str, ...]] = {
    "number": _NUMBERS,
    "integer": _NUMBERS,
    "boolean": ("eq", "exists"),
    "string": _STRINGS,
    "array": ("length_lte", "contains", "argv_matches", "email_domain_in", "exists"),
    "object": ("exists",),
}


class BadValue(ToolgateError):
    """What was typed is no value that the operator takes."""


def operators_for(kind: str) -> tuple[str, ...]:
    """The operators that suit an argument of this JSON type, the likeliest first; all for an unknown type."""
    return _BY_KIND.get(kind, tuple(OPERATORS))


def value_text(value: Any, kind: str = "") -> str:
    """A value of a document as the form shows it. `value_of` reads it back."""
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        lines = [value_text(item, kind) for item in value]
        plain = value and all(line and line == line.strip() and "\n" not in line and "\r" not in line for line in lines)
        # What one line per member cannot say is written as JSON.
        readable = plain and not lines[0].startswith(("[", "{")) and (len(lines) > 1 or "," not in lines[0])
        return "\n".join(lines) if readable else _json(value)
    return _scalar_text(value, kind)


def _scalar_text(value: Any, kind: str) -> str:
    if not isinstance(value, str):
        return _json(value)
    ambiguous = kind != "string" and _as_json(value) is not None
    return json.dumps(value, ensure_ascii=False) if ambiguous else value


def _json(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(_json, value)) + "]"
    return str(value) if type(value) is LosslessFloat else json.dumps(value, ensure_ascii=False)


def value_of(op: str, text: str, kind: str = "") -> Any:
    """What was typed as a value for the operator; `kind` is the type of the argument. Raises BadValue."""
    if text.lstrip().startswith('{"ref"'):
        return _read("reference", text)
    if op in _TRUTHS:
        return _truth(text)
    if op in _LISTS:
        return (
            [_member(op, line, kind) for line in _lines(text)]
            if not text.lstrip().startswith("[")
            else _read("list", text)
        )
    if op == "path_under" and ("\n" in text.strip() or text.lstrip().startswith("[")):
        return _read("list", text) if text.lstrip().startswith("[") else _lines(text)
    if op == "length_lte" or (op in _ORDER and kind != "string"):
        return _number(text, strict=op == "length_lte" or kind in ("number", "integer"))
    return _scalar(text, kind) if op in _ANY_SCALAR else text


def _lines(text: str) -> list[str]:
    """One member a line; on a single line commas part them, too."""
    lines = text.splitlines() if "\n" in text.strip() else text.split(",")
    return [line.strip() for line in lines if line.strip()]


def _member(op: str, line: str, kind: str) -> Any:
    return _scalar(line, kind) if op in _ANY_SCALAR else line


def _scalar(text: str, kind: str) -> Any:
    if kind == "string":
        return text
    if kind in ("number", "integer"):
        return _number(text, strict=True)
    if kind == "boolean":
        return _truth(text)
    found = _as_json(text)
    return found[0] if found is not None else text


def _as_json(text: str) -> tuple[Any] | None:
    """The scalar that a text is when read as JSON."""
    try:
        node = read(text)
    except Unreadable:
        return None
    return (node.value,) if node.kind == "scalar" else None


def _number(text: str, *, strict: bool) -> Any:
    found = _as_json(text)
    if found is not None and type(found[0]) in (int, LosslessFloat):
        return found[0]
    if strict:
        raise BadValue("value", f"`{text.strip()}` is no number", "write digits, such as `100` or `12.5`")
    return text if found is None else found[0]


def _truth(text: str) -> bool:
    word = text.strip().lower()
    if word in ("true", "yes", "1", "false", "no", "0"):
        return word in ("true", "yes", "1")
    raise BadValue("value", f"`{text.strip()}` is neither true nor false", "write `true` or `false`")


def _read(what: str, text: str) -> Any:
    try:
        return read(text).plain()
    except Unreadable as error:
        raise BadValue(
            "value", f"the {what} is no JSON: it {error.cause}", "correct it, or write one value a line"
        ) from error
