"""What the gateway needs of an upstream, whichever transport leads to it. Both halves speak streamable HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from toolgate.wire.headers import Headers

Header = tuple[bytes, bytes]


class Answer(Protocol):
    """An answer whose body may still be coming. Read it to its end or close it."""

    @property
    def status(self) -> int:
        """The HTTP status."""

    @property
    def headers(self) -> Headers:
        """The fields of the head, names in lower case."""

    @property
    def body_complete(self) -> bytes | None:
        """The whole body, if it came with the head."""

    async def read(self, limit: int) -> bytes:
        """The rest of the body; raises `wire.client.UpstreamError`, also beyond `limit` bytes."""

    async def chunk(self) -> bytes:
        """What has come of the body since the last call, waiting for the first byte; `b""` at the end.

        No timeout: between two events of a stream may be hours. Raises `wire.client.UpstreamError`.
        """

    def close(self) -> None:
        """End the exchange at once, wherever it is."""


class Upstream(Protocol):
    """The way to one server."""

    async def send(self, method: str, headers: Sequence[Header], body: bytes, timeout: float) -> Answer:
        """One exchange; `timeout` (seconds) ends with the head of the answer and with `Answer.read`.

        Raises `wire.client.UpstreamError`, whose `sent` says whether the server may have acted. A cancelled call ends
        the exchange at once.
        """

    def retire(self) -> None:
        """Begin nothing more; what is under way ends as it would."""

    async def close(self) -> None:
        """End everything that is open; exchanges under way fail."""
