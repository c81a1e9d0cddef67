"""A way to a server that gives up when the server says too much: pages without end, or megabytes of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from toolgate.upstream.interface import Answer, Header, Upstream
from toolgate.wire.client import BadAnswer
from toolgate.wire.headers import Headers

LIMIT: Final = 32 * 1024 * 1024
"""Bytes that all answers of one server may have together; the largest real lists have one."""


class Bounded:
    """An upstream whose answers are counted; beyond the limit reading raises BadAnswer."""

    def __init__(self, upstream: Upstream, place: str, limit: int = LIMIT) -> None:
        self._upstream = upstream
        self._place = place
        self._limit = limit
        self._size = 0

    async def send(self, method: str, headers: Sequence[Header], body: bytes, timeout: float) -> Answer:
        """One exchange, as the interface says."""
        return _Counted(await self._upstream.send(method, headers, body, timeout), self)

    def count(self, data: bytes) -> bytes:
        """The data; raises BadAnswer when it is too much with what came before."""
        self._size += len(data)
        if self._size > self._limit:
            raise BadAnswer(self._place, f"it answers with more than {self._limit} bytes")
        return data

    def retire(self) -> None:
        """As the upstream itself."""
        self._upstream.retire()

    async def close(self) -> None:
        """As the upstream itself."""
        await self._upstream.close()


class _Counted:
    def __init__(self, answer: Answer, counts: Bounded) -> None:
        self._answer = answer
        self._counts = counts

    @property
    def status(self) -> int:
        return self._answer.status

    @property
    def headers(self) -> Headers:
        return self._answer.headers

    @property
    def body_complete(self) -> bytes | None:
        return self._answer.body_complete

    async def read(self, limit: int) -> bytes:
        return self._counts.count(await self._answer.read(limit))

    async def chunk(self) -> bytes:
        return self._counts.count(await self._answer.chunk())

    def close(self) -> None:
        self._answer.close()
