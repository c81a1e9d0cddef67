"""Counters over restarts.

In memory: a snapshot now and then, and the journal's charges since. The journal alone is enough (its decisions hold
every charge); the snapshot only shortens the reading. Shared in SQLite: what a dead process reserved without writing
its decision is given back.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from toolgate.audit.reader import Position, ends, entries
from toolgate.audit.records import Decision, Outcome, read_line
from toolgate.errors import ToolgateError
from toolgate.gateway.journalled import JournalledIds
from toolgate.limits.memory import MemoryCounters

_FILE = "counters.snapshot"
_SMALL = 2_500
"""Counters and reservations that a snapshot takes about 5 ms for."""


class _Saved(msgspec.Struct):
    """`positions`: up to where each chain of the journal is counted in `counters`."""

    positions: dict[str, tuple[int, int]]
    counters: bytes


def save_if_small(counters: MemoryCounters, data: Path) -> None:
    """Write a snapshot where that is no pause that a caller would notice; many counters wait for the shutdown."""
    if sum(counters.size) <= _SMALL:
        save(counters, data)


def save(counters: MemoryCounters, data: Path) -> None:
    """Write a snapshot, whole or not at all. Call between two calls, never within one."""
    positions = {chain: (position.segment, position.offset) for chain, position in ends(data / "journal").items()}
    content = msgspec.msgpack.encode(_Saved(positions, counters.snapshot()))
    fresh = data / f"{_FILE}.new"
    with open(fresh, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(data / _FILE)


def rebuild(counters: MemoryCounters, data: Path) -> int:
    """Bring new counters to where the journal is; returns the number of entries that were read.

    A reservation without an outcome stands (the call may have run); one without a decision is given back.
    """
    positions = _restore(counters, data / _FILE)
    read = 0
    for located in entries(data / "journal", positions):
        read += 1
        entry = read_line(located.line)
        if isinstance(entry, Decision) and entry.charges:
            charges = [(charge.key, charge.counter, charge.amount, charge.window) for charge in entry.charges]
            counters.replay(entry.decision_id, entry.time, charges)
        elif isinstance(entry, Outcome):
            counters.replay_outcome(entry.decision_id, entry.settled, rolled_back=entry.rolled_back)
    counters.recover(JournalledIds(data / "journal").__contains__)
    return read


def _restore(counters: MemoryCounters, path: Path) -> dict[str, Position]:
    """Take the snapshot, if there is one; a broken one is no reason to start with other counters than the journal's."""
    try:
        saved = msgspec.msgpack.decode(path.read_bytes(), type=_Saved)
        counters.restore(saved.counters)
    except FileNotFoundError:
        return {}
    except (msgspec.DecodeError, ToolgateError) as error:
        raise ToolgateError(
            str(path), f"the snapshot of the counters cannot be read: {error}", "delete it: the journal holds them too"
        ) from error
    return {chain: Position(*position) for chain, position in saved.positions.items()}
