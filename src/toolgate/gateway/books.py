"""What a call costs and what is written of it: reservations and the two entries of a decision, kept in step."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import islice
from typing import Final

from toolgate.audit.journal import Journal, JournalFailed
from toolgate.audit.records import Decision, LimitFacts, Outcome, Result
from toolgate.audit.summary import Denials
from toolgate.gateway.answers import flow_hint, limit_hint, limit_message
from toolgate.gateway.call import Call, Denial, Ending
from toolgate.gateway.captures import Captures
from toolgate.limits.counters import Counters, CountersUnavailable, Exhausted
from toolgate.policy.decision import Charge, Mark, Verdict
from toolgate.policy.words import flow_denial

_NAMES: Final = 1_000
_CHANGED: Final = "What was used before stands against this call, by a flow that the policy has no longer."


class Books:
    """The quotas and the journal of this process, as enforcement uses them."""

    def __init__(
        self,
        counters: Counters,
        journal: Journal,
        denials: Denials,
        clock: Callable[[], float],
        captures: Captures | None = None,
    ) -> None:
        self._counters = counters
        self._journal = journal
        self._denials = denials
        self._captures = captures
        self.clock = clock

    @property
    def healthy(self) -> bool:
        """Whether the journal can be written."""
        return self._journal.healthy

    def new_id(self) -> str:
        """The id of one more decision."""
        return self._journal.new_id()

    async def peek(self, call: Call, verdict: Verdict) -> Denial | None:
        """The denial that `reserve` would end in now; takes nothing."""
        charges = _asked_again(verdict) if call.round else verdict.charges
        try:
            full = await self._counters.peek(charges) if charges else None
        except CountersUnavailable as error:
            return Denial(_unavailable(error))
        return None if full is None else _exhausted(full, call)

    async def reserve(self, call: Call, verdict: Verdict) -> Denial | None:
        """Take every charge or none. A further try of an unfinished request has paid, and is only asked for flows."""
        if call.round:
            return await self.peek(call, verdict)
        try:
            full = await self._counters.reserve(call.id, verdict.charges)
        except CountersUnavailable as error:
            return Denial(_unavailable(error))
        except asyncio.CancelledError:
            await self._counters.rollback(call.id)  # it may have been taken in the very turn that cancelled this
            raise
        if full is not None:
            return _exhausted(full, call)
        call.charges = verdict.charges
        return None

    async def give_back(self, call: Call) -> None:
        """Undo the reservation of a call that is not sent."""
        if call.charges:
            await self._counters.rollback(call.id)
            call.charges = ()

    async def record(self, call: Call, verdict: Verdict, started: int) -> Denial | None:
        """The decision entry, before anything is forwarded; without it the reservation is given back."""
        try:
            await self._journal.record(self._entry(call, verdict, None, started))
        except JournalFailed as error:
            await self.give_back(call)
            return Denial(Verdict("deny", "(store)", f"The journal cannot be written: {error.cause}."))
        except BaseException:
            await self.give_back(call)
            raise
        if self._captures is not None and call.access.server.row.capture is not None:
            self._captures.take(call)
        return None

    async def deny(self, call: Call, denial: Denial, started: int) -> Denial:
        """Record a denial, unless the grant has had so many that they are summed up; returns it."""
        access = call.access
        if self._denials.admit(access.grant_id, denial.verdict.rule, self.clock(), access.label, access.server_id):
            try:
                await self._journal.record(self._entry(call, denial.verdict, denial.limit, started))
            except JournalFailed:
                return denial  # denied all the same; the journal itself says aloud that it cannot be written
            if self._captures is not None and call.access.server.row.capture is not None:
                self._captures.take(call)
        return denial

    async def complete(self, call: Call, ending: Ending, took: int) -> None:
        """Settle the reservation and complete the record; `took` is the upstream's time in microseconds."""
        settled = await self._settle(call, ending) if call.charges else False
        self._journal.append(
            Outcome(
                time=self.clock(),
                decision_id=call.id,
                result=ending.result,
                status=ending.status,
                code=ending.code,
                settled=dict(ending.actual) if settled and ending.actual else {},
                rolled_back=settled and ending.not_run,
                upstream_took=took,
                removed=ending.removed,
                redacted=ending.redacted or {},
                withheld=ending.withheld,
            )
        )

    def waited(self, call: Call, result: Result) -> None:
        """How a call ended its waiting; completes the decision that it waits."""
        self._journal.append(Outcome(time=self.clock(), decision_id=call.id, result=result))

    async def _settle(self, call: Call, ending: Ending) -> bool:
        """End the reservation; False where the counters cannot be reached, and it stands as it was reserved."""
        try:
            if ending.not_run:
                await self._counters.rollback(call.id)
            elif ending.actual:
                await self._counters.settle(call.id, ending.actual)
            else:
                await self._counters.commit(call.id)
        except CountersUnavailable:
            return False
        return True

    def _entry(self, call: Call, verdict: Verdict, limit: Exhausted | None, started: int) -> Decision:
        """The entry; its time is taken after the reservation, so that a replayed charge never counts too early."""
        message, access = call.message, call.access
        return Decision(
            time=self.clock(),
            decision_id=call.id,
            outcome=verdict.outcome,
            request_id=message.id,
            organisation=access.organisation_id,
            server_id=access.server_id,
            grant_id=access.grant_id,
            grant_label=access.label,
            principal=access.principal,
            session=call.subject.session_id,
            protocol=call.revision,
            method=message.method,
            tool=call.tool,
            policy_id=access.policy_id,
            revision=access.revision,
            fingerprint=call.fingerprint,
            category=call.category,
            risk=call.risk,
            rule=verdict.rule,
            message=verdict.message,
            argument_names=_names(call.arguments),
            arguments_digest=call.arguments_digest,
            charges=call.charges,
            approval_id=call.approval_id,
            decided_by=call.decided_by,
            limit=None if limit is None else _facts(limit),
            decided_in=(time.perf_counter_ns() - started) // 1000,
            clipped=len(call.arguments) > _NAMES,
        )


def _unavailable(error: CountersUnavailable) -> Verdict:
    return Verdict("deny", "(store)", f"The counters cannot be reached: {error.cause}.")


def _names(arguments: Mapping[str, object]) -> tuple[str, ...]:
    """The sorted names, of a call with very many only the first as sent: sorting them all would hold others up."""
    return tuple(sorted(arguments if len(arguments) <= _NAMES else islice(arguments, _NAMES)))


def _asked_again(verdict: Verdict) -> list[Charge]:
    """What else was used since the first try may forbid the next one, but not the mark that the first one left."""
    return [charge for charge in verdict.charges if isinstance(charge.window, Mark) and not charge.amount]


def _exhausted(full: Exhausted, call: Call) -> Denial:
    if not isinstance(full.charge.window, Mark):
        return Denial(Verdict("deny", full.charge.rule, limit_message(full)), full, hint=limit_hint(full))
    flow = call.access.policy.flow(full.charge.rule) if call.access.policy else None
    if flow is None:
        return Denial(Verdict("deny", full.charge.rule, _CHANGED), full)
    ends = flow.ends(call.subject)
    told = full if ends else replace(full, resets_at=None)
    message = flow_denial(flow, call.tool, ends)
    return Denial(Verdict("deny", full.charge.rule, message), told, hint=flow_hint(told))


def _facts(full: Exhausted) -> LimitFacts:
    return LimitFacts(full.charge.counter, full.used, full.charge.maximum, full.resets_at)
