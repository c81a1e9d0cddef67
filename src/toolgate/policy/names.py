"""Names of tools and methods, and the patterns (`delete_*`) that match them."""

from __future__ import annotations

from collections.abc import Iterable


def is_pattern(key: str) -> bool:
    """A key with `*` is a pattern; every other character stands for itself."""
    return "*" in key


def matches(pattern: str, name: str) -> bool:
    """Whether the pattern (or name) covers the whole name: `*` is any run of characters, also none."""
    if not is_pattern(pattern):
        return pattern == name
    first, *middle, last = pattern.split("*")
    if len(name) < len(first) + len(last) or not name.startswith(first) or not name.endswith(last):
        return False
    at, end = len(first), len(name) - len(last)
    for part in middle:
        found = name.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def matching(patterns: Iterable[str], name: str) -> tuple[str, ...]:
    """The patterns that cover the name, in the order given."""
    return tuple(pattern for pattern in patterns if matches(pattern, name))
