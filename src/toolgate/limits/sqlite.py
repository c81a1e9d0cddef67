"""Counters that the processes of one machine share in one SQLite file.

Durability: a reservation that was answered is in the write-ahead log, so it survives `kill -9` of every process. With
`synchronous = NORMAL` the log is not synced at each transaction: after a loss of power the file is whole, but the last
moments before it may be missing, as they are from a journal that is synced in intervals.

Transactions run on the event loop's own thread. Each takes the lock or gives up at once, and is tried again later, so
a lock that another process holds never blocks the loop. (A worker thread was measured: up to 1.5 times the CPU, and
beside a busy loop single turns of 0.3 to 1.1 seconds, because every step of a statement hands the interpreter lock over
and has to win it back.) What waits for the disk, copying the log into the file, happens in a thread.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import msgspec

from toolgate.limits.counters import CountersUnavailable, Exhausted
from toolgate.limits.file import checkpoint, connect, is_lock
from toolgate.limits.ledger import Ledger
from toolgate.policy.decision import Charge

MOST = 256
"""Operations of one transaction: they hold the loop for a few milliseconds."""

Verb = Literal["peek", "reserve", "commit", "rollback", "settle"]

_RETRY = 0.001
_LOG_LIMIT = 4 * 1024 * 1024
_START = secrets.token_hex(8)
_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Operation:
    verb: Verb
    reservation: str
    charges: Sequence[Charge]
    actual: Mapping[str, int]
    answer: asyncio.Future[Exhausted | None]

    def apply(self, ledger: Ledger) -> Exhausted | ValueError | None:
        try:
            match self.verb:
                case "peek":
                    return ledger.peek(self.charges)
                case "reserve":
                    return ledger.reserve(self.reservation, self.charges)
                case "commit":
                    ledger.commit(self.reservation)
                case "rollback":
                    ledger.rollback(self.reservation)
                case "settle":
                    ledger.settle(self.reservation, self.actual)
        except ValueError as error:
            return error
        return None

    def reply(self, answer: Exhausted | Exception | None) -> None:
        if self.answer.done():
            return
        if isinstance(answer, Exception):
            self.answer.set_exception(answer)
        else:
            self.answer.set_result(answer)

    def wanted(self) -> bool:
        """Whether it still has to run: who was cancelled while waiting must not be charged, but an end is an end."""
        return self.verb not in {"peek", "reserve"} or not self.answer.done()


class SqliteCounters:
    """Counters for one event loop, in a file that several processes of one machine share. Opens the file at once.

    Everything that arrives in one turn of the loop is one transaction, in the order of arrival. `patience` is how
    many seconds a lock of another process may last. Every method raises `CountersUnavailable`.
    """

    def __init__(self, path: Path, clock: Callable[[], float] | None = None, patience: float = 2.0) -> None:
        self.owner = f"{os.getpid()}:{_START}"
        self._path = path
        self._clock = clock or time.time
        self._patience = patience
        self._connection = connect(path)
        self._ledger = Ledger(self._connection, self.owner)
        self._waiting: list[_Operation] = []
        self._next: asyncio.Handle | None = None
        self._locked_since: float | None = None
        self._transactions = 0
        self._copying: asyncio.Task[None] | None = None
        self._closed = False

    async def peek(self, charges: Sequence[Charge]) -> Exhausted | None:
        """Whether `reserve` would refuse now; takes nothing."""
        return await self._ask("peek", charges=charges)

    async def reserve(self, reservation: str, charges: Sequence[Charge]) -> Exhausted | None:
        """Take every charge or none. Raises ValueError for an id that is open and for a negative amount.

        A caller that is cancelled while it waits has taken nothing, or gives it back with the next transaction.
        """
        answer = self._ask("reserve", reservation, charges)
        try:
            return await answer
        except asyncio.CancelledError:
            if not answer.cancelled() and not self._closed:
                self._ask("rollback", reservation)
            raise

    async def commit(self, reservation: str) -> None:
        """Let the reservation stand as it is."""
        await self._ask("commit", reservation)

    async def rollback(self, reservation: str) -> None:
        """Give every charge of the reservation back; a window that has passed meanwhile is left as it is."""
        await self._ask("rollback", reservation)

    async def settle(self, reservation: str, actual: Mapping[str, int]) -> None:
        """Replace the reserved amounts in the windows they were reserved in, without effect where these have passed.

        A negative amount is none: what was reserved stands.
        """
        await self._ask("settle", reservation, actual=actual)

    async def recover(self, owner_alive: Callable[[str], bool], has_journal_entry: Callable[[str], bool]) -> int:
        """End the reservations of processes that died: those without a journal entry are given back, others stand.

        `owner_alive` gets the owner of a reservation (`process_alive` judges those of this machine),
        `has_journal_entry` a reservation's id. Returns how many were given back. May run at any time and repeatedly.
        """
        try:
            rows = self._connection.execute("SELECT id, owner FROM reservations").fetchall()
        except sqlite3.Error as error:
            raise self._unavailable(error) from error
        alive = {owner: owner_alive(owner) for owner in {owner for _, owner in rows}}
        left = [reservation for reservation, owner in rows if not alive[owner]]
        released = [reservation for reservation in left if not has_journal_entry(reservation)]
        ends: list[Literal["rollback", "commit"]] = ["rollback" if id_ in set(released) else "commit" for id_ in left]
        await asyncio.gather(*(self._ask(end, id_) for end, id_ in zip(ends, left, strict=True)))
        return len(released)

    async def close(self) -> None:
        """Finish what is waiting and close the file."""
        self._closed = True
        await asyncio.gather(*(operation.answer for operation in self._waiting), return_exceptions=True)
        if self._copying is not None:
            await self._copying
        self._connection.close()

    def _ask(
        self,
        verb: Verb,
        reservation: str = "",
        charges: Sequence[Charge] = (),
        actual: Mapping[str, int] = MappingProxyType({}),
    ) -> asyncio.Future[Exhausted | None]:
        """Put an operation into the transaction of this turn."""
        if self._closed:
            raise self._unavailable("it is closed")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Exhausted | None] = loop.create_future()
        self._waiting.append(_Operation(verb, reservation, charges, actual, answer))
        if self._next is None:
            self._next = loop.call_soon(self._run)
        return answer

    def _run(self) -> None:
        """One transaction over what is waiting. Whatever happens in it, every caller gets an answer."""
        batch = [operation for operation in self._waiting[:MOST] if operation.wanted()]
        answers: Sequence[Exhausted | Exception | None] | None = ()
        try:
            answers = self._attempt(batch)
        finally:
            if answers is None:
                self._next = asyncio.get_running_loop().call_later(_RETRY, self._run)
            else:
                self._finish(batch, answers or [self._unavailable("the transaction failed") for _ in batch])

    def _attempt(self, batch: Sequence[_Operation]) -> Sequence[Exhausted | Exception | None] | None:
        """The answers of a transaction, or None if it has to be tried again because another process has the lock."""
        try:
            return self._transact(batch)
        except (sqlite3.Error, ValueError, msgspec.MsgspecError) as error:
            if is_lock(error) and self._patient():
                return None
            return [self._unavailable(error) for _ in batch]

    def _finish(self, batch: Sequence[_Operation], answers: Sequence[Exhausted | Exception | None]) -> None:
        self._locked_since = None
        del self._waiting[:MOST]
        self._next = asyncio.get_running_loop().call_soon(self._run) if self._waiting else None
        for operation, answer in zip(batch, answers, strict=True):
            operation.reply(answer)
        self._watch_log()

    def _transact(self, batch: Sequence[_Operation]) -> Sequence[Exhausted | Exception | None]:
        """Apply the operations, all in one transaction or none."""
        connection, ledger = self._connection, self._ledger
        connection.execute("BEGIN IMMEDIATE")
        committed = False
        try:
            ended = [operation.reservation for operation in batch if operation.verb in {"rollback", "settle"}]
            ledger.begin(self._clock(), ended, {charge.key for each in batch for charge in each.charges})
            answers = [operation.apply(ledger) for operation in batch]
            ledger.write()
            connection.execute("COMMIT")
            committed = True
        finally:
            if not committed:
                self._undo()
        return answers

    def _undo(self) -> None:
        self._ledger.forget()
        if self._connection.in_transaction:  # some errors have rolled back already
            self._connection.execute("ROLLBACK")

    def _patient(self) -> bool:
        now = time.monotonic()
        if self._locked_since is None:
            self._locked_since = now
        return now - self._locked_since < self._patience

    def _watch_log(self) -> None:
        """Every 64 transactions: has the write-ahead log grown, have it copied into the file."""
        self._transactions += 1
        if self._transactions % 64 or self._copying is not None:
            return
        if os.stat(f"{self._path}-wal").st_size > _LOG_LIMIT:
            self._copying = asyncio.get_running_loop().create_task(self._copy_log())

    async def _copy_log(self) -> None:
        try:
            await asyncio.to_thread(checkpoint, self._path)
        except sqlite3.Error as error:
            _log.warning("the write-ahead log of `%s` was not copied into it: %s", self._path, error)
        finally:
            self._copying = None

    def _unavailable(self, cause: object) -> CountersUnavailable:
        mend = "calls that need a limit are denied until it can be written again"
        return CountersUnavailable(str(self._path), f"the counter store cannot be reached: {cause}", mend)


def process_alive(owner: str) -> bool:
    """Whether the process of a reservation's owner lives: on this machine and in this process namespace."""
    pid, _, start = owner.partition(":")
    if int(pid) == os.getpid():
        return start == _START
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
