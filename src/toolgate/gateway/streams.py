"""Streams that are open right now: closed when their grant ends, told when the tools they can see have changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from toolgate.gateway import answers
from toolgate.gateway.event_answer import EventAnswer
from toolgate.wire.server import Exchange


@dataclass(slots=True, eq=False)
class Stream:
    """One open stream of a grant.

    `tells_changes`: the upstream declared list changes and the client listens for them. `subscription` is the id of a
    `subscriptions/listen` request (2026-07-28), which each of its notifications must carry.
    """

    grant_id: str
    exchange: Exchange | EventAnswer
    tells_changes: bool = False
    subscription: str | int | None = None

    def tell_list_changed(self) -> None:
        """Send `notifications/tools/list_changed` as an event of its own."""
        self.exchange.write_soon(b"event: message\ndata: " + answers.list_changed(self.subscription) + b"\n\n")


class Streams:
    """All open streams of this process by grant."""

    def __init__(self) -> None:
        self._open: defaultdict[str, set[Stream]] = defaultdict(set)

    def __len__(self) -> int:
        return sum(len(streams) for streams in self._open.values())

    @contextmanager
    def opened(self, stream: Stream) -> Iterator[None]:
        """Count the stream as open for the time of the block."""
        streams = self._open[stream.grant_id]
        streams.add(stream)
        try:
            yield
        finally:
            streams.discard(stream)
            if not streams:
                self._open.pop(stream.grant_id, None)

    def end(self, grants: set[str]) -> None:
        """Cut the streams of grants that no longer hold."""
        for grant in grants:
            for stream in list(self._open.get(grant, ())):
                stream.exchange.abort()

    def cut(self, grant: str, exchange: Exchange | EventAnswer) -> None:
        """Cut what is open on this exchange: the grant holds, but its holder's access token has ended."""
        for stream in list(self._open.get(grant, ())):
            if stream.exchange is exchange:
                stream.exchange.abort()

    def tell(self, grants: set[str]) -> None:
        """Tell the listening streams of these grants that their tools may have changed."""
        for grant in grants:
            for stream in self._open.get(grant, ()):
                if stream.tells_changes:
                    stream.tell_list_changed()
