"""Which keys an object of the document may and must have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from toolgate.policy.entries import escape
from toolgate.policy.problems import Problem


def unknown_keys(value: dict[str, Any], pointer: str, known: tuple[str, ...], mend: str = "") -> Iterator[Problem]:
    """A problem for each key that has no meaning here."""
    for key in value:
        if key not in known:
            said = mend or f"remove it, or use one of {listed(known)}"
            yield Problem(f"{pointer}/{escape(key)}", f"the key `{key}` is not known here", said)


def wrong_keys(
    value: dict[str, Any], pointer: str, known: tuple[str, ...], needed: tuple[str, ...], what: str
) -> Iterator[Problem]:
    """A problem for each key that has no meaning in `what` (`a limit`), and for each that is missing."""
    yield from unknown_keys(value, pointer, known, f"use {listed(known)}")
    for key in needed:
        if key not in value:
            yield Problem(pointer, f"the key `{key}` is missing", f"add it; {what} has {listed(known)}")


def listed(names: tuple[str, ...]) -> str:
    """Names in backticks."""
    return ", ".join(f"`{name}`" for name in names)
