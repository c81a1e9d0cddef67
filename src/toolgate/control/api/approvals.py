"""Calls that wait for a person: seen and decided on by those who may, whatever their role."""

from __future__ import annotations

from typing import Annotated, Any, Literal

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
from toolgate.store import described, servers
from toolgate.store.approvals import Search

router = resource("Approvals")

ApprovalId = Annotated[str, Path(max_length=64, description="The id of the approval.", examples=["apr_k3m8x2q9za"])]
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
        found = deciding.visible(store, actor, approval)
        call = call_of(here, store, found)
    told = Approval.model_validate(described.approval(found)).model_dump()
    return Response(msgspec.json.encode({**told, "call": call}), media_type="application/json")


@router.post("/approvals/{approval}/approve", response_model=Approval, **needs("viewer"))
def approve_call(approval: ApprovalId, body: Decision, actor: Asker, here: Here) -> dict[str, Any]:
    """Let a call go on: this very one, or one identical repeat until the approval expires.

    409 when somebody was first. Nobody approves their own calls unless the operator allows it.
    """
    return described.approval(deciding.decide(here, actor, approval, "approved", body.reason))


@router.post("/approvals/{approval}/deny", response_model=Approval, **needs("viewer"))
def deny_call(approval: ApprovalId, body: Decision, actor: Asker, here: Here) -> dict[str, Any]:
    """Refuse a call, and its identical repeats until the approval expires. 409 when somebody was first."""
    return described.approval(deciding.decide(here, actor, approval, "denied", body.reason))


def _servers(here: State, actor: Actor, named: str) -> frozenset[str] | None:
    """The servers whose calls are asked for, as far as this one may see them; None for every one."""
    if not named:
        return actor.approves
    found = servers.get(here.engine, named, organisation=actor.organisation).id
    return frozenset({found} if actor.may_approve(found) else ())
