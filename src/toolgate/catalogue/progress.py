"""How long work of the catalogue says how far it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

Progress: TypeAlias = Callable[[int, int], None]
"""Is told how many are done, of how many; from the thread that works."""


def silent(done: int, of: int) -> None:
    """Say nothing."""
