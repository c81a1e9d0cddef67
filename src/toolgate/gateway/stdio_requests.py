"""The requests of a client that are under way, by the id that the client gave them."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Final

from toolgate.gateway.call import Call, Ending
from toolgate.protocol.malformed import INVALID_REQUEST, Malformed, MessageId

_SPENT: Final = 1_000


@dataclass(slots=True, eq=False)
class Request:
    """One request. `judging` is the task that holds it back, for as long as it was not sent."""

    call: Call
    ending: Ending = field(default_factory=Ending)
    sent_at: int = 0
    judging: asyncio.Task[None] | None = None

    @property
    def sent(self) -> bool:
        """Whether the server has it."""
        return self.sent_at > 0

    @property
    def took(self) -> int:
        """Microseconds since it was sent."""
        return (time.perf_counter_ns() - self.sent_at) // 1000


class Requests:
    """At most one request of each id at any time, so that an answer belongs to exactly one."""

    def __init__(self) -> None:
        self._open: dict[MessageId, Request] = {}
        self._spent: dict[MessageId, None] = {}

    def begin(self, request: Request) -> None:
        """Count it as under way; raises Malformed for an id that has an answer to come."""
        message_id = request.call.message.id
        assert message_id is not None
        if message_id in self._open or message_id in self._spent:
            raise Malformed("message/id", "is the id of another request", "use each id once", code=INVALID_REQUEST)
        self._open[message_id] = request

    def take(self, message_id: object) -> Request | None:
        """The request with this id, which is no longer under way; None for an id that nobody waits for."""
        return self._open.pop(message_id, None) if isinstance(message_id, int | float | str) else None  # type: ignore[arg-type]

    def get(self, message_id: object) -> Request | None:
        """The request with this id."""
        return self._open.get(message_id) if isinstance(message_id, int | float | str) else None  # type: ignore[arg-type]

    def spend(self, message_id: MessageId) -> None:
        """A cancelled request may still be answered: its id must not come to mean another one."""
        if len(self._spent) >= _SPENT:
            del self._spent[next(iter(self._spent))]
        self._spent[message_id] = None

    def spent(self, message_id: object) -> bool:
        """Whether a cancelled request had this id."""
        return message_id in self._spent

    def all(self) -> list[Request]:
        """Those under way, in the order of their arrival."""
        return list(self._open.values())
