"""How far long work is: on standard error, and only where a person looks at a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

_EVERY: Final = 0.1
"""Seconds between two lines."""


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """Tell the function that is given how many are done, of how many; its line is gone at the end."""
    shown = -1.0

    def tell(done: int, of: int) -> None:
        nonlocal shown
        now = time.monotonic()
        if now - shown >= _EVERY:
            shown = now
            sys.stderr.write(f"\r\x1b[K{what}: {done} of {of}")
            sys.stderr.flush()

    if not sys.stderr.isatty():
        yield _nothing
        return
    try:
        yield tell
    finally:
        if shown >= 0:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def _nothing(done: int, of: int) -> None:
    """For programs."""
