"""The way to a server that cannot be reached."""

from __future__ import annotations

from toolgate.upstream.interface import Answer
from toolgate.wire.failures import ConnectFailed


class Unavailable:
    """A server that cannot be reached until its operator mends it: every exchange fails with the reason."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    async def send(self, *_request: object) -> Answer:
        """Raises ConnectFailed, whatever the request."""
        raise ConnectFailed("server", self._reason)

    def retire(self) -> None:
        """Nothing is open."""

    async def close(self) -> None:
        """Nothing is open."""
