"""Calls that wait for a person: seen and decided on by those who may, whatever their role."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

import msgspec
from fastapi import Path, Query
from starlette.responses import Response

from toolgate.control.api.operation import Asker, Here, needs, resource
from toolgate.control.api.paging import Pages
from toolgate.control.api.shapes.approvals import Approval, ApprovalState, Decision, WholeApproval
from toolgate.control.api.shapes.words import Page
from toolgate.control.identity.actor import Actor
from toolgate.control.inbox import deciding
from toolgate.control.inbox.deciding import houses, opened
from toolgate.control.inbox.showing import call_of
from toolgate.control.state import State
from toolgate.store import described, policies, servers
from toolgate.store.approvals import PREFIX, ApprovalStore, Search
from toolgate.store.approvals import Approval as Row
from toolgate.store.errors import NotStored
from toolgate.store.verdicts import Verdict

router = resource("Approvals")

_LENGTH: Final = len(PREFIX) + 10
_LOOKED_THROUGH: Final = 500
"""Approvals among which the beginning of an id is looked for."""

ApprovalId = Annotated[
    str, Path(max_length=64, description="The id of the approval, or how it begins.", examples=["apr_k3m8x2q9za"])
]
StateFilter = Annotated[ApprovalState | Literal["all"], Query(description="Only those in this state.")]
ServerFilter = Annotated[str, Query(max_length=64, description="Only calls of this server (name or id).")]
GrantFilter = Annotated[str, Query(max_length=64, description="Only calls of the grant with this id.")]
ToolFilter = Annotated[str, Query(max_length=1024, description="Only calls of this tool.")]


@router.get("/approvals", response_model=Page[Approval], **needs("viewer"))
def list_approvals(
    actor: Asker,
    here: Here,
    pages: Pages,
    state: StateFilter = "pending",
    server: ServerFilter = "",
    grant: GrantFilter = "",
    tool: ToolFilter = "",
) -> dict[str, object]:
    """List the calls that wait, or that were decided on in the last 30 days, the newest first.

    Only approvers see them, and only those of the servers that they decide for.
    """
    deciding.check_approver(actor)
    search = Search(
        houses(actor.organisation),
        () if state == "all" else (state,),
        servers=_servers(here, actor, server),
        grant_id=grant,
        tool=tool,
        before=(pages.after[0], pages.after[1]) if pages.after else None,
        limit=pages.one_more,
    )
    with opened(here) as store:
        found = store.search(search)
    return pages.page(found, described.approval, lambda row: (row.created, row.id))


@router.get("/approvals/{approval}", response_model=WholeApproval, **needs("viewer"))
def show_approval(approval: ApprovalId, actor: Asker, here: Here) -> Response:
    """Show a call that waits, whole: what the agent sent, number by number as it was written."""
    with opened(here) as store:
        found = deciding.visible(store, actor, _whole(store, actor, approval))
        call = call_of(here, store, found)
    told = Approval.model_validate(described.approval(found)).model_dump()
    body = msgspec.json.encode({**told, "policy": _policy(here, actor, found), "call": call})
    return Response(body, media_type="application/json")


@router.post("/approvals/{approval}/approve", response_model=Approval, **needs("viewer"))
def approve_call(approval: ApprovalId, body: Decision, actor: Asker, here: Here) -> dict[str, Any]:
    """Let a call go on: this very one, or one identical repeat until the approval expires.

    409 when somebody was first. Nobody approves their own calls unless the operator allows it.
    """
    return _decide(here, actor, approval, "approved", body)


@router.post("/approvals/{approval}/deny", response_model=Approval, **needs("viewer"))
def deny_call(approval: ApprovalId, body: Decision, actor: Asker, here: Here) -> dict[str, Any]:
    """Refuse a call, and its identical repeats until the approval expires. 409 when somebody was first."""
    return _decide(here, actor, approval, "denied", body)


def _decide(here: State, actor: Actor, reference: str, verdict: Verdict, body: Decision) -> dict[str, Any]:
    with opened(here) as store:
        approval_id = _whole(store, actor, reference)
    return described.approval(deciding.decide(here, actor, approval_id, verdict, body.reason))


def _whole(store: ApprovalStore, actor: Actor, reference: str) -> str:
    """The id that the reference is the beginning of, among the calls that this one may see; else as it is."""
    beginning = reference if reference.startswith(PREFIX) else PREFIX + reference
    if len(beginning) >= _LENGTH or beginning == PREFIX:
        return reference
    recent = store.search(Search(houses(actor.organisation), servers=actor.approves, limit=_LOOKED_THROUGH))
    found = [row.id for row in recent if row.id.startswith(beginning)]
    return found[0] if len(found) == 1 else reference


def _policy(here: State, actor: Actor, approval: Row) -> str:
    """Its name; `toolgate run` records the file and the start of its digest."""
    try:
        return policies.get(here.engine, approval.policy_id, organisation=actor.organisation).name
    except NotStored:
        return approval.policy_id


def _servers(here: State, actor: Actor, named: str) -> frozenset[str] | None:
    """The servers whose calls are asked for, as far as this one may see them; None for every one."""
    if not named:
        return actor.approves
    found = servers.get(here.engine, named, organisation=actor.organisation).id
    return frozenset({found} if actor.may_approve(found) else ())
