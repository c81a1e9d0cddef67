"""The switch that stops a grant or a server and lets it go on; nothing else of it changes meanwhile.

While it is stopped the gateways deny each call, and whoever holds its token learns why. Token, policy, sessions and
definitions stay as they are, so that it goes on where it was.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from toolgate.store import grants, names, servers, tables
from toolgate.store.approvals import ApprovalStore
from toolgate.store.database import Writing, writing
from toolgate.store.tables import DEFAULT_ORGANISATION

PATIENCE: Final = 5.0
"""Seconds to wait for another process that writes the approvals."""
_RUNS: Final = {"stopped": None, "stopped_by": "", "stop_reason": ""}


def stop_grant(
    engine: Engine,
    data: Path,
    actor: str,
    reference: str,
    reason: str = "",
    *,
    organisation: str = DEFAULT_ORGANISATION,
) -> grants.Grant:
    """Stop a grant, or say another reason for one that is. What waits for a person in `data`, and permits, are void.

    Wake the gateways then. Raises NotStored, Conflict for one that is revoked, BadInput.
    """
    with writing(engine, actor, organisation) as change:
        grant_id = grants.living(change, reference).id
        _stop(change, tables.grants, "grant", grant_id, reason)
        # Before the stop itself is stored: broken off here, what was asked is void and the grant runs.
        with _approvals(data) as approvals:
            approvals.void_those_of(grant_id=grant_id, why="The grant was stopped.")
    return grants.get(engine, grant_id, change.now, organisation=organisation)


def resume_grant(
    engine: Engine, actor: str, reference: str, *, organisation: str = DEFAULT_ORGANISATION
) -> grants.Grant:
    """Let a stopped grant go on; one that runs stays as it is. Raises NotStored, Conflict for one that is revoked."""
    with writing(engine, actor, organisation) as change:
        grant = grants.living(change, reference)
        if grant.stopped is not None:
            _resume(change, tables.grants, "grant", grant.id, grant.stopped.reason)
    return grants.get(engine, grant.id, change.now, organisation=organisation)


def stop_server(
    engine: Engine,
    data: Path,
    actor: str,
    reference: str,
    reason: str = "",
    *,
    organisation: str = DEFAULT_ORGANISATION,
) -> servers.Server:
    """Stop a server for all its grants, as `stop_grant` does. Raises NotStored, BadInput."""
    with writing(engine, actor, organisation) as change:
        server_id = servers.find(change.connection, reference, organisation=organisation).id
        _stop(change, tables.servers, "server", server_id, reason)
        with _approvals(data) as approvals:
            approvals.void_those_of(server_id=server_id, why="The server was stopped.")
    return servers.get(engine, server_id, organisation=organisation)


def resume_server(
    engine: Engine, actor: str, reference: str, *, organisation: str = DEFAULT_ORGANISATION
) -> servers.Server:
    """Let a stopped server go on; one that runs stays as it is. Raises NotStored."""
    with writing(engine, actor, organisation) as change:
        server = servers.living(change, reference)
        if server.stopped is not None:
            _resume(change, tables.servers, "server", server.id, server.stopped.reason)
    return servers.get(engine, server.id, organisation=organisation)


def _approvals(data: Path) -> closing[ApprovalStore]:
    return closing(ApprovalStore(data, patience=PATIENCE))


def _stop(change: Writing, table: sa.Table, kind: str, id_: str, reason: str) -> None:
    if reason:
        names.check_text("--reason", reason)
    values = {"stopped": change.now, "stopped_by": change.actor, "stop_reason": reason}
    change.connection.execute(table.update().where(table.c.id == id_).values(values))
    change.note("stop", kind, id_, after={"reason": reason})


def _resume(change: Writing, table: sa.Table, kind: str, id_: str, reason: str) -> None:
    change.connection.execute(table.update().where(table.c.id == id_).values(_RUNS))
    change.note("resume", kind, id_, before={"reason": reason})
