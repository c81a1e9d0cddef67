"""Who asks."""

from __future__ import annotations

from toolgate.control.api.operation import Asker, needs, resource
from toolgate.control.api.shapes.identity import Identity
from toolgate.store import roles

router = resource("Identity")


@router.get("/whoami", response_model=Identity, **needs("viewer"))
def show_myself(actor: Asker) -> dict[str, object]:
    """Tell who the credential belongs to, and what they may do."""
    return {
        "name": actor.name,
        "organisation": actor.organisation,
        "role": actor.role,
        "approver": roles.described(actor.approves),
        "email": actor.email or None,
    }
