"""START HERE. One message from arrival to record: judge, reserve, journal, (forward), settle, record.

Nothing is forwarded unless `admit` returned None, and it returns None only after the decision is in the journal. What
goes wrong on the way is a denial with a record.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Generator, Mapping
from dataclasses import dataclass
from itertools import islice

from toolgate.audit.journal import Journal, JournalFailed
from toolgate.audit.records import Decision, LimitFacts, Outcome, Result
from toolgate.audit.summary import Denials
from toolgate.gateway.access import Access
from toolgate.gateway.answers import limit_message
from toolgate.gateway.digests import Digests, lasting_params
from toolgate.limits.counters import Counters, CountersUnavailable, Exhausted
from toolgate.policy.decision import Charge, Subject, Verdict
from toolgate.protocol.messages import Message

_APPROVAL_LATER = "A person has to approve this call, and this version cannot ask one yet."
_NAMES = 1_000
Tell = Callable[[bytes], Awaitable[None]]
"""Sends the client one whole JSON-RPC notification while its call is held for a person."""
UNKNOWN = "(unknown)"
"""The rule word for a tool that the server does not have; the client reads the same text as for a hidden one."""


@dataclass(slots=True)
class Call:
    """One message of a client on its way to the upstream."""

    id: str
    access: Access
    subject: Subject
    message: Message
    tool: str
    """The tool of a `tools/call`, "" for every other message."""
    arguments: dict[str, object]
    revision: str
    modern: bool
    round: int = 0
    """How many tries of an unfinished request went before; from the first on everything is paid for."""
    fingerprint: str = ""
    charges: tuple[Charge, ...] = ()
    arguments_digest: str = ""


@dataclass(slots=True, frozen=True)
class Denial:
    """Why a message goes no further; `limit` is set when a quota refused it."""

    verdict: Verdict
    limit: Exhausted | None = None


@dataclass(slots=True)
class Ending:
    """How a forwarded message ended. `not_run` only where the upstream certainly did not run the tool."""

    result: Result = "lost"
    status: int | None = None
    code: int | None = None
    not_run: bool = False
    actual: Mapping[str, int] | None = None
    """The settled amount of each counter key, in nano units."""
    answered: bool = False
    agreed_revision: str = ""
    list_changed: bool = False
    """What the answer to `initialize` agreed: the revision, and that the server tells when its tools change."""


class Enforcement:
    """Judges messages, keeps the quotas exact and writes the record. One per process."""

    def __init__(
        self,
        counters: Counters,
        journal: Journal,
        digests: Digests,
        denials: Denials,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._counters = counters
        self._journal = journal
        self._digests = digests
        self._denials = denials
        self._clock = clock

    @property
    def fault(self) -> str:
        """Why every call is denied now; "" when calls are judged."""
        return "" if self._journal.healthy else "the journal cannot be written"

    async def admit(self, call: Call, tell: Tell | None = None) -> Denial | None:  # noqa: ARG002 - not yet
        """Steps 6 and 7 of gateway.md; None means: recorded, paid for, forward it.

        Takes up to the waiting time where a person is asked; `tell` is used only meanwhile, and only for a request with
        a progress token. `call.id` may be another one afterwards: a call released by a person is a decision of its own.
        """
        started = time.perf_counter_ns()
        verdict = judge(call, self._clock())
        if verdict.outcome == "deny":
            return await self._deny(call, Denial(verdict), started)
        if verdict.outcome == "wait":
            return await self._wait(call, verdict, started)
        if verdict.charges and not call.round:
            denial = await self._reserve(call, verdict)
            if denial is not None:
                return await self._deny(call, denial, started)
        return await self._record(call, verdict, started)

    async def admit_stream(self, call: Call) -> Denial | None:
        """Record a GET stream or the end of a session, which no rule of a policy speaks of."""
        return await self._record(call, Verdict("allow", ""), time.perf_counter_ns())

    def call_of(
        self, access: Access, subject: Subject, message: Message, *, revision: str = "", modern: bool = False
    ) -> Call:
        """A message with its decision id and the keyed digest of what it asks."""
        if message.method == "tools/call":
            tool, arguments = message.name, message.arguments
            digest = self._digests.arguments(arguments)
        else:
            tool, arguments = "", {}
            digest = self._digests.arguments(lasting_params(message))
        id_ = self._journal.new_id()
        return Call(id_, access, subject, message, tool, arguments, revision, modern, arguments_digest=digest)

    def digest_slowly(self, arguments: dict[str, object]) -> Generator[None, None, str]:
        """The keyed digest of so many arguments that `call_of` leaves it out."""
        return self._digests.slowly(arguments)

    async def complete(self, call: Call, ending: Ending, took: int) -> None:
        """Settle the reservation and complete the record; `took` is the upstream's time in microseconds."""
        settled = await self._settle(call, ending) if call.charges else False
        self._journal.append(
            Outcome(
                time=self._clock(),
                decision_id=call.id,
                result=ending.result,
                status=ending.status,
                code=ending.code,
                settled=dict(ending.actual) if settled and ending.actual else {},
                rolled_back=settled and ending.not_run,
                upstream_took=took,
            )
        )

    async def refuse(self, call: Call, verdict: Verdict) -> Denial:
        """Record a denial that was not found by judging: a fault on the way, or an answer that may not pass."""
        return await self._deny(call, Denial(verdict), time.perf_counter_ns())

    async def _reserve(self, call: Call, verdict: Verdict) -> Denial | None:
        try:
            full = await self._counters.reserve(call.id, verdict.charges)
        except CountersUnavailable as error:
            return Denial(_unavailable(error))
        except asyncio.CancelledError:
            await self._counters.rollback(call.id)  # it may have been taken in the very turn that cancelled this
            raise
        if full is not None:
            return _exhausted(full)
        call.charges = verdict.charges
        return None

    async def _wait(self, call: Call, verdict: Verdict, started: int) -> Denial:
        """An exhausted call bothers nobody; everything else is denied until people can be asked."""
        try:
            full = await self._counters.peek(verdict.charges) if verdict.charges else None
        except CountersUnavailable as error:
            return await self._deny(call, Denial(_unavailable(error)), started)
        if full is not None:
            return await self._deny(call, _exhausted(full), started)
        message = f"{verdict.message} {_APPROVAL_LATER}".lstrip()
        return await self._deny(call, Denial(Verdict("deny", verdict.rule, message)), started)

    async def _record(self, call: Call, verdict: Verdict, started: int) -> Denial | None:
        """The decision entry, before anything is forwarded; without it the reservation is given back."""
        try:
            await self._journal.record(self._entry(call, verdict, None, started))
        except JournalFailed as error:
            await self._give_back(call)
            return Denial(Verdict("deny", "(store)", f"The journal cannot be written: {error.cause}."))
        except BaseException:
            await self._give_back(call)
            raise
        return None

    async def _deny(self, call: Call, denial: Denial, started: int) -> Denial:
        access = call.access
        if self._denials.admit(access.grant_id, denial.verdict.rule, self._clock(), access.label, access.server_id):
            try:
                await self._journal.record(self._entry(call, denial.verdict, denial.limit, started))
            except JournalFailed:
                return denial  # denied all the same; the journal itself says aloud that it cannot be written
        return denial

    async def _give_back(self, call: Call) -> None:
        if call.charges:
            await self._counters.rollback(call.id)
            call.charges = ()

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
            time=self._clock(),
            decision_id=call.id,
            outcome="allow" if verdict.outcome == "allow" else "deny",
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
            rule=verdict.rule,
            message=verdict.message,
            argument_names=_names(call.arguments),
            arguments_digest=call.arguments_digest,
            charges=call.charges,
            limit=None if limit is None else _facts(limit),
            decided_in=(time.perf_counter_ns() - started) // 1000,
            clipped=len(call.arguments) > _NAMES,
        )


