"""Calls of this process that wait for a person, and the one watcher that wakes them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from toolgate.gateway.call import Call
from toolgate.store.approvals import ApprovalStore
from toolgate.store.errors import StoreError

_EVERY: Final = 0.2
"""Seconds between two looks at the file, while somebody waits."""


@dataclass(slots=True, eq=False)
class Waiter:
    """One held call; `woken` ends when it need not wait on, with the StoreError that ended it where one did."""

    call: Call
    approval: str
    woken: asyncio.Future[None]
    taken_back: bool = False

    def wake(self) -> None:
        """Let it go on, once."""
        if not self.woken.done():
            self.woken.set_result(None)

    def takes(self, call: Call) -> bool:
        """Whether this is the request that a `notifications/cancelled` names."""
        own = self.call
        named = call.message.params.get("requestId")
        same = own.message.id == named and type(own.message.id) is type(named)
        return same and own.access is call.access and own.subject.session_id == call.subject.session_id


class Waiting:
    """All held calls of this process.

    The file is read while somebody waits, and never else. It is read whole instead of asking SQLite whether others
    wrote, because what this process itself voided or used must wake its other calls as well.
    """

    def __init__(self, store: ApprovalStore, stands: Callable[[Call], bool]) -> None:
        self._store = store
        self._stands = stands
        self._waiters: set[Waiter] = set()
        self._watcher: asyncio.Task[None] | None = None

    @contextmanager
    def joined(self, call: Call, approval: str) -> Iterator[Waiter]:
        """Count the call among the waiting ones for the time of the block."""
        waiter = Waiter(call, approval, asyncio.get_running_loop().create_future())
        self._waiters.add(waiter)
        if self._watcher is None:
            self._watcher = asyncio.create_task(self._watch())
        try:
            yield waiter
        finally:
            self._waiters.discard(waiter)
            if not self._waiters:
                self._watcher.cancel()
                self._watcher = None

    def take_back(self, call: Call) -> None:
        """Wake the call that this `notifications/cancelled` names, as one that its client no longer wants."""
        for waiter in self._waiters:
            if waiter.takes(call):
                waiter.taken_back = True
                waiter.wake()

    def wake_all(self) -> None:
        """Let every call go on with what it has: the process ends."""
        for waiter in self._waiters:
            waiter.wake()

    async def _watch(self) -> None:
        while True:
            self._look()
            await asyncio.sleep(_EVERY)

    def _look(self) -> None:
        try:
            states = self._store.states({waiter.approval for waiter in self._waiters})
        except StoreError as error:
            self._fail(error)
            return
        for waiter in self._waiters:
            if states.get(waiter.approval) != "pending" or not self._stands(waiter.call):
                waiter.wake()

    def _fail(self, error: StoreError) -> None:
        """A file that cannot be read denies: nobody can say what was decided."""
        for waiter in self._waiters:
            if not waiter.woken.done():
                waiter.woken.set_exception(error)
