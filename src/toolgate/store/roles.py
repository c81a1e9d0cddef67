"""What a person or an API token may do: a ladder of three roles, and the servers whose calls they may approve."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final, Literal, TypeAlias, get_args

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from toolgate.store.errors import BadInput
from toolgate.store.names import shown
from toolgate.store.tables import servers

Role: TypeAlias = Literal["viewer", "policy_manager", "admin"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)

Approves: TypeAlias = frozenset[str] | None
"""Ids of the servers whose waiting calls somebody may decide on; None for every server, also those to come."""

NONE: Final[frozenset[str]] = frozenset()
_EVERY: Final = "*"


def check_role(place: str, role: str) -> Role:
    """The role of this name. Raises BadInput."""
    for known in ROLES:
        if known == role:
            return known
    raise BadInput(place, f"`{shown(role)}` is not a role", f"choose one of {', '.join(ROLES)}")


def reaches(role: Role, needed: Role) -> bool:
    """Whether somebody with `role` may do what needs `needed`."""
    return ROLES.index(role) >= ROLES.index(needed)


def written(approves: Approves) -> str:
    """The column `approver`."""
    if approves is None:
        return _EVERY
    return json.dumps(sorted(approves)) if approves else ""


def read(column: str) -> Approves:
    """What the column `approver` says."""
    if column == _EVERY:
        return None
    return frozenset(json.loads(column)) if column else NONE


def described(approves: Approves) -> str | list[str]:
    """For people and programs: `*` or a sorted list of ids."""
    return _EVERY if approves is None else sorted(approves)


def chosen(connection: Connection, place: str, servers_named: Iterable[str], organisation: str) -> Approves:
    """The servers named by id or name, or `*` alone for every one. Raises BadInput for one that is not there."""
    named = set(servers_named)
    if _EVERY in named:
        return None
    rows = connection.execute(
        sa.select(servers.c.id, servers.c.name).where(
            servers.c.organisation_id == organisation,
            servers.c.removed.is_(None),
            sa.or_(servers.c.id.in_(named), servers.c.name.in_(named)),
        )
    ).all()
    if missing := named - {row.id for row in rows} - {row.name for row in rows}:
        raise BadInput(place, f"there is no server `{shown(min(missing))}`", "`toolgate server list` shows all")
    return frozenset(row.id for row in rows)
