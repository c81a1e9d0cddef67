"""A server that refuses the gateway's own credential: what the client hears of it, and what the control process."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import msgspec

from toolgate.gateway.call import Call, Ending
from toolgate.protocol.challenges import Challenge, bearer
from toolgate.store.rows import ConnectionRow
from toolgate.upstream.connected import Connected
from toolgate.upstream.interface import Answer

_TOLD_AGAIN_AFTER: Final = 10.0
"""Seconds: each call of a busy grant is refused alike, and one of them is enough to act on."""
_REMEMBERED: Final = 1_000
_NOTHING: Final = Challenge()


class Refusal(msgspec.Struct, frozen=True, tag="refused"):
    """Said to the control process: a server did not take the token of this connection, or wants `scope` besides."""

    server: str
    grant: str
    generation: int
    scope: str = ""


class Unauthorized:
    """Judges answers with HTTP status 401 or 403. `tell` passes on a refusal; each is told once in ten seconds."""

    def __init__(self, tell: Callable[[Refusal], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._tell = tell
        self._clock = clock
        self._told: dict[tuple[str, str, int, int], float] = {}

    def cause(self, call: Call, response: Answer, ending: Ending) -> str:
        """Why the call failed, in words for the client; nothing of the server's header is in them but a scope."""
        said = (response.headers.get(b"www-authenticate") or b"").decode("latin-1")
        challenge = bearer(said) or _NOTHING
        ending.not_run = response.status == 401 or challenge.wants_scope
        way = call.access.upstream
        if not ending.not_run:
            return "the server refused the request (HTTP status 403)"
        if not isinstance(way, Connected):
            return f"the server wants a credential (HTTP status {response.status}), which an administrator must give it"
        self._report(way.connection, challenge.scope if challenge.wants_scope else "", response.status)
        if response.status == 401:
            return (
                "the server refused the token of its connection (HTTP status 401); it is renewed where that is possible"
            )
        wanted = f"the scope `{challenge.scope}`" if challenge.scope else "more than its connection may"
        return f"the server wants {wanted} for this (HTTP status 403): an administrator must connect it again"

    def _report(self, connection: ConnectionRow, scope: str, status: int) -> None:
        if status == 403 and not scope:
            return  # there is nothing that could be asked for
        # Whatever scopes a server makes up, it is heard once in a while.
        about, now = (connection.server_id, connection.grant_id, connection.generation, status), self._clock()
        if now - self._told.get(about, float("-inf")) < _TOLD_AGAIN_AFTER:
            return
        if len(self._told) >= _REMEMBERED:
            self._told.clear()
        self._told[about] = now
        self._tell(Refusal(connection.server_id, connection.grant_id, connection.generation, scope))
