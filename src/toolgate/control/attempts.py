"""What became of asking servers for their tools: kept while the process runs, so that pages can say it."""

from __future__ import annotations

import time
from dataclasses import dataclass

from toolgate.errors import ToolgateError


@dataclass(slots=True, frozen=True)
class Attempt:
    """The last time that somebody asked a server: when (epoch seconds), and what went wrong."""

    at: float
    error: ToolgateError | None


class Attempts:
    """By the ids of servers. May be used from every thread."""

    def __init__(self) -> None:
        self._last: dict[str, Attempt] = {}

    def last(self, server_id: str) -> Attempt | None:
        """The last attempt of this process."""
        return self._last.get(server_id)

    def note(self, server_id: str, error: ToolgateError | None) -> None:
        """Keep how an attempt ended."""
        self._last[server_id] = Attempt(time.time(), error)

    def forget(self, server_id: str) -> None:
        """A server is removed, or is somewhere else now."""
        self._last.pop(server_id, None)
