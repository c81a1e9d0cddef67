"""Organisations: each has its own servers, policies, grants and members, and sees nothing of another's."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlalchemy.exc import IntegrityError

from toolgate.store import names
from toolgate.store.database import reading, writing
from toolgate.store.errors import Conflict, NotStored
from toolgate.store.tables import members
from toolgate.store.tables import organisations as table


@dataclass(slots=True, frozen=True)
class Organisation:
    """An organisation and how many members it has."""

    id: str
    name: str
    created: float
    members: int


def add(engine: Engine, actor: str, name: str) -> Organisation:
    """Make an organisation without members: its first admin is invited with `members.invite`. BadInput, Conflict.

    Whose word this takes is for the caller to judge: only admins of the default organisation, the operator's.
    """
    names.check_name("name", name)
    made = str(uuid.uuid4())
    try:
        with writing(engine, actor) as change:
            values = {"id": made, "name": name, "created": change.now}
            change.connection.execute(table.insert().values(values))
            change.event("add", "organisation", made, after={"name": name})
    except IntegrityError:
        raise Conflict("name", f"there is an organisation `{name}` already", "choose another name") from None
    return get(engine, made)


def get(engine: Engine, reference: str) -> Organisation:
    """The organisation with this id or name. Raises NotStored."""
    for organisation in every(engine):
        if reference in (organisation.id, organisation.name):
            return organisation
    cause = f"there is no organisation `{names.shown(reference)}`"
    raise NotStored("organisation", cause, "`toolgate organisation list` shows all")


def every(engine: Engine) -> list[Organisation]:
    """All organisations, the oldest first."""
    count = sa.select(sa.func.count()).where(members.c.organisation_id == table.c.id).scalar_subquery()
    with reading(engine) as connection:
        rows = connection.execute(sa.select(table, count.label("members")).order_by(table.c.created, table.c.id))
        return [Organisation(row.id, row.name, row.created, row.members) for row in rows]
