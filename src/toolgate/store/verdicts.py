"""What a person says to a call that waits: the decision and its administrators' event, together."""

from __future__ import annotations

from typing import Literal

from sqlalchemy.engine import Engine

from toolgate.store.approvals import LOCAL, Approval, ApprovalStore
from toolgate.store.database import writing
from toolgate.store.tables import DEFAULT_ORGANISATION

Verdict = Literal["approved", "denied"]


def settle(
    engine: Engine, approvals: ApprovalStore, approval: Approval, verdict: Verdict, by: str, reason: str
) -> Approval:
    """Decide, and write down who did. Raises NotPending, StoreError. Whether they may is for the caller to judge.

    The event is written before the decision counts, and undone where that does not: a database that cannot be written
    decides nothing, and nothing that was not decided is told.
    """
    house = DEFAULT_ORGANISATION if approval.organisation == LOCAL else approval.organisation
    with writing(engine, by, house) as change:
        before, after = {"state": "pending"}, {"state": verdict, "reason": reason}
        change.event(f"approval.{verdict}", "approval", approval.id, before, after)
        return approvals.decide(approval.id, verdict, by, reason)
