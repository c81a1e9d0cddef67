"""Calls that went before the one of a case: what they took, as far as it counts at one moment.

All calls of a case happen at the same time, so no window ends between them: each counter is one sum, each mark a set.
"""

from __future__ import annotations

import json
from hashlib import sha256

from toolgate.policy.compiler import Policy
from toolgate.policy.decision import Charge, Mark, Subject, Verdict
from toolgate.policy.marks import Marks
from toolgate.policy.words import decimal, flow_denial


class Earlier:
    """What was taken in one case; `policy` is the one that its calls are judged by."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._used: dict[str, int] = {}
        self._marks = Marks()

    def take(self, verdict: Verdict, tool: str, subject: Subject) -> Verdict:
        """The verdict once counters were asked: its charges are taken, all or none. A person always consents."""
        full = next((charge for charge in verdict.charges if self._refuses(charge)), None)
        if full is not None:
            return Verdict("deny", full.rule, self._message(full, tool, subject))
        for charge in verdict.charges:
            if isinstance(charge.window, Mark):
                self._marks.set(charge)
            else:
                self._used[charge.key] = self._used.get(charge.key, 0) + charge.amount
        return verdict

    def _refuses(self, charge: Charge) -> bool:
        if isinstance(charge.window, Mark):
            return self._marks.refuse(charge)
        return self._used.get(charge.key, 0) + charge.amount > charge.maximum

    def _message(self, full: Charge, tool: str, subject: Subject) -> str:
        flow = self._policy.flow(full.rule)
        if flow is not None:
            return flow_denial(flow, tool, flow.ends(subject))
        used = decimal(self._used.get(full.key, 0))
        return f"limit `{full.counter}` is used up: {used} of {decimal(full.maximum)}"


def digest_of(arguments: dict[str, object]) -> str:
    """What stands for arguments where identical calls are counted in a case; "" for none, as in the gateway."""
    if not arguments:
        return ""
    return sha256(json.dumps(arguments, sort_keys=True, default=repr).encode()).hexdigest()[:32]
