"""How far an organisation has come with its first steps: what quick starts show."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from toolgate.store.database import reading
from toolgate.store.tables import DEFAULT_ORGANISATION, grants, policies, servers, tallies


@dataclass(slots=True, frozen=True)
class FirstSteps:
    """What there is at least one of: a living server, policy and grant, and a recorded decision."""

    server: bool
    policy: bool
    grant: bool
    call: bool

    @property
    def complete(self) -> bool:
        """Whether there is nothing left to teach."""
        return self.server and self.policy and self.grant and self.call


def first_steps(engine: Engine, *, organisation: str = DEFAULT_ORGANISATION) -> FirstSteps:
    """Read in one query, which ends at the first row of each kind."""
    living = {
        "server": sa.select(1).where(servers.c.organisation_id == organisation, servers.c.removed.is_(None)),
        "policy": sa.select(1).where(policies.c.organisation_id == organisation, policies.c.removed.is_(None)),
        "grant": sa.select(1).where(grants.c.organisation_id == organisation, grants.c.revoked.is_(None)),
        "call": sa.select(1).where(tallies.c.organisation_id == organisation),
    }
    query = sa.select(*(sa.exists(which).label(name) for name, which in living.items()))
    with reading(engine) as connection:
        row = connection.execute(query).one()
    return FirstSteps(row.server, row.policy, row.grant, row.call)
