"""Which records somebody may see."""

from __future__ import annotations

from toolgate.control.identity.actor import Actor


def seen_by(actor: Actor) -> tuple[str, ...]:
    """The organisations whose records this one may see, for `Filter.organisations`: its own.

    What belongs to none (requests without a grant, gaps in the journal) is for the operator's admins.
    """
    return (actor.organisation, "") if actor.operates else (actor.organisation,)
