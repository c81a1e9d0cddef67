"""What happens once somebody stopped a grant or a server: how its calls are refused, and the end of those under way."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Final

from toolgate.gateway.access import Access
from toolgate.policy.decision import Verdict

RULE: Final = "(stopped)"
SENT_BEFORE: Final = "It was sent before that, so the server may have run it."
"""What a client is told in place of when to repeat a call that was under way."""


def stop_verdict(access: Access) -> Verdict | None:
    """The denial of every message while the grant or its server is stopped, also of those that no rule speaks of."""
    why = access.stopped
    return Verdict("deny", RULE, why, visible=True) if why else None


class UnderWay:
    """Messages of this process that were sent and are not answered to their end. Use from the loop's thread.

    Each is carried by a task of its own, which calls `begin`, and `end` whatever became of it.
    """

    def __init__(self) -> None:
        self._carried: dict[asyncio.Task[object], Access] = {}
        self._stopped: set[asyncio.Task[object]] = set()

    def begin(self, access: Access) -> None:
        """Count the message of the present task."""
        self._carried[_present()] = access

    def end(self) -> None:
        """Forget it."""
        task = _present()
        self._carried.pop(task, None)
        self._stopped.discard(task)

    def stop(self, ids: Collection[str]) -> None:
        """Cancel whatever is under way of the grants and servers with these ids."""
        for task, access in self._carried.items():
            if (access.grant_id in ids or access.server_id in ids) and task not in self._stopped:
                self._stopped.add(task)
                task.cancel()

    def was_stopped(self) -> bool:
        """Whether it was `stop` that cancelled the present task, which then may go on to tell its client."""
        task = _present()
        if task not in self._stopped:
            return False
        task.uncancel()
        return True


def _present() -> asyncio.Task[object]:
    task = asyncio.current_task()
    assert task is not None
    return task
