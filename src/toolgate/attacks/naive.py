"""A policy proxy as one writes it in an afternoon: what it lets through is the measure of the protocol cases.

It reads with the language's own JSON reader and a dictionary lookup, judges what it finds, and forwards the bytes that
came. Each of its habits was found in a published gateway (attacks.md of the design, section 4, has them by name).
"""

from __future__ import annotations

import json
from typing import Any, Final

_ALLOWED: Final = frozenset({"read", "pay"})
_MOST: Final = 1_000


def passes(body: bytes, fields: list[str]) -> bool:
    """Whether such a proxy forwards the request."""
    try:
        message = json.loads(body)
    except (ValueError, RecursionError):
        return True  # "not a message of ours": forwarded as it is
    method = message.get("method") if isinstance(message, dict) else None
    if method != "tools/call":
        return True  # only calls are judged, and a batch has no method
    return _allows(message.get("params"), _named(fields))


def _named(fields: list[str]) -> str | None:
    """The name of the tool that a routing header gives, which is cheaper to read than the body."""
    named = [line.partition(":")[2].strip() for line in fields if line.lower().startswith("mcp-name:")]
    return named[0] if named else None


def _allows(params: Any, named: str | None) -> bool:
    if not isinstance(params, dict):
        return True  # "parameters that do not decode": forwarded with a warning
    arguments = params.get("arguments")
    amount = arguments.get("amount") if isinstance(arguments, dict) else None
    if isinstance(amount, (int, float)) and not isinstance(amount, bool) and amount > _MOST:
        return False  # a missing or mistyped amount is not above anything
    return (named or str(params.get("name")).strip().lower()) in _ALLOWED
