"""What strict reading asks of a JSON text beyond its grammar: one meaning for every reader, bounded work."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any
from unicodedata import normalize

import jiter

from toolgate.protocol.malformed import Malformed

MAX_DEPTH = 64
"""Containers within containers, the outermost counted as one."""

MAX_NODES = 100_000
"""Values of a body: every object, array, string, number and literal counts one, keys count nothing."""

LARGEST = int(sys.float_info.max)
"""The largest integer that a reader with doubles takes for a finite number."""

_CONTAINERS = (dict, list)
_SHOWN = 200


def parse(text: bytes, place: str) -> object:
    """Read one JSON value (RFC 8259), refusing duplicate keys, BOM, NaN, Infinity and lone surrogates."""
    try:
        return jiter.from_json(
            text, allow_inf_nan=False, catch_duplicate_keys=True, float_mode="lossless-float", cache_mode="keys"
        )
    except ValueError as error:
        raise Malformed(place, f"is not one strict JSON value: {_quoted(str(error))}", "send one JSON value") from None


def survey(value: object, place: str, depth: int = 0) -> int:
    """Refuse what the grammar allows but readers disagree about; give the number of values in `value`.

    `depth` is how many containers enclose `value`. The caller compares the number with MAX_NODES.
    """
    nodes: list[Any] = [value]
    extend = nodes.extend
    for node in nodes:
        kind = type(node)
        if kind is str:
            continue
        if kind is dict:
            extend(node.values())
            if len(node) > 1:
                # equal keys are refused already, so only ASCII upper case or what is beyond ASCII can fold alike
                joined = "".join(node)
                if not (joined.islower() and joined.isascii()):
                    _check_keys(node, place)
        elif kind is list:
            extend(node)
        elif kind is int:
            _check_range(node, place)
        elif kind is jiter.LosslessFloat:
            _check_range(float(node), place)
    if depth + len(nodes) > MAX_DEPTH:
        _check_depth(value, place, depth)
    return len(nodes)


def check_count(count: int, place: str) -> None:
    """Refuse a body of more than MAX_NODES values."""
    if count > MAX_NODES:
        raise Malformed(place, f"has more than {MAX_NODES} values", "send less in one message")


def fold(key: str) -> str:
    """The form in which keys are compared that lenient readers may take for one another.

    Unicode's compatibility caseless matching (D146), as readers written in Go, Java or C# fold at most that far:
    CVE-2026-27896.
    """
    if key.isascii():
        return key.lower()
    return normalize("NFKC", normalize("NFKC", normalize("NFD", key).casefold()).casefold())


def too_deep(place: str) -> Malformed:
    """The refusal of more than MAX_DEPTH containers within one another."""
    return Malformed(place, f"nests more than {MAX_DEPTH} levels", "send flatter arguments")


def keys_alike(place: str, key: str) -> Malformed:
    """The refusal of two keys in one object that some reader takes for one."""
    return Malformed(place, f"has two keys in one object that read like `{_quoted(key)}`", "send each key once")


def _check_keys(keys: Iterable[str], place: str) -> None:
    seen: set[str] = set()
    for key in keys:
        folded = fold(key)
        if folded in seen:
            raise keys_alike(place, key)
        seen.add(folded)


def _check_depth(value: object, place: str, depth: int) -> None:
    level = [value] if isinstance(value, dict | list) else []
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise too_deep(place)
        children = (node.values() if type(node) is dict else node for node in level)
        level = [child for group in children for child in group if type(child) in _CONTAINERS]


def _check_range(number: float, place: str) -> None:
    if not -LARGEST <= number <= LARGEST:
        raise Malformed(place, "has a number beyond the range of doubles", "send such a number as a string")


def _quoted(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
