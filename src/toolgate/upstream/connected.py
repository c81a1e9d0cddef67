"""The way to a server with the access token of an OAuth connection, over the connections the server has anyway."""

from __future__ import annotations

from collections.abc import Sequence

from toolgate.store.access_tokens import Tokens
from toolgate.store.rows import ConnectionRow
from toolgate.upstream.http import HttpUpstream
from toolgate.upstream.interface import Answer, Header


class Connected:
    """Sends every request with one access token, in place of the server's own `Authorization`.

    A renewed token is another object: nothing that is open ends for it.
    """

    def __init__(self, upstream: HttpUpstream, connection: ConnectionRow, tokens: Tokens) -> None:
        self.connection = connection
        self._upstream = upstream
        self._authorization = (b"authorization", b"Bearer " + tokens.access.encode("ascii"))

    async def send(self, method: str, headers: Sequence[Header], body: bytes, timeout: float) -> Answer:
        """One exchange, as the server's own way has it."""
        return await self._upstream.send(method, headers, body, timeout, self._authorization)

    def retire(self) -> None:
        """The connections are the server's, which retires them."""

    async def close(self) -> None:
        """The connections are the server's, which closes them."""
