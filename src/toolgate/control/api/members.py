"""Organisations and members."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path
from starlette.requests import Request
from starlette.responses import Response

from toolgate.control.api.creating import Creation, Key, Made
from toolgate.control.api.operation import Asker, Here, needs, resource
from toolgate.control.api.paging import Pages
from toolgate.control.api.shapes.people import (
    InvitedMember,
    MadeOrganisation,
    Member,
    MemberChange,
    NewMember,
    NewOrganisation,
    Organisation,
)
from toolgate.control.api.shapes.words import Page
from toolgate.control.identity.actor import Actor
from toolgate.control.identity.refusals import NotAllowed
from toolgate.control.state import State
from toolgate.store import described, members, organisations, roles
from toolgate.store.database import together
from toolgate.store.errors import BadInput
from toolgate.store.members import Terms

router = resource("Members")

MemberReference = Annotated[
    str, Path(max_length=254, description="Id or e-mail of the member.", examples=["ada@example.com"])
]


@router.get("/organisations", response_model=Page[Organisation], **needs("admin"))
def list_organisations(actor: Asker, here: Here) -> dict[str, object]:
    """List the organisations: all for admins of the operator's own, for others theirs alone."""
    found = organisations.every(here.engine)
    mine = [row for row in found if actor.operates or row.id == actor.organisation]
    return {"items": [described.organisation(row) for row in mine], "next": None}


@router.post("/organisations", status_code=201, response_model=MadeOrganisation, **needs("admin"))
def create_organisation(
    body: NewOrganisation, request: Request, actor: Asker, here: Here, _key: Key = None
) -> Response:
    """Make an organisation and invite its first admin. Only admins of the operator's own organisation may."""
    if not actor.operates:
        raise NotAllowed("organisation", "only the operator's admins make organisations", "ask one of them")
    if body.admin.role != "admin":
        raise BadInput("/admin/role", "the first member of an organisation is its admin", "say `admin`")

    def make() -> Made:
        made = organisations.add(here.engine, actor.name, body.name)
        admin = _invited(here, actor, body.admin, made.id)
        told = {**described.organisation(organisations.get(here.engine, made.id)), "admin": admin}
        return Made.of(MadeOrganisation, told, "/api/v1/organisations")

    return Creation(request).once(make)


@router.get("/members", response_model=Page[Member], **needs("admin"))
def list_members(actor: Asker, here: Here, pages: Pages) -> dict[str, object]:
    """List the members by e-mail."""
    after = pages.after[0] if pages.after else ""
    found = [row for row in members.every(here.engine, organisation=actor.organisation) if row.email > after]
    return pages.page(found[: pages.one_more], described.member, lambda row: (row.email,))


@router.post("/members", status_code=201, response_model=InvitedMember, **needs("admin"))
def invite_member(body: NewMember, request: Request, actor: Asker, here: Here, _key: Key = None) -> Response:
    """Invite somebody: the answer has the link with which they choose a password, this once."""

    def make() -> Made:
        told = _invited(here, actor, body, actor.organisation)
        return Made.of(InvitedMember, told, f"/api/v1/members/{told['id']}")

    return Creation(request).once(make)


@router.get("/members/{member}", response_model=Member, **needs("admin"))
def show_member(member: MemberReference, actor: Asker, here: Here) -> dict[str, Any]:
    """Show a member."""
    return described.member(members.get(here.engine, member, organisation=actor.organisation))


@router.patch("/members/{member}", response_model=Member, **needs("admin"))
def change_member(member: MemberReference, body: MemberChange, actor: Asker, here: Here) -> dict[str, Any]:
    """Give a member another name, role or approvals, or keep them out. The last admin stays."""
    with together(here.engine, actor.name, actor.organisation):
        found = members.get(here.engine, member, organisation=actor.organisation)
        approver = roles.described(found.approves) if body.approver is None else body.approver
        terms = Terms(body.name or found.name, body.role or found.role, _listed(approver))
        after = members.amend(here.engine, actor.name, found.id, terms, organisation=actor.organisation)
        if body.disabled is not None:
            after = members.disable(
                here.engine, actor.name, found.id, disabled=body.disabled, organisation=actor.organisation
            )
    return described.member(after)


@router.delete("/members/{member}", response_model=Member, **needs("admin"))
def remove_member(member: MemberReference, actor: Asker, here: Here) -> dict[str, Any]:
    """Forget a member, their sessions and links; what they did stays in the records. The last admin stays."""
    return described.member(members.remove(here.engine, actor.name, member, organisation=actor.organisation))


@router.post("/members/{member}/link", response_model=InvitedMember, **needs("admin"))
def link_member(member: MemberReference, actor: Asker, here: Here) -> dict[str, Any]:
    """Make a new link for a member, to come in for the first time or to choose another password. Older ones end."""
    invited = members.invite_again(here.engine, actor.name, member, organisation=actor.organisation)
    return _linked(here, invited)


def _invited(here: State, actor: Actor, body: NewMember, organisation: str) -> dict[str, Any]:
    terms = Terms(body.name or body.email, body.role, _listed(body.approver))
    return _linked(here, members.invite(here.engine, actor.name, body.email, terms, organisation=organisation))


def _linked(here: State, invited: members.Invited) -> dict[str, Any]:
    return {**described.member(invited.member), "link": f"{here.url}/welcome/{invited.secret}"}


def _listed(approver: str | list[str]) -> list[str]:
    return [approver] if isinstance(approver, str) else approver
