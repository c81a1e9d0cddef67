"""The records of an installation, as commands list and take them away."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from toolgate.audit.filters import Filter
from toolgate.cli.administration import Described


class Log(Protocol):
    """Records are JSON objects as `audit.export.described` makes them. Every method may raise ToolgateError."""

    def records(self, wanted: Filter, newest: int | None) -> Iterator[Described]:
        """Those that the filter lets through, oldest first; only the newest so many where a number is given."""

    def table(self, since: float) -> Iterator[str]:
        """All since then as lines of CSV, with their ends."""
