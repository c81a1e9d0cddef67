"""A big policy read and compiled in slices, for a loop that serves other calls in between."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import jiter
import msgspec

from toolgate.policy.agreement import every_entry
from toolgate.policy.charges import Limit, tighten
from toolgate.policy.compiler import Policy
from toolgate.policy.document import Document

_SLICE_BYTES = 128 * 1024
_SLICE_ENTRIES = 100
_Entries = dict[str, msgspec.Raw]


def compile_in_slices(text: bytes) -> Generator[None, None, Policy]:
    """The policy of a stored document that `parse` accepted; each slice takes about a millisecond.

    The text is trusted: what is not valid raises `msgspec.DecodeError` or `ValueError`, or fails at the first call.
    """
    raw: dict[str, Any] = {}
    for key, value in msgspec.json.decode(text, type=_Entries).items():
        if key in ("tools", "methods"):
            raw[key] = yield from _entries(value)
        else:
            raw[key] = _value(value)
    if raw.get("version") != "1":
        raise ValueError("the document is of another version of the language")
    yield
    tightest: dict[tuple[str, str], Limit] = {}
    for place, entry in enumerate(every_entry(raw)):
        tighten(tightest, entry.limits())
        if place % _SLICE_ENTRIES == _SLICE_ENTRIES - 1:
            yield
    return Policy(Document(raw), tightest)


def _entries(text: msgspec.Raw) -> Generator[None, None, dict[str, Any]]:
    yield
    entries: dict[str, Any] = {}
    read = 0
    for key, value in msgspec.json.decode(text, type=_Entries).items():
        entries[key] = _value(value)
        read += len(memoryview(value))
        if read > _SLICE_BYTES:
            read = 0
            yield
    return entries


def _value(text: msgspec.Raw) -> Any:
    return jiter.from_json(bytes(text), float_mode="lossless-float", allow_inf_nan=False)
