"""Counters in memory after a crash: the snapshot, and the journal since, together say what was taken."""

from __future__ import annotations

import time
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from toolgate.audit.journal import Journal
from toolgate.audit.records import Decision
from toolgate.gateway import recounting
from toolgate.limits.memory import MemoryCounters
from toolgate.policy.decision import NANO, Charge

CHARGE = Charge("grant/g/calls/86400", "calls", NANO, NANO, 86_400, "/tools/run/limits/0")


async def crashed_after_a_snapshot(data: Path, *, journalled: bool) -> MemoryCounters:
    """The counters of the next process: the one before took a snapshot while a call was out, and was killed."""
    journal = Journal.open(data / "journal", Ed25519PrivateKey.generate(), "node", "none", "key")
    counters = MemoryCounters()
    reservation = journal.new_id()
    assert await counters.reserve(reservation, [CHARGE]) is None
    if journalled:
        entry = Decision(time=time.time(), decision_id=reservation, outcome="allow", charges=(CHARGE,))
        await journal.record(entry)
    recounting.save(counters, data)
    await journal.close()
    rebuilt = MemoryCounters()
    recounting.rebuild(rebuilt, data)
    return rebuilt


async def test_a_call_that_was_out_at_the_snapshot_and_at_the_crash_stays_paid_for(tmp_path: Path) -> None:
    counters = await crashed_after_a_snapshot(tmp_path, journalled=True)
    assert await counters.peek([CHARGE]) is not None


async def test_what_a_snapshot_holds_without_a_decision_is_given_back(tmp_path: Path) -> None:
    counters = await crashed_after_a_snapshot(tmp_path, journalled=False)
    assert await counters.peek([CHARGE]) is None