def judge(call: Call, now: float) -> Verdict:
    """Steps 1 to 6 of policy.md section 4: pure, from memory."""
    access, message = call.access, call.message
    if access.policy is None:
        return Verdict("deny", "(no policy)", "This grant has no policy.", visible=True)
    if message.method != "tools/call":
        return access.policy.judge_method(message.method, message.params, call.subject, now)
    tools = access.tools
    definition = tools.get(call.tool)
    if definition is not None:
        call.fingerprint = definition.fingerprint
    verdict = access.policy.judge(call.tool, call.arguments, call.subject, now, definition)
    if verdict.outcome == "deny" and not verdict.visible:
        return verdict
    if tools.complete and definition is None:
        return Verdict("deny", UNKNOWN, "The server has no such tool.", visible=False)
    if tools.pinned(call.tool):
        return Verdict("deny", "(pinned)", "The definition of this tool changed and nobody has accepted it yet.")
    return verdict


def _unavailable(error: CountersUnavailable) -> Verdict:
    return Verdict("deny", "(store)", f"The counters cannot be reached: {error.cause}.")


def _names(arguments: Mapping[str, object]) -> tuple[str, ...]:
    """The sorted names, of a call with very many only the first as sent: sorting them all would hold others up."""
    return tuple(sorted(arguments if len(arguments) <= _NAMES else islice(arguments, _NAMES)))


def _exhausted(full: Exhausted) -> Denial:
    return Denial(Verdict("deny", full.charge.rule, limit_message(full)), full)


def _facts(full: Exhausted) -> LimitFacts:
    return LimitFacts(full.charge.counter, full.used, full.charge.maximum, full.resets_at)
