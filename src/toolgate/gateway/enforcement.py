"""START HERE. One message from arrival to record: judge, (ask a person), reserve, journal, (forward), settle, record.

Nothing is forwarded unless `admit` returned None, and it returns None only after the decision is in the journal. What
goes wrong on the way is a denial with a record.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Generator
from typing import Final

from toolgate.audit.journal import Journal
from toolgate.audit.records import Result
from toolgate.audit.summary import Denials
from toolgate.background import in_turns
from toolgate.gateway.access import Access
from toolgate.gateway.approvals import Approvals, terms_of
from toolgate.gateway.books import Books
from toolgate.gateway.call import Call, Denial, Ending, Tell
from toolgate.gateway.captures import Captures
from toolgate.gateway.digests import MANY, Digests, lasting_params
from toolgate.gateway.stopped import stop_verdict
from toolgate.limits.counters import Counters
from toolgate.policy.decision import Subject, Verdict
from toolgate.protocol.messages import Message
from toolgate.store.approvals import Approval, TooMany
from toolgate.store.errors import StoreError

UNKNOWN: Final = "(unknown)"
"""The rule word for a tool that the server does not have; the client reads the same text as for a hidden one."""
_AGAIN: Final = "Repeat the identical call to have it judged anew."
_LATER: Final = "Nothing was decided of the call itself; a repeat may find room."
_WAITED: Final[dict[str, Result]] = {"approved": "approved", "pending": "waiting"}
"""How the record of a call that waited ends; `refused` for every other state of its approval."""
_REFUSED: Final = {
    "denied": ("A person refused this call.", ""),
    "expired": ("Nobody approved this call in time.", "Repeat the call to ask again."),
    "used": ("An identical call used this approval first.", "Repeat the call to ask again."),
    "void": ("The rules for this call changed, so what was asked no longer holds.", _AGAIN),
}
"""What a client reads of an approval that gives no permit (any more), and what a repeat can do."""


class Enforcement:
    """Judges messages, asks people, keeps the quotas exact and writes the record. One per process."""

    def __init__(
        self,
        counters: Counters,
        journal: Journal,
        digests: Digests,
        denials: Denials,
        approvals: Approvals,
        clock: Callable[[], float] = time.time,
        captures: Captures | None = None,
    ) -> None:
        self._books = Books(counters, journal, denials, clock, captures)
        self.digests = digests
        self._approvals = approvals
        self._clock = clock

    @property
    def fault(self) -> str:
        """Why every call is denied now; "" when calls are judged."""
        return "" if self._books.healthy else "the journal cannot be written"

    async def admit(self, call: Call, tell: Tell | None = None) -> Denial | None:
        """Steps 6 and 7 of gateway.md; None means: recorded, paid for, forward it.

        Takes up to the waiting time where a person is asked; `tell` is used only meanwhile, and only for a request with
        a progress token. `call.id` may be another one afterwards: a call released by a person is a decision of its own.
        """
        started = time.perf_counter_ns()
        if call.message.method == "notifications/cancelled":
            self._approvals.cancelled(call)
        if not call.arguments_digest and len(call.arguments or call.message.params) > MANY:
            await self._digest(call)
        verdict = judge(call, self._clock())
        if verdict.outcome == "deny":
            return await self._books.deny(call, Denial(verdict), started)
        if verdict.outcome == "wait":
            if not (call.round and call.approval_id):
                return await self._hold(call, verdict, tell, started)
            verdict = _released(verdict)
        if verdict.charges:
            denial = await self._books.reserve(call, verdict)
            if denial is not None:
                return await self._books.deny(call, denial, started)
        return await self._books.record(call, verdict, started)

    async def admit_stream(self, call: Call) -> Denial | None:
        """Record a GET stream or the end of a session, which no rule of a policy speaks of."""
        stopped = stop_verdict(call.access)
        if stopped is not None:
            return await self.refuse(call, stopped)
        return await self._books.record(call, Verdict("allow", ""), time.perf_counter_ns())

    def call_of(
        self, access: Access, subject: Subject, message: Message, *, revision: str = "", modern: bool = False
    ) -> Call:
        """A message with its decision id and the keyed digest of what it asks."""
        if message.method == "tools/call":
            tool, arguments = message.name, message.arguments
            digest = self.digests.arguments(arguments)
        else:
            tool, arguments = "", {}
            digest = self.digests.arguments(lasting_params(message))
        id_ = self._books.new_id()
        return Call(id_, access, subject, message, tool, arguments, revision, modern, arguments_digest=digest)

    def digest_slowly(self, arguments: dict[str, object]) -> Generator[None, None, str]:
        """The keyed digest of so many arguments that `call_of` leaves it out."""
        return self.digests.slowly(arguments)

    async def complete(self, call: Call, ending: Ending, took: int) -> None:
        """Settle the reservation and complete the record; `took` is the upstream's time in microseconds."""
        await self._books.complete(call, ending, took)

    async def refuse(self, call: Call, verdict: Verdict) -> Denial:
        """Record a denial that was not found by judging: a fault on the way, or an answer that may not pass."""
        return await self._books.deny(call, Denial(verdict), time.perf_counter_ns())

    async def _digest(self, call: Call) -> None:
        """What `call_of` left out, so that very many parameters are told apart where identical calls are counted."""
        asked = call.arguments if call.message.method == "tools/call" else lasting_params(call.message)
        if asked:
            call.arguments_digest = await in_turns(self.digests.slowly(asked))

    async def _hold(self, call: Call, verdict: Verdict, tell: Tell | None, started: int) -> Denial | None:
        """Steps 7 to 10 of a call that needs a person; an exhausted one bothers nobody."""
        denial = _cannot_wait(call, verdict) or await self._books.peek(call, verdict)
        if denial is not None:
            return await self._books.deny(call, denial, started)
        try:
            approval = await self._approvals.ask(call, verdict)
            if approval.state == "pending":
                return await self._wait(call, verdict, approval, tell, started)
            return await self._act_on(call, verdict, approval, started)
        except TooMany as error:
            denial = Denial(Verdict("deny", verdict.rule, f"This call needs a person, and {error.cause}."), hint=_LATER)
        except StoreError as error:
            denial = Denial(Verdict("deny", "(store)", f"Nobody can be asked: {error.cause}."), hint=_LATER)
        return await self._books.deny(call, denial, started)

    async def _wait(
        self, call: Call, verdict: Verdict, approval: Approval, tell: Tell | None, started: int
    ) -> Denial | None:
        """That the call waits is a decision of its own; what comes of it, another one."""
        call.approval_id = approval.id
        denial = await self._books.record(call, verdict, started)
        if denial is not None:
            return denial
        try:
            waited = await self._approvals.wait(call, approval, tell)
        except asyncio.CancelledError:
            self._books.waited(call, "client_gone")
            raise
        except StoreError:
            self._books.waited(call, "error")
            call.id = self._books.new_id()
            raise
        if waited is None:
            self._books.waited(call, "client_gone")
            return Denial(Verdict("deny", verdict.rule, "The client took this call back while it waited."))
        stands = not self._approvals.standing(call.access)
        self._books.waited(call, _WAITED.get(waited.state, "refused") if stands else "refused")
        if waited.state == "pending" and stands:
            return Denial(verdict, approval=waited)
        call.id = self._books.new_id()
        return await self._act_on(call, self._judged_again(call, waited), waited, time.perf_counter_ns())

    def _judged_again(self, call: Call, approval: Approval) -> Verdict:
        """The verdict at release, by the policy and the definition in force now; a change voids the approval."""
        stopped = stop_verdict(call.access)
        if stopped is not None:
            self._approvals.void(approval)
            return stopped
        fault = self._approvals.standing(call.access)
        if fault:
            return Verdict("deny", approval.rule, fault)
        verdict = judge(call, self._clock())
        if verdict.outcome == "deny":
            reason = ""
        elif call.fingerprint != approval.fingerprint:
            reason = "The definition of this tool changed while the call waited."
        elif terms_of(call, verdict) != (approval.policy_id, approval.rule):
            reason = "The policy changed while the call waited."
        else:
            return verdict
        self._approvals.void(approval)
        return Verdict("deny", approval.rule, f"{reason} {_AGAIN}") if reason else verdict

    async def _act_on(self, call: Call, verdict: Verdict, approval: Approval, started: int) -> Denial | None:
        """Release the call if its approval is a permit and nothing stands against it now; else refuse it."""
        call.approval_id, call.decided_by = approval.id, approval.decided_by
        if verdict.outcome == "deny":
            return await self._books.deny(call, Denial(verdict), started)
        if approval.state != "approved":
            return await self._books.deny(call, _refusal(verdict, approval), started)
        if verdict.charges:
            denial = await self._books.reserve(call, verdict)
            if denial is not None:
                return await self._books.deny(call, denial, started)
        try:
            used = self._approvals.use(approval, call.id)
        except StoreError:
            await self._books.give_back(call)
            raise
        if used.state == "used" and used.used_by == call.id:
            return await self._books.record(call, _released(verdict), started)
        await self._books.give_back(call)
        return await self._books.deny(call, _refusal(verdict, used), started)


