"""Grants: made, changed, rotated, stopped, revoked. A token is shown once, to whoever asked for it."""

from __future__ import annotations

import time
from typing import Annotated, Any

from fastapi import Path, Query
from starlette.requests import Request
from starlette.responses import Response

from toolgate.control.api.creating import Creation, Key, Made
from toolgate.control.api.operation import Asker, Here, needs, resource
from toolgate.control.api.paging import Pages
from toolgate.control.api.references import named_in_body
from toolgate.control.api.shapes.grants import (
    Attachment,
    Grant,
    GrantChange,
    GrantLabel,
    MintedGrant,
    NewGrant,
    StateWord,
)
from toolgate.control.api.shapes.stopping import StopOrder
from toolgate.control.api.shapes.words import Page
from toolgate.control.identity.actor import Actor
from toolgate.control.state import State
from toolgate.store import described, grants, stopping
from toolgate.store.database import Writing, together
from toolgate.store.errors import Conflict
from toolgate.store.moments import to_come

router = resource("Grants")

GrantReference = Annotated[
    str, Path(max_length=200, description="Id or label of the grant, or how its id begins.", examples=["ci"])
]
ServerFilter = Annotated[str | None, Query(max_length=64, description="Only those of this server (name or id).")]
PolicyFilter = Annotated[str | None, Query(max_length=64, description="Only those under this policy (name or id).")]
StateFilter = Annotated[StateWord | None, Query(description="Only those in this state.")]

_LABEL = ("id", "label", "server", "policy", "state", "stopped")


@router.get("/grants", response_model=Page[Grant] | Page[GrantLabel], **needs("viewer"))
def list_grants(
    actor: Asker,
    here: Here,
    pages: Pages,
    server: ServerFilter = None,
    policy: PolicyFilter = None,
    state: StateFilter = None,
) -> dict[str, object]:
    """List the grants, the oldest first, also those that are expired or revoked. Admins see all there is of them."""
    after = (pages.after[0], pages.after[1]) if pages.after else None
    found = grants.every(
        here.engine,
        time.time(),
        server,
        policy=policy,
        state=state or "",
        organisation=actor.organisation,
        after=after,
        limit=pages.one_more,
    )
    return pages.page(found, lambda row: _for(actor, row), lambda row: (row.created, row.id))


@router.post("/grants", status_code=201, response_model=MintedGrant, **needs("admin"))
def create_grant(body: NewGrant, request: Request, actor: Asker, here: Here, _key: Key = None) -> Response:
    """Make a grant and show its token, this once: only a digest is stored."""

    def make() -> Made:
        with named_in_body():
            minted = grants.add(
                here.engine,
                actor.name,
                server=body.server,
                policy=body.policy,
                label=body.label,
                principal=body.principal,
                labels=body.labels,
                expires=to_come("/expires", body.expires or "never"),
                claims=body.claims,
                organisation=actor.organisation,
            )
        return Made.of(MintedGrant, _minted(here, minted), f"/api/v1/grants/{minted.grant.id}")

    return Creation(request).once(make)


@router.get("/grants/{grant}", response_model=Grant | GrantLabel, **needs("viewer"))
def show_grant(grant: GrantReference, actor: Asker, here: Here) -> dict[str, Any]:
    """Show a grant. Admins see all there is of it."""
    return _for(actor, grants.get(here.engine, grant, time.time(), organisation=actor.organisation))


@router.patch("/grants/{grant}", response_model=Grant, **needs("admin"))
def change_grant(grant: GrantReference, body: GrantChange, actor: Asker, here: Here) -> dict[str, Any]:
    """Give a grant other terms, from its next request on. What is not named stays."""
    with together(here.engine, actor.name, actor.organisation) as change:
        found = grants.get(here.engine, grant, change.now, organisation=actor.organisation)
        if found.revoked is not None:
            raise Conflict("grant", f"`{found.label}` is revoked", "make a new one")
        grants.amend(change, found.id, _terms(change, found, body))
        return described.grant(grants.get(here.engine, found.id, change.now, organisation=actor.organisation))


@router.post("/grants/{grant}/attach", response_model=Grant | GrantLabel, **needs("policy_manager"))
def attach_grant(grant: GrantReference, body: Attachment, actor: Asker, here: Here) -> dict[str, Any]:
    """Put a grant under another policy, from its next request on."""
    with together(here.engine, actor.name, actor.organisation) as change:
        found = grants.get(here.engine, grant, change.now, organisation=actor.organisation)
        with named_in_body():
            attached = grants.attach(here.engine, actor.name, found.id, body.policy, organisation=actor.organisation)
    return _for(actor, attached)


@router.post("/grants/{grant}/rotate", response_model=MintedGrant, **needs("admin"))
def rotate_grant(grant: GrantReference, request: Request, actor: Asker, here: Here, _key: Key = None) -> Response:
    """Give a grant a new token and show it, this once; the old one is refused from now on."""

    def make() -> Made:
        minted = grants.rotate(here.engine, actor.name, grant, organisation=actor.organisation)
        return Made.of(MintedGrant, _minted(here, minted), f"/api/v1/grants/{minted.grant.id}", status=200)

    return Creation(request).once(make)


@router.post("/grants/{grant}/revoke", response_model=Grant, **needs("admin"))
def revoke_grant(grant: GrantReference, actor: Asker, here: Here) -> dict[str, Any]:
    """Refuse a grant for good. The answer comes when every running gateway of this machine does."""
    return described.grant(grants.revoke(here.engine, actor.name, grant, organisation=actor.organisation))


@router.post("/grants/{grant}/stop", response_model=Grant, **needs("admin"))
def stop_grant(grant: GrantReference, body: StopOrder, actor: Asker, here: Here) -> dict[str, Any]:
    """Deny every call of a grant until it is resumed, and end what is under way.

    The answer comes when every running gateway of this machine does. Calls that wait for a person are refused.
    """
    stopped = stopping.stop_grant(
        here.engine, here.data, actor.name, grant, body.reason, organisation=actor.organisation
    )
    return described.grant(stopped)


@router.post("/grants/{grant}/resume", response_model=Grant, **needs("admin"))
def resume_grant(grant: GrantReference, actor: Asker, here: Here) -> dict[str, Any]:
    """Let a stopped grant go on, with the token and the sessions that it had. One that runs stays as it is."""
    return described.grant(stopping.resume_grant(here.engine, actor.name, grant, organisation=actor.organisation))


def _for(actor: Actor, row: grants.Grant) -> dict[str, Any]:
    """What this one may see of a grant."""
    whole = described.grant(row)
    return whole if actor.may("admin") else {name: whole[name] for name in _LABEL}


def _minted(here: State, minted: grants.Minted) -> dict[str, Any]:
    url = here.proxy_url(minted.grant.server_id)
    return {**described.grant(minted.grant), "token": minted.token, "proxy_url": url}


def _terms(change: Writing, found: grants.Grant, body: GrantChange) -> grants.Terms:
    given = body.model_fields_set
    with named_in_body():
        return grants.terms_of(
            change,
            server=found.server_id,
            policy=body.policy if "policy" in given else found.policy_id,
            principal=body.principal if "principal" in given else found.principal,
            labels=body.labels if "labels" in given else found.labels,
            expires=to_come("/expires", body.expires or "never") if "expires" in given else found.expires,
            claims=body.claims if "claims" in given else None,
        )
