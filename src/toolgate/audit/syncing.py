"""Syncs and checkpoints of a running journal: what waits for the disk, in a thread, one job at a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

from toolgate.audit.chain import Chain, Head
from toolgate.audit.checkpoints import CheckpointFile, Reason
from toolgate.audit.segments import SegmentWriter

Fsync = Literal["always", "interval", "none"]

SYNC_INTERVAL = 0.1


@dataclass(slots=True, frozen=True)
class Pace:
    """When a new segment begins (bytes), and when a checkpoint is signed (seconds, entries), whichever comes first."""

    segment: int = 64 * 1024 * 1024
    checkpoint_seconds: float = 60.0
    checkpoint_entries: int = 100_000


class Syncer:
    """Brings what was written to the disk and signs it. An idle journal wakes nobody.

    `on_failure` gets every error of a job, `retry` is called every interval while `failing` is set.
    """

    def __init__(
        self,
        chain: Chain,
        writer: SegmentWriter,
        checkpoints: CheckpointFile,
        fsync: Fsync,
        pace: Pace,
        on_failure: Callable[[BaseException], None],
        retry: Callable[[], object],
    ) -> None:
        self.failing = False
        self._chain = chain
        self._writer = writer
        self._checkpoints = checkpoints
        self._fsync = fsync
        self._pace = pace
        self._on_failure = on_failure
        self._retry = retry
        self._loop = asyncio.get_running_loop()
        self._thread = ThreadPoolExecutor(1, "journal")
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0
        self._job: asyncio.Future[None] | None = None
        self._waiters: list[asyncio.Future[None]] = []
        self._dirty = False
        self._closed = False
        self._signed = -1
        self._signed_at = 0.0

    def touch(self) -> None:
        """Something was written."""
        if not self._dirty:
            self._dirty = True
            self.schedule()

    async def synced(self) -> None:
        """Return when everything written before is on disk; raises what kept it from that. One sync serves many."""
        waiter: asyncio.Future[None] = self._loop.create_future()
        self._waiters.append(waiter)
        self.schedule()
        await waiter

    def sign(self, reason: Reason) -> None:
        """Sign the newest entry now, in this thread."""
        self._sign(reason, self._chain.head)

    def schedule(self) -> None:
        """See to it that the next job starts when it is due."""
        if self._job is not None or self._closed:
            return
        due = self._loop.time() + self._delay()
        if self._timer is not None:
            if self._due <= due:
                return
            self._timer.cancel()
        self._due = due
        self._timer = self._loop.call_at(due, self._start)

    def _delay(self) -> float:
        if self._waiters:
            return 0.0
        if self._dirty or self.failing:
            return SYNC_INTERVAL
        return max(SYNC_INTERVAL, self._signed_at + self._pace.checkpoint_seconds - self._loop.time())

    def _unsigned(self) -> int:
        return self._chain.head.seq - self._signed

    def _checkpoint_due(self) -> bool:
        unsigned, waited = self._unsigned(), self._loop.time() - self._signed_at
        return unsigned >= self._pace.checkpoint_entries or (unsigned > 0 and waited >= self._pace.checkpoint_seconds)

    def _start(self) -> None:
        self._timer = None
        if self.failing:
            self._retry()
        waiters, self._waiters = self._waiters, []
        self._dirty = False
        signs = not self.failing and self._checkpoint_due()
        job = self._loop.run_in_executor(self._thread, self._work, self._chain.head, signs)
        self._job = job
        job.add_done_callback(lambda done: self._end(done, waiters))

    def _work(self, head: Head, signs: bool) -> None:
        """The disk has the entries before it has the checkpoint: a power cut never leaves a checkpoint over nothing."""
        self._writer.check()
        if signs or self._fsync != "none":
            self._writer.sync()
        if signs:
            self._sign("periodic", head)

    def _sign(self, reason: Reason, head: Head) -> None:
        self._checkpoints.append(reason, self._chain.id, head, time.time())
        self._signed = head.seq
        self._signed_at = self._loop.time()

    def _end(self, job: asyncio.Future[None], waiters: list[asyncio.Future[None]]) -> None:
        self._job = None
        error = job.exception()
        if error is not None:
            self._on_failure(error)
        _answer(waiters, error)
        if self._dirty or self._waiters or self.failing or self._unsigned():
            self.schedule()

    async def close(self, seal: bool) -> None:
        """Bring the rest to the disk and sign the end where `seal` is set; raises OSError. Nothing runs afterwards."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        if self._job is not None:
            await asyncio.wait([self._job])
        error: BaseException | None = None
        try:
            await self._loop.run_in_executor(self._thread, self._finish, seal)
        except OSError as caught:
            error = caught
            raise
        finally:
            _answer(self._waiters, error)
            self._thread.shutdown()

    def _finish(self, seal: bool) -> None:
        self._writer.sync()
        if seal:
            self.sign("closed")


def _answer(waiters: list[asyncio.Future[None]], error: BaseException | None) -> None:
    for waiter in waiters:
        if waiter.done():
            continue
        if error is None:
            waiter.set_result(None)
        else:
            waiter.set_exception(error)
