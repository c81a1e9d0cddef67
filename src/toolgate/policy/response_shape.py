"""The shape of `response`: what is taken out of answers, and how long they may be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from toolgate.policy.detectors import ALL, BY_NAME
from toolgate.policy.key_shape import unknown_keys
from toolgate.policy.problems import Problem

_KNOWN = ("redact", "max_bytes")
MOST_BYTES = 10**9
"""Above what any gateway reads whole."""


def find_response_problems(value: object, pointer: str) -> Iterator[Problem]:
    """Problems of `{"redact": ["all"], "max_bytes": 65536}`."""
    if type(value) is not dict:
        mend = 'write `{"redact": [...], "max_bytes": ...}`, or one of the two'
        yield Problem(pointer, "the rules for answers are no object", mend)
        return
    yield from unknown_keys(value, pointer, _KNOWN)
    if not value.keys() & set(_KNOWN):
        yield Problem(pointer, "the rules for answers are empty", "write `redact` or `max_bytes`, or remove them")
    if "redact" in value:
        yield from _redact(value["redact"], f"{pointer}/redact")
    if "max_bytes" in value:
        yield from find_bytes_problems(value["max_bytes"], f"{pointer}/max_bytes")


def _redact(value: Any, pointer: str) -> Iterator[Problem]:
    names = f"`{ALL}`, or of {', '.join(f'`{name}`' for name in BY_NAME)}"
    if type(value) is not list or not value:
        yield Problem(pointer, "`redact` is no list of detectors", f"write a list of {names}")
        return
    for place, name in enumerate(value):
        if type(name) is not str or (name != ALL and name not in BY_NAME):
            yield Problem(f"{pointer}/{place}", f"there is no detector `{str(name)[:60]}`", f"write a list of {names}")


def find_bytes_problems(value: object, pointer: str) -> Iterator[Problem]:
    """Problems of a number of bytes."""
    if type(value) is not int or not 1 <= value <= MOST_BYTES:
        mend = f"write a whole number of bytes from 1 to {MOST_BYTES}"
        yield Problem(pointer, f"`{str(value)[:60]}` is no number of bytes", mend)
