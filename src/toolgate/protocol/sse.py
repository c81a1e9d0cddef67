"""Server-sent events as bytes: found as the HTML standard says, kept as they came.

The raw bytes of all events together are the stream, so a relay that passes `Event.raw` on changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from toolgate.errors import ToolgateError

_BOM = b"\xef\xbb\xbf"


class EventTooLong(ToolgateError):
    """An event above the limit: the stream cannot be read any further."""


class Event:
    """One event, or bytes between events (a comment, a blank line), which have no data and need no inspection."""

    __slots__ = ("_lines", "data", "raw")

    def __init__(self, lines: list[bytes]) -> None:
        self._lines = lines
        self.raw = b"".join(lines)
        self.data = b"\n".join(self._values(b"data"))

    @property
    def id(self) -> bytes | None:
        """The last `id` of the event, None without one; one with a NUL is no id."""
        return self._last(b"id", refused=b"\0")

    @property
    def event(self) -> bytes | None:
        """The type of the event, None for the default `message`."""
        return self._last(b"event") or None

    @property
    def retry(self) -> int | None:
        """The reconnection time in milliseconds."""
        value = self._last(b"retry")
        return int(value) if value is not None and len(value) < 20 and value.isdigit() else None

    def replaced(self, data: bytes) -> bytes:
        """An event that has data with other data (not empty); its other lines, comments too, stay as they came."""
        kept: list[bytes] = []
        placed = False
        for line in self._lines:
            if _field(line)[0] != b"data":
                kept.append(line)
            elif not placed:
                kept += [b"data: " + part + b"\n" for part in data.splitlines()]
                placed = True
        return b"".join(kept)

    def _values(self, name: bytes) -> Iterator[bytes]:
        return (value for key, value in map(_field, self._lines) if key == name)

    def _last(self, name: bytes, refused: bytes | None = None) -> bytes | None:
        found = None
        for value in self._values(name):
            if refused is None or refused not in value:
                found = value
        return found


class SseParser:
    """Cuts a stream into events, however its bytes arrive. An event has at most `limit` bytes.

    Whatever is left when the stream ends is no event (the standard: it is discarded); `rest` gives its bytes.
    """

    __slots__ = ("_after_return", "_limit", "_lines", "_open", "_size", "_start", "_started")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lines: list[bytes] = []
        self._open: list[bytes] = []
        self._size = 0
        self._after_return = False
        self._start = b""
        self._started = False

    def feed(self, chunk: bytes) -> list[Event]:
        """The events and in-betweens that `chunk` completes; raises EventTooLong."""
        events: list[Event] = []
        if not self._started:
            chunk = self._byte_order_mark(chunk, events)
        if self._after_return and chunk:
            chunk = self._line_feed(chunk, events)
        for line in chunk.splitlines(keepends=True):
            self._size += len(line)
            if self._size > self._limit:
                raise EventTooLong("event stream", f"sends an event of more than {self._limit} bytes")
            self._open.append(line)
            if line.endswith((b"\n", b"\r")):
                self._end_line(events)
        self._after_return = chunk.endswith(b"\r") if chunk else self._after_return
        return events

    @property
    def rest(self) -> bytes:
        """The bytes of the event that is not complete."""
        return b"".join((self._start, *self._lines, *self._open))

    def _byte_order_mark(self, chunk: bytes, events: list[Event]) -> bytes:
        """Keep a mark at the very start apart from the first line; its three bytes may arrive one by one."""
        chunk, self._start = self._start + chunk, b""
        if len(chunk) < len(_BOM) and _BOM.startswith(chunk):
            self._start = chunk
            return b""
        self._started = True
        if not chunk.startswith(_BOM):
            return chunk
        events.append(Event([_BOM]))
        return chunk[len(_BOM) :]

    def _line_feed(self, chunk: bytes, events: list[Event]) -> bytes:
        """Give a line feed that completes a CR LF cut in two by the network to the line it belongs to."""
        self._after_return = False
        if not chunk.startswith(b"\n"):
            return chunk
        if self._lines:
            self._lines[-1] += b"\n"
            self._size += 1
        else:
            events.append(Event([b"\n"]))
        return chunk[1:]

    def _end_line(self, events: list[Event]) -> None:
        line = b"".join(self._open)
        self._open.clear()
        blank = not line.strip(b"\r\n")
        between = not self._lines and (blank or line.startswith(b":"))
        self._lines.append(line)
        if blank or between:
            events.append(Event(self._lines))
            self._lines = []
            self._size = 0


def _field(line: bytes) -> tuple[bytes, bytes]:
    """Name and value of a line; a comment has the empty name."""
    name, _, value = line.rstrip(b"\r\n").partition(b":")
    return name, value.removeprefix(b" ")
