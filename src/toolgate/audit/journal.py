"""The journal of one process: what was decided is on file before anything is done about it.

`record` writes on the event loop's thread: one `write(2)` into the page cache costs about 2 us, and no kill of the
process undoes it. One write shared by a turn of the loop would save up to 3 us a call where 32 callers fall into one
turn, but costs 6 us and a turn of waiting with one (bench/journal.py). The ends of calls (`append`) ride with the next
decision.
"""

from __future__ import annotations

import asyncio
import errno
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from toolgate import __version__
from toolgate.audit.chain import Chain, new_chain_id
from toolgate.audit.checkpoints import CheckpointFile, public_text
from toolgate.audit.records import End, Entry, Gap, Start
from toolgate.audit.recovery import seal_ended_chains
from toolgate.audit.reserve import Reserve
from toolgate.audit.segments import SegmentWriter
from toolgate.audit.syncing import Fsync, Pace, Syncer
from toolgate.errors import ToolgateError

APPEND_DELAY = 0.005
RETRY_INTERVAL = 0.2
PENDING_LIMIT = 10_000

DEFAULT_PACE = Pace()


class JournalFailed(ToolgateError):
    """The entry is not safely on file: the call must be denied."""


@dataclass(slots=True)
class Failure:
    """Since when and why nothing can be written, and what that has cost so far."""

    since: float
    cause: str
    retry_at: float
    refused: int = 0
    lost: int = 0
    suspect: bool = False
    """A sync failed: the kernel may have dropped pages of this segment, so the next entries go into a new one."""


