"""Tells webhooks of calls that wait and of what became of them, while the control process runs.

What is to be told is decided from what the databases hold, so a restart forgets nothing; it is queued before it is sent
and held by one sender at a time, so several control processes send each message once, and at least once.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, ParamSpec, TypeVar, cast

from toolgate.background import complain
from toolgate.control.inbox.deciding import PATIENCE, houses
from toolgate.control.inbox.messages import Notice
from toolgate.control.inbox.sending import Sent, notice, send
from toolgate.control.state import State
from toolgate.errors import ToolgateError
from toolgate.store import deliveries, webhooks
from toolgate.store.approvals import Approval, ApprovalStore, Search
from toolgate.store.deliveries import Delivery, Event
from toolgate.store.errors import StoreError
from toolgate.store.webhooks import Webhook

EVERY: Final = 0.5
"""Seconds between two looks whether an approval was written."""
_ANYWAY: Final = 5.0
"""Seconds between two looks at everything: at webhooks that another process made, and at what expired."""
_PAUSES: Final = (1.0, 4.0, 15.0, 60.0, 240.0, 900.0, 3600.0)
"""Seconds after each failed try; the last one is the end."""
_MANY: Final = 1000
_NOBODY: Final = -1
"""In place of the version of the approvals, while there is no webhook: their file is not even opened then."""
_SOON: Final = 0.05

P = ParamSpec("P")
T = TypeVar("T")


class Announcer:
    """One per control process. `look` is called every EVERY seconds, `close` at the end."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._store = ApprovalStore(state.data, patience=PATIENCE)
        # The store is of one thread, and what waits for a database must not hold up the pages.
        self._thread = ThreadPoolExecutor(1, "announcer")
        self._version = _NOBODY
        self._due = 0.0
        self._serving: dict[str, asyncio.Task[None]] = {}
        self._held: dict[str, Delivery] = {}
        self._said = ""

    async def look(self) -> None:
        """Queue what is new and send what is due; costs next to nothing while there is neither.

        A file that cannot be read is said once, and looked at again at the next turn.
        """
        try:
            found = await self._apart(self._step)
        except StoreError as error:
            self._due = 0.0
            self._complain(str(error))
            return
        self._said = ""
        for webhook_id, messages in found.items():
            if webhook_id not in self._serving:
                task = self._serving[webhook_id] = asyncio.create_task(self._serve(messages))
                task.add_done_callback(partial(self._served, webhook_id))

    def _complain(self, text: str) -> None:
        if text != self._said:
            complain(f"webhooks wait: {text}")
        self._said = text

    async def close(self) -> None:
        """End what is under way; another process, or this one after its next start, sends it again."""
        tasks = list(self._serving.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._apart(self._let_go)
        self._thread.shutdown()

    async def _apart(self, function: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, partial(function, *given, **named))

    def _let_go(self) -> None:
        for claimed in self._held.values():
            deliveries.let_go(self._state.engine, claimed)
        self._store.close()

    def _step(self) -> dict[str, list[Delivery]]:
        """What is due now, by webhook."""
        now = time.time()
        if now < self._due and not self._news():
            return {}
        hooks = webhooks.enabled(self._state.engine)
        self._due = now + _ANYWAY
        if not hooks:
            self._version = _NOBODY
            return {}
        self._version = self._store.version()
        self._queue(hooks)
        found: dict[str, list[Delivery]] = {}
        for delivery in deliveries.due(self._state.engine, now + _SOON):
            found.setdefault(delivery.webhook_id, []).append(delivery)
        self._due = min(self._due, deliveries.next_due(self._state.engine) or self._due)
        return found

    def _news(self) -> bool:
        """Whether another process, or a page of this one, wrote an approval: asked while somebody listens."""
        return self._version != _NOBODY and self._store.version() != self._version

    def _queue(self, hooks: Mapping[str, Webhook]) -> None:
        """Queue what webhooks have not been told: calls that wait, and what became of those they heard of."""
        messages: list[tuple[str, str, Event]] = []
        for organisation in {hook.organisation for hook in hooks.values()}:
            own = [hook for hook in hooks.values() if hook.organisation == organisation]
            for approval in self._store.search(Search(houses(organisation), ("pending",), limit=_MANY)):
                messages += [(hook.id, approval.id, "pending") for hook in own if hook.hears(approval.server_id)]
                self._due = min(self._due, approval.expires)
        deliveries.enqueue(self._state.engine, [*messages, *self._ends(hooks)])

    def _ends(self, hooks: Mapping[str, Webhook]) -> Iterator[tuple[str, str, Event]]:
        """Slack hears of calls that wait alone: what became of one would be a second message, not another first one."""
        told = deliveries.announced(
            self._state.engine, [id_ for id_, hook in hooks.items() if hook.format == "generic"]
        )
        states = self._store.states({approval_id for _, approval_id in told})
        for webhook_id, approval_id in told:
            if states.get(approval_id, "pending") != "pending":
                yield webhook_id, approval_id, _end_of(self._store.get(approval_id))

    async def _serve(self, messages: Iterable[Delivery]) -> None:
        """The messages of one webhook, one after the other: its receiver may be slow, and others do not wait for it."""
        for message in messages:
            claimed = await self._apart(deliveries.claim, self._state.engine, message)
            if claimed is not None:
                self._held[claimed.id] = claimed
                await self._try(claimed)
                del self._held[claimed.id]

    async def _try(self, claimed: Delivery) -> None:
        try:
            webhook, told = await self._apart(self._told, claimed)
            if claimed.event == "pending" and told.approval.state != "pending":
                await self._apart(deliveries.dropped, self._state.engine, claimed)
                return
            sent = await send(self._state, webhook, told, claimed.id)
        except ToolgateError as error:  # the webhook, the approval or the key is gone: no other try would find it
            await self._apart(deliveries.failed, self._state.engine, claimed, str(error), None)
            return
        await self._apart(self._settle, claimed, sent)

    def _told(self, claimed: Delivery) -> tuple[Webhook, Notice]:
        webhook = webhooks.get(self._state.engine, claimed.webhook_id, organisation=claimed.organisation)
        told = notice(self._state, self._store, webhook, claimed.event, claimed.created, claimed.approval_id)
        return webhook, told

    def _settle(self, claimed: Delivery, sent: Sent) -> None:
        if not sent.error:
            deliveries.delivered(self._state.engine, claimed)
            return
        pause = _PAUSES[claimed.attempts - 1] if claimed.attempts <= len(_PAUSES) else None
        # Spread, so that a receiver that comes back is not met by everything at once.
        again = None if pause is None else time.time() + max(pause * random.uniform(0.75, 1.25), sent.rest)  # noqa: S311
        deliveries.failed(self._state.engine, claimed, sent.error, again)

    def _served(self, webhook_id: str, task: asyncio.Task[None]) -> None:
        del self._serving[webhook_id]
        self._due = 0.0
        if not task.cancelled() and (error := task.exception()) is not None:
            complain(f"messages of a webhook wait: {error}")


def _end_of(approval: Approval) -> Event:
    """What people hear of how it ended: a permit that was used, or that nobody used in time, was approved."""
    if approval.state in {"denied", "void"}:
        return cast("Event", approval.state)
    return "approved" if approval.decided_by else "expired"
