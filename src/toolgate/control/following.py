"""New records for everybody who follows the log: one task asks the index, and offers what it finds to each stream."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import msgspec
from starlette.concurrency import run_in_threadpool

from toolgate.audit.export import rfc3339
from toolgate.audit.filters import Brief, Filter
from toolgate.background import repeating
from toolgate.control.identity.refusals import TooMany
from toolgate.control.pages.lines import ENDS
from toolgate.control.state import State
from toolgate.store.labels import server_names
from toolgate.store.legible import legible

LOOK_EVERY: Final = 0.5
"""Seconds between two questions to the index."""
STREAMS_EACH: Final = 4
"""Streams that one member or token may have: a browser has six connections in all."""
AT_ONCE: Final = 200
"""Rows looked at in one turn; of a flood some are shown, and how many were left out."""
_WAITING: Final = 256
_TEXT: Final = 240
_RETRY: Final = 5

_encode = msgspec.json.Encoder().encode


class Stream:
    """What one page follows: events that wait to be sent to it."""

    def __init__(self, owner: str, wanted: Filter) -> None:
        self.owner = owner
        self.sent = 0
        """The row up to which everything was offered already."""
        self._wanted = wanted
        self._waiting: asyncio.Queue[bytes] = asyncio.Queue(_WAITING)
        self.behind = False
        """Whether the reader did not keep up: then nothing more is sent."""

    def offer(self, record: Brief, event: bytes) -> None:
        """Let the record wait for being sent, if it is wanted and new."""
        if record.id > self.sent and self._wanted.matches(record):
            self._put(event)
        self.sent = max(self.sent, record.id)

    def skip(self, number: int) -> None:
        """Say that so many rows were not looked at."""
        self._put(b"event: skipped\ndata: %d\n\n" % number)

    def _put(self, event: bytes) -> None:
        try:
            self._waiting.put_nowait(event)
        except asyncio.QueueFull:
            self.behind = True

    async def next(self, within: float) -> bytes | None:
        """What waits, all together; None when nothing came within so many seconds."""
        try:
            events = [await asyncio.wait_for(self._waiting.get(), within)]
        except TimeoutError:
            return None
        while not self._waiting.empty():
            events.append(self._waiting.get_nowait())
        return b"".join(events)


class Live:
    """All streams of the process."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._streams: set[Stream] = set()
        self._following: asyncio.Task[None] | None = None
        self._newest = 0
        self._names: dict[str, str] = {}

    async def open(self, owner: str, wanted: Filter, last: int | None) -> Stream:
        """A stream of `owner` from now on, or from after the row `last`. Raises TooMany."""
        if sum(stream.owner == owner for stream in self._streams) >= STREAMS_EACH:
            cause = f"has {STREAMS_EACH} open already"
            raise TooMany("live", cause, "close another page that follows the log", _RETRY)
        stream = Stream(owner, wanted)
        self._streams.add(stream)  # before anything is waited for: it counts, and misses nothing
        try:
            await self._begin(stream, last)
        except BaseException:
            self.close(stream)
            raise
        return stream

    async def _begin(self, stream: Stream, last: int | None) -> None:
        newest = await run_in_threadpool(self._state.records.newest)
        if self._following is None:
            self._newest = newest
            self._following = asyncio.create_task(repeating(LOOK_EVERY, self._look, first_after=0))
        missed = await run_in_threadpool(self._read, last) if last is not None else []
        for record, event in missed:
            stream.offer(record, event)
        stream.sent = max(stream.sent, newest if last is None else last)

    @property
    def streams(self) -> int:
        """How many are open."""
        return len(self._streams)

    def close(self, stream: Stream) -> None:
        """End a stream; the last one ends the looking."""
        self._streams.discard(stream)
        if not self._streams and self._following is not None:
            self._following.cancel()
            self._following = None

    async def _look(self) -> None:
        """Offer what was indexed since the last time to every stream."""
        found = await run_in_threadpool(self._read, self._newest)
        for record, event in found:
            for stream in self._streams:
                stream.offer(record, event)
            self._newest = record.id
        if len(found) == AT_ONCE:
            newest = await run_in_threadpool(self._state.records.newest)
            left, self._newest = newest - self._newest, newest
            for stream in self._streams if left > 0 else ():
                stream.skip(left)

    def _read(self, after: int) -> list[tuple[Brief, bytes]]:
        found = self._state.records.since(after, AT_ONCE)
        for organisation in {record.organisation_id for record in found}:
            unknown = {record.server_id for record in found} - self._names.keys()
            self._names |= server_names(self._state.engine, organisation, unknown) if unknown else {}
        return [(record, b"id: %d\ndata: %b\n\n" % (record.id, _encode(self._told(record)))) for record in found]

    def _told(self, record: Brief) -> dict[str, Any]:
        """One record as its event says it; texts are legible and cut, for whoever shows them."""
        texts = {
            "grant": record.grant_label or record.grant_id,
            "principal": record.principal,
            "server": self._names.get(record.server_id, record.server_id),
            "tool": record.tool or record.method,
            "rule": record.rule,
            "message": record.message,
            "ended": ENDS.get(record.result or "", ""),
        }
        return {
            "id": record.decision_id,
            "time": rfc3339(record.time),
            "outcome": record.outcome,
            "grant_id": record.grant_id,
            "server_id": record.server_id,
            **{name: legible(text[:_TEXT]) for name, text in texts.items()},
        }