class Journal:
    """Appends entries to a chain of its own. Belongs to the event loop it was opened in.

    `healthy` is False from a failed write until writing works again (tried every 0.2 s, and room must be free again).
    Meanwhile `record` raises JournalFailed. Standard error and, where there is room, the journal itself say when it
    begins and when it ends.
    """

    def __init__(self, directory: Path, signer: Ed25519PrivateKey, node: str, fsync: Fsync, key_id: str, pace: Pace):
        self.healthy = True
        self._directory = directory
        self._fsync = fsync
        self._loop = asyncio.get_running_loop()
        self._chain = Chain(new_chain_id(time.time()), node)
        self._reserve = Reserve(directory / f"{self.chain_id}.reserve")
        self._checkpoints = CheckpointFile(directory, signer, key_id)
        self._writer = SegmentWriter(directory, self.chain_id, pace.segment)
        self._syncer = Syncer(
            self._chain, self._writer, self._checkpoints, fsync, pace, on_failure=self._sync_failed, retry=self._recover
        )
        self._failure: Failure | None = None
        self._pending: list[Entry] = []
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False
        self._ids = 0
        self._id_start = f"{self.chain_id[-12:]}-"

    @classmethod
    def open(
        cls,
        directory: Path,
        signer: Ed25519PrivateKey,
        node: str,
        fsync: Fsync = "interval",
        key_id: str = "",
        pace: Pace = DEFAULT_PACE,
    ) -> Journal:
        """Seal what dead processes left in `directory` (made if needed) and begin a chain. Raises JournalFailed."""
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            journal = cls(directory, signer, node, fsync, key_id, pace)
            try:
                journal._begin(public_text(signer.public_key()), key_id)
            except OSError:
                journal._free()
                raise
        except OSError as error:
            raise _failed(directory, _reason(error)) from error
        return journal

    def _begin(self, public_key: str, key_id: str) -> None:
        seal_ended_chains(self._directory, self._checkpoints)
        self._reserve.claim()
        start = Start(
            time=time.time(),
            chain=self.chain_id,
            pid=os.getpid(),
            version=__version__,
            key_id=key_id,
            public_key=public_key,
        )
        self._writer.append(self._chain.link(start))
        self._writer.sync()
        self._syncer.sign("opened")

    @property
    def chain_id(self) -> str:
        """The name of this process's chain."""
        return self._chain.id

    def sign_with(self, signer: Ed25519PrivateKey, key_id: str) -> None:
        """Sign the next checkpoints with another key; those who verify learn of it from the file of checkpoints."""
        self._checkpoints.sign_with(signer, key_id)

    def new_id(self) -> str:
        """A decision id: unique for ever, ascending within the process, no secret."""
        self._ids += 1
        return f"{self._id_start}{self._ids:x}"

    async def record(self, entry: Entry) -> None:
        """Return when the entry is in the file (and on disk with fsync `always`), or raise JournalFailed.

        Unless fsync is `always` this does not suspend. Cancelling it loses no entry.
        """
        if self._failure is not None or self._closed:
            self._refuse_or_recover()
        self._write(entry)
        if self._fsync == "always":
            await self._synced()

    async def _synced(self) -> None:
        try:
            await self._syncer.synced()
        except OSError as error:
            raise _failed(self._directory, _reason(error)) from error

    def append(self, entry: Entry) -> None:
        """Write the entry with the next `record`, or within 5 ms. While nothing can be written it waits in memory."""
        self._refuse_closed()
        if self._failure is not None and len(self._pending) >= PENDING_LIMIT:
            self._failure.lost += 1
            return
        self._pending.append(entry)
        if self._timer is None:
            delay = APPEND_DELAY if self.healthy else RETRY_INTERVAL
            self._timer = self._loop.call_later(delay, self._append_pending)

    def _append_pending(self) -> None:
        self._timer = None
        if self._pending:
            self._try_write()

    def _refuse_or_recover(self) -> None:
        self._refuse_closed()
        if self._failure is not None and not self._recover():
            self._failure.refused += 1
            raise _failed(self._directory, self._failure.cause)

    def _refuse_closed(self) -> None:
        if self._closed:
            raise _failed(self._directory, "the journal is closed")

    def _write(self, *entries: Entry) -> None:
        """Link and write what is pending and these entries, all or none."""
        mark = self._chain.mark()
        link = self._chain.link
        try:
            self._writer.append(b"".join([link(entry) for entry in (*self._pending, *entries)]))
        except UnicodeEncodeError:
            self._chain.rewind(mark)
            raise
        except OSError as error:
            self._chain.rewind(mark)
            self._fail(_reason(error), error.errno in {errno.ENOSPC, errno.EDQUOT})
            raise _failed(self._directory, _reason(error)) from error
        self._pending.clear()
        self._syncer.touch()

    def _try_write(self, *entries: Entry) -> bool:
        """For entries nobody waits for: when it fails, standard error and `healthy` have said so already."""
        try:
            self._write(*entries)
        except JournalFailed:
            return False
        return True

    def _sync_failed(self, error: BaseException) -> None:
        self._fail(_reason(error), isinstance(error, OSError) and error.errno == errno.ENOSPC)
        if self._failure is not None:
            self._failure.suspect = True

    def _fail(self, cause: str, full: bool) -> None:
        if self._failure is not None:
            return
        now = time.time()
        self._failure = Failure(now, cause, self._loop.time() + RETRY_INTERVAL)
        self.healthy = False
        _say(f"{self._directory}: the journal cannot be written: {cause}: every call is denied until it can")
        if full:
            self._reserve.release()
        self._try_write(Gap(time=now, since=now, cause=cause))
        self._syncer.failing = True
        self._syncer.schedule()

    def _recover(self) -> bool:
        """Try again, not too often: the reserve must fit first, so that the next failure has room for its words."""
        failure = self._failure
        if failure is None:
            return True
        if self._loop.time() < failure.retry_at:
            return False
        failure.retry_at = self._loop.time() + RETRY_INTERVAL
        try:
            self._reserve.claim()
            if failure.suspect:
                self._writer.rotate()
                failure.suspect = False
        except OSError:
            return False
        if self._try_write(_end_of(failure)):
            self._failure = None
            self.healthy = True
            self._syncer.failing = False
            _say(f"{self._directory}: the journal can be written again; {failure.refused} calls were denied meanwhile")
        return self.healthy

    async def close(self) -> None:
        """Write the last entry, wait for the disk, sign the end. Raises JournalFailed when that does not work."""
        if self._closed:
            return
        written = self._try_write(End(time=time.time()))
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        try:
            await self._syncer.close(seal=written)
        except OSError as error:
            raise _failed(self._directory, _reason(error)) from error
        finally:
            self._free()
        if not written:
            raise _failed(self._directory, "the last entry could not be written")

    def _free(self) -> None:
        self._writer.close()
        self._reserve.release()


def _end_of(failure: Failure) -> Gap:
    return Gap(
        time=time.time(),
        since=failure.since,
        cause=failure.cause,
        refused=failure.refused,
        lost=failure.lost,
        ended=True,
    )


def _failed(directory: Path, cause: str) -> JournalFailed:
    return JournalFailed(str(directory), cause, "free space on the disk, or check its health and its rights")


def _reason(error: BaseException) -> str:
    return str(getattr(error, "strerror", None) or error).lower()


def _say(message: str) -> None:
    sys.stderr.write(f"toolgate: {message}\n")
