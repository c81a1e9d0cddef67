"""Which field of the form a problem of the document belongs to."""

from __future__ import annotations

from typing import Final

from toolgate.control.builder.spans import tokens

_SETTINGS: Final = ("default", "list", "description", "hidden_text")
_RULES: Final = ("require", "deny_if", "require_approval")
_RATES: Final = {"rate_limit": "rate", "repeat_limit": "repeat"}
_FIRST: Final = {"flow": "after", "limit": "max", "rate": "max", "repeat": "max", "response": "max_bytes"}
"""The field that is pointed at where the problem is one of the whole."""


def field_at(pointer: str, entry: str) -> str:
    """The field of a pointer, while `entry` is opened; the pointer itself where no field shows it."""
    parts = tokens(pointer)
    if pointer.startswith("/flows/"):
        return _named(f"flow:{parts[1]}", parts[2:])
    if len(parts) == 1 and parts[0] in _SETTINGS:
        return parts[0]
    if entry and pointer.startswith(f"{entry}/"):
        return _of_entry(tokens(pointer.removeprefix(entry))) or pointer
    return pointer or "policy"


def _of_entry(parts: list[str]) -> str:
    kind, rest = parts[0], parts[1:]
    if kind in ("reason", "schema"):
        return kind
    if kind in _RATES:
        return _named(_RATES[kind], rest)
    if kind == "response":
        return _named(kind, rest)
    if kind == "limits" and rest:
        return _named(f"limit:{rest[0]}", rest[1:])
    return _of_rule(f"{kind}:{rest[0]}", rest[1:]) if kind in _RULES and rest else ""


def _of_rule(prefix: str, parts: list[str]) -> str:
    if len(parts) > 1 and parts[0] == "conditions":
        return f"{prefix}:{parts[1]}:{parts[2] if len(parts) > 2 else 'path'}"
    return f"{prefix}:{parts[0]}" if parts and parts[0] != "conditions" else f"{prefix}:0:path"


def _named(prefix: str, parts: list[str]) -> str:
    return f"{prefix}:{parts[0] if parts else _FIRST[prefix.partition(':')[0]]}"


def composed_at(field: str) -> str:
    """The field in which that part was composed, which the document has since this request."""
    kind, _, rest = field.partition(":")
    if kind == "flow":
        return f"newflow:{rest.partition(':')[2]}"
    if kind == "limit":
        return f"newlimit:{rest.partition(':')[2]}"
    if kind in ("rate", "repeat"):
        return f"newlimit:{rest}"
    return f"new:{rest.partition(':')[2]}" if kind in _RULES else field
