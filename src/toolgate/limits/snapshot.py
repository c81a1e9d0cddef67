"""The bytes that hold the counters of a process between two starts."""

from __future__ import annotations

import msgspec

from toolgate.errors import ToolgateError

VERSION = 2
_READ = (1, VERSION)
"""Version 1 had no marks."""


class SnapshotRefused(ToolgateError):
    """The bytes are no snapshot that this version can read; nothing was restored."""


class Snapshot(msgspec.Struct, array_like=True, frozen=True):
    """JSON rather than MessagePack, whose integers end at 64 bits; amounts are nano units without a bound.

    `calendars` are (key, end, used), `slidings` (key, seconds, calls as (reservation, time, amount)), `reservations`
    those not ended yet, as (id, charges as (key, end of its calendar window or 0 if it is another, amount)), `marks`
    (key, seconds, end, parts that are set).
    """

    version: int
    now: float
    calendars: list[tuple[str, float, int]]
    slidings: list[tuple[str, int, list[tuple[str, float, int]]]]
    reservations: list[tuple[str, list[tuple[str, float, int]]]]
    marks: list[tuple[str, int, float, int]] = []


class _Head(msgspec.Struct, array_like=True):
    version: int


def encode(snapshot: Snapshot) -> bytes:
    """The bytes of a snapshot."""
    return msgspec.json.encode(snapshot)


def decode(data: bytes) -> Snapshot:
    """The snapshot of these bytes; raises `SnapshotRefused`."""
    try:
        version = msgspec.json.decode(data, type=_Head).version
        if version not in _READ:
            raise SnapshotRefused(
                "counter snapshot",
                f"version {version} is unknown, this release reads version {VERSION}",
                "start the release that wrote it, or remove the snapshot: the journal holds the same charges",
            )
        return msgspec.json.decode(data, type=Snapshot)
    except (msgspec.DecodeError, RecursionError) as error:
        mend = "remove the snapshot: the journal holds the same charges"
        raise SnapshotRefused("counter snapshot", f"it cannot be read: {error}", mend) from error
