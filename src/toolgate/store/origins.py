"""Which configuration made a server, policy or grant, so that it alone may take it away again."""

from __future__ import annotations

from typing import Literal

from toolgate.store.database import Writing
from toolgate.store.tables import grants, policies, servers

_TABLES = {"server": servers, "policy": policies, "grant": grants}


def take_over(
    change: Writing, kind: Literal["server", "policy", "grant"], row_id: str, before: str, origin: str
) -> None:
    """Inside a transaction: what one configuration made belongs to another from now on."""
    table = _TABLES[kind]
    mine = (table.c.id == row_id, table.c.organisation_id == change.organisation)
    change.connection.execute(table.update().where(*mine).values(origin=origin))
    change.note("take over", kind, row_id, before={"origin": before}, after={"origin": origin})
