"""Who may see and decide on a call that waits, and the one way in which it is decided, whatever door that came by."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from toolgate.control.identity.actor import Actor
from toolgate.control.identity.refusals import NotAllowed
from toolgate.control.state import State
from toolgate.store.approvals import LOCAL, Approval, ApprovalStore
from toolgate.store.database import reading
from toolgate.store.errors import NotStored
from toolgate.store.names import check_text, shown
from toolgate.store.tables import DEFAULT_ORGANISATION, api_tokens, grants
from toolgate.store.verdicts import Verdict, settle

PATIENCE: Final = 10.0
"""Seconds to wait for a gateway that writes the approvals at the same moment."""
_PROGRAM: Final = "token:"


@contextmanager
def opened(state: State) -> Iterator[ApprovalStore]:
    """The approvals, for one request: a store is of one thread."""
    with closing(ApprovalStore(state.data, patience=PATIENCE)) as store:
        yield store


def houses(organisation: str) -> tuple[str, ...]:
    """Whose approvals an organisation sees: its own, and the operator's also those of `toolgate run`."""
    return (organisation, LOCAL) if organisation == DEFAULT_ORGANISATION else (organisation,)


def check_approver(actor: Actor) -> None:
    """Refuse who may decide on no call at all: they see none either. Raises NotAllowed."""
    if actor.approves is not None and not actor.approves:
        cause = "calls that wait are shown to approvers alone"
        raise NotAllowed("approval", cause, "an admin can make you one, for all servers or for some")


def visible(store: ApprovalStore, actor: Actor, id_: str) -> Approval:
    """The approval, for who may decide on it. Raises NotAllowed, and NotStored for all that is not theirs to see."""
    check_approver(actor)
    found = store.exact(id_, houses(actor.organisation))
    if not actor.may_approve(found.server_id):
        raise NotStored("approval", f"there is no approval `{shown(id_)}`", "the list of approvals shows them")
    return found


def decide(state: State, actor: Actor, id_: str, verdict: Verdict, reason: str = "") -> Approval:
    """Approve or refuse a call for this one who asks.

    Raises NotAllowed (no approver, or their own call), NotStored, BadInput (the reason), NotPending (somebody was
    first, or it is too late: its words say who), StoreError.
    """
    why = check_text("reason", reason) if reason else ""
    with opened(state) as store:
        approval = visible(store, actor, id_)
        if verdict == "approved" and is_own(state, actor, approval):
            cause = f"`{shown(approval.grant_label)}` is a grant of yours, and nobody approves their own calls"
            raise NotAllowed(
                "approval", cause, "somebody else has to, or the operator starts with --allow-self-approval"
            )
        return settle(state.engine, store, approval, verdict, actor.name, why)


def is_own(state: State, actor: Actor, approval: Approval) -> bool:
    """Whether this one would approve a call of their own: they hold the grant, or saw its token when it was made."""
    if state.settings.allow_self_approval:
        return False
    with reading(state.engine) as connection:
        people = {name.casefold() for name in _behind(connection, actor) if name}
        holders = {name.casefold() for name in _holders(connection, approval) if name}
    return not people.isdisjoint(holders)


def _behind(connection: Connection, actor: Actor) -> set[str]:
    """Whom an actor stands for: an API token also for the member who made it and so knows it.

    The operator at the command line is no member: a token from there is a program's, and they decide there anyway.
    """
    if not actor.name.startswith(_PROGRAM):
        return {actor.name, actor.email}
    own = (api_tokens.c.organisation_id == actor.organisation, api_tokens.c.name == actor.name.removeprefix(_PROGRAM))
    makers = connection.scalars(sa.select(api_tokens.c.created_by).where(*own))
    return {actor.name, *(maker for maker in makers if "@" in maker)}


def _holders(connection: Connection, approval: Approval) -> set[str]:
    known = sa.select(grants.c.principal, grants.c.created_by).where(grants.c.id == approval.grant_id)
    row = connection.execute(known).one_or_none()
    return {approval.principal, *(tuple(row) if row is not None else ())}


def left(approval: Approval) -> int:
    """Seconds for which it can still be decided on, or used; 0 when that is over."""
    if approval.state not in {"pending", "approved"}:
        return 0
    return max(0, round(approval.expires - time.time()))