def judge(call: Call, now: float) -> Verdict:
    """Steps 1 to 6 of policy.md section 4: pure, from memory; what is stopped is denied before all of them."""
    access, message = call.access, call.message
    stopped = stop_verdict(access)
    if stopped is not None:
        return stopped
    if access.policy is None:
        return Verdict("deny", "(no policy)", "This grant has no policy.", visible=True)
    if message.method != "tools/call":
        return access.policy.judge_method(message.method, message.params, call.subject, now, call.arguments_digest)
    tools = access.tools
    definition = tools.get(call.tool)
    if definition is not None:
        call.fingerprint, call.category, call.risk = definition.fingerprint, definition.category, definition.risk
    verdict = access.policy.judge(call.tool, call.arguments, call.subject, now, definition, call.arguments_digest)
    if verdict.outcome == "deny" and not verdict.visible:
        return verdict
    if tools.complete and definition is None:
        return Verdict("deny", UNKNOWN, "The server has no such tool.", visible=False)
    if tools.pinned(call.tool):
        return Verdict("deny", "(pinned)", "The definition of this tool changed and nobody has accepted it yet.")
    return verdict


def _released(verdict: Verdict) -> Verdict:
    return Verdict("allow", verdict.rule, verdict.message, verdict.charges)


def _cannot_wait(call: Call, verdict: Verdict) -> Denial | None:
    """Only a request of the client can be held: the others have nobody who waits for an answer here."""
    if call.message.kind == "request" and not call.by_server:
        return None
    what = "A request of the server" if call.by_server else "A notification"
    message = f"{verdict.message} {what} cannot wait for a person, and this one would have to.".lstrip()
    return Denial(Verdict("deny", verdict.rule, message))


def _refusal(verdict: Verdict, approval: Approval) -> Denial:
    """What the client reads: the reason that the person gave, never who it was."""
    text, hint = _REFUSED[approval.state]
    reason = f" {approval.decision_reason}" if approval.state == "denied" else ""
    return Denial(Verdict("deny", verdict.rule, (text + reason).strip()), hint=hint)
