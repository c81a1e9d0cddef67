"""Step 8 of policy.md section 4: asking a person, waiting for the answer, giving out permits.

What is judged and recorded around it stands in `enforcement.py`; what becomes of an approval, in `store/approvals.py`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import msgspec

from toolgate.background import in_turns
from toolgate.gateway.access import Access
from toolgate.gateway.call import Call, Tell
from toolgate.gateway.digests import Digests, lasting_params, text_of
from toolgate.gateway.waiting import Waiting
from toolgate.keys import Sealer
from toolgate.policy.decision import Verdict
from toolgate.store.approvals import Approval, ApprovalStore, Wanted

PER_GRANT: Final = 20
"""Calls of one grant that may wait at once."""
_TELL_EVERY: Final = 3.0
_VOLATILE: Final = frozenset({"progressToken", "traceparent", "tracestate", "baggage"})
_VOLATILE_PREFIX: Final = "io.modelcontextprotocol/"
"""What differs between repeats of one call by its nature: neither shown nor compared."""


def _stands(_access: Access) -> str:
    return ""


class Approvals:
    """Calls that need a person. One per process.

    `wait` is how long a client's call is held, in seconds. `standing` says why a grant no longer holds, "" while it
    does: it is asked again when a held call is released. Methods raise StoreError when the file cannot be used.
    """

    def __init__(
        self,
        store: ApprovalStore,
        sealer: Sealer,
        digests: Digests,
        *,
        wait: float = 45.0,
        standing: Callable[[Access], str] = _stands,
    ) -> None:
        self._store = store
        self._sealer = sealer
        self._digests = digests
        self._wait = wait
        self.standing = standing
        self._waiting = Waiting(store, lambda call: not standing(call.access))

    async def ask(self, call: Call, verdict: Verdict) -> Approval:
        """The approval that an identical call has, or a new pending one; raises TooMany.

        One that was asked for under another policy or rule no longer holds: it is voided, and a new one opened.
        """
        text, wanted = await self._wanted(call, verdict)
        known = self._store.live(wanted) or await self._asked_under_another_key(call, wanted)
        if known is not None and (known.policy_id, known.rule) == terms_of(call, verdict):
            return known
        if known is not None:
            self._store.void(known.id)
        lifetime = float(verdict.approval_timeout)
        return self._store.ask(wanted, lifetime, lambda id_: self._sealer.seal(text, id_.encode()), PER_GRANT)

    async def wait(self, call: Call, approval: Approval, tell: Tell | None) -> Approval | None:
        """The approval as soon as it is no longer pending, or the grant no longer holds, or as the waiting time leaves
        it; None when the client took the call back.
        """
        loop = asyncio.get_running_loop()
        ends = loop.time() + self._wait
        with self._waiting.joined(call, approval.id) as waiter:
            while not waiter.woken.done() and (left := ends - loop.time()) > 0:
                if tell is not None and "progressToken" in call.message.meta:
                    await tell(_progress(call, approval, left))
                await asyncio.wait((waiter.woken,), timeout=min(left, _TELL_EVERY))
            if waiter.woken.done():
                waiter.woken.result()
        return None if waiter.taken_back else self._store.get(approval.id)

    def use(self, approval: Approval, decision: str) -> Approval:
        """Use the permit for this decision, durably; the row says whether it was this one that got it."""
        self._store.use(approval.id, decision)
        return self._store.get(approval.id)

    def void(self, approval: Approval) -> None:
        """End an approval whose rules changed."""
        self._store.void(approval.id)

    def cancelled(self, call: Call) -> None:
        """A `notifications/cancelled`: the held request that it names is not sent, whatever a person says later.

        Only in the handshake era: later revisions cancel by closing the stream.
        """
        if not call.modern:
            self._waiting.take_back(call)

    def end_waiting(self) -> None:
        """Answer every held call now, because the process ends; their approvals stay as they are."""
        self._waiting.wake_all()

    def close(self) -> None:
        """Close the file."""
        self._store.close()

    async def _asked_under_another_key(self, call: Call, wanted: Wanted) -> Approval | None:
        """The approval of an identical call from before a rotation of the master key, or from amidst it."""
        for key in self._digests.others:
            own, rest = _parts(call)
            alike = replace(wanted, arguments=await self._digest(own, key), rest=await self._digest(rest, key))
            known = self._store.live(alike)
            if known is not None:
                return known
        return None

    async def _wanted(self, call: Call, verdict: Verdict) -> tuple[bytes, Wanted]:
        """The call as a person is shown it, and what identifies it: everything of it that reaches the server."""
        message, access = call.message, call.access
        own, rest = _parts(call)
        if not call.arguments_digest:
            call.arguments_digest = await self._digest(own)
        params = {"name": call.tool, "arguments": own, **rest} if call.tool else {**own, **rest}
        wanted = Wanted(
            organisation=access.organisation_id,
            grant_id=access.grant_id,
            grant_label=access.label,
            principal=access.principal,
            server_id=access.server_id,
            server_name=access.server.row.name,
            method=message.method,
            tool=call.tool,
            arguments=call.arguments_digest,
            rest=await self._digest(rest),
            fingerprint=call.fingerprint,
            policy_id=access.policy_id,
            revision=access.revision,
            rule=verdict.rule,
            reason=verdict.message,
        )
        return text_of({"method": message.method, "params": params}), wanted

    async def _digest(self, values: dict[str, object], key: bytes | None = None) -> str:
        """As `Digests.arguments`, also of very many values; "" only for none."""
        digests = self._digests
        return digests.arguments(values, key) or (await in_turns(digests.slowly(values, key)) if values else "")


def terms_of(call: Call, verdict: Verdict) -> tuple[str, str]:
    """What may not change under an approval: the policy, and the rule that asks for it."""
    return (call.access.policy_id if verdict.outcome == "wait" else "", verdict.rule)


def _parts(call: Call) -> tuple[dict[str, object], dict[str, object]]:
    """The arguments, and the parameters besides them without what differs in every repeat."""
    own = call.arguments if call.tool else lasting_params(call.message)
    known = {"name", "arguments"} if call.tool else own.keys()
    rest = {key: value for key, value in call.message.params.items() if key not in known and key != "_meta"}
    meta = {key: value for key, value in call.message.meta.items() if not _is_volatile(key)}
    return own, {**rest, "_meta": meta} if meta else rest


def _is_volatile(key: str) -> bool:
    return key in _VOLATILE or key.startswith(_VOLATILE_PREFIX)


def _progress(call: Call, approval: Approval, left: float) -> bytes:
    """A notice for the client. `progress` counts the seconds up to 0, so that the server's own can only be higher."""
    rest = max(0, round(approval.expires - time.time()))
    text = f"Waiting for a person to approve this call: {approval.id}, {rest // 60} min {rest % 60} s left."
    params = {"progressToken": call.message.meta["progressToken"], "progress": -round(left, 3), "message": text}
    return msgspec.json.encode({"jsonrpc": "2.0", "method": "notifications/progress", "params": params})
