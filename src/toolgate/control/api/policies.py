"""Policies: made, read, revised, rolled back, removed. A revision names the one it replaces (If-Match)."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import Path, Query
from starlette.requests import Request
from starlette.responses import Response

from toolgate.control.api.conditions import check_match, etag, unchanged
from toolgate.control.api.creating import Creation, Key, Made
from toolgate.control.api.documents import PolicyReference, ServerQuery, findings_of, text_of
from toolgate.control.api.operation import Asker, Document, Here, needs, resource
from toolgate.control.api.paging import Pages
from toolgate.control.api.shapes.policies import (
    CheckedPolicy,
    NewPolicy,
    Policy,
    Revision,
    Rollback,
    WholePolicy,
    WrittenPolicy,
)
from toolgate.control.api.shapes.words import Page
from toolgate.control.identity.actor import Actor
from toolgate.control.state import State
from toolgate.store import described, names, policies
from toolgate.store.database import together
from toolgate.store.errors import Conflict, NotStored

router = resource("Policies")

LAST: Final = 2**31 - 1
RevisionPath = Annotated[int, Path(ge=1, le=LAST, description="The number of the revision.", examples=[2])]
RevisionQuery = Annotated[int | None, Query(ge=1, le=LAST, description="An older revision than the current one.")]

_BODY: Final = {
    "required": True,
    "description": "The document itself; its text is kept byte for byte.",
    "content": {"application/json": {"schema": {"type": "object"}, "example": {"version": "1", "default": "deny"}}},
}


@router.get("/policies", response_model=Page[Policy], **needs("viewer"))
def list_policies(actor: Asker, here: Here, pages: Pages) -> dict[str, object]:
    """List the policies by name, each at its current revision."""
    after = pages.after[0] if pages.after else ""
    found = policies.every(here.engine, organisation=actor.organisation, after=after, limit=pages.one_more)
    return pages.page(found, described.policy, lambda row: (row.name,))


@router.post("/policies", status_code=201, response_model=CheckedPolicy, **needs("policy_manager"))
def create_policy(
    body: NewPolicy, request: Request, actor: Asker, here: Here, server: ServerQuery = None, _key: Key = None
) -> Response:
    """Make a policy. Its document must be valid; what is probably not meant is told and does not hinder it."""

    def make() -> Made:
        findings = findings_of(here, actor, body.document, server)
        with together(here.engine, actor.name, actor.organisation) as change:
            if policies.current(change.connection, body.name, organisation=actor.organisation) is not None:
                cause = f"there is a policy named `{names.shown(body.name)}` already"
                raise Conflict("policy name", cause, "choose another name, or revise that one with PUT")
            stored = policies.put(here.engine, actor.name, body.name, body.document, organisation=actor.organisation)
        told = {**described.policy(stored), "findings": findings}
        return Made.of(CheckedPolicy, told, f"/api/v1/policies/{stored.id}", etag=etag(stored))

    return Creation(request).once(make)


@router.get("/policies/{policy}", response_model=WholePolicy, **needs("viewer"))
def show_policy(
    policy: PolicyReference, response: Response, actor: Asker, here: Here, revision: RevisionQuery = None
) -> dict[str, Any]:
    """Show a policy with its document and its history. `ETag` names the revision, for If-Match."""
    found = policies.get(here.engine, policy, revision, organisation=actor.organisation)
    past = policies.history(here.engine, found.id, organisation=actor.organisation)
    response.headers["etag"] = etag(found)
    return {**_written(found), "history": [described.revision(row) for row in past]}


@router.put(
    "/policies/{policy}",
    response_model=CheckedPolicy,
    responses={201: {"model": CheckedPolicy, "description": "Made"}},
    **needs("policy_manager", requestBody=_BODY),
)
def put_policy(
    policy: PolicyReference,
    document: Document,
    request: Request,
    response: Response,
    actor: Asker,
    here: Here,
    server: ServerQuery = None,
) -> dict[str, Any]:
    """Make the body the policy's newest revision, or make the policy (201).

    The text that is current already makes no new revision. Otherwise `If-Match` says which revision it replaces: the
    `ETag` that you have read, or `*` for whichever there is.
    """
    text = text_of(document)
    findings = findings_of(here, actor, text, server)
    with together(here.engine, actor.name, actor.organisation) as change:
        current = policies.current(change.connection, policy, organisation=actor.organisation)
        if current is None and names.is_id(policy):
            raise NotStored("policy", f"there is no policy `{policy}`", "`toolgate policy list` shows all")
        same = current is not None and current.digest == policies.digest_of(text)
        check_match(request, current, required=not same)
        name = policy if current is None else current.name
        stored = policies.put(here.engine, actor.name, name, text, organisation=actor.organisation)
    response.status_code = 201 if current is None else 200
    response.headers["etag"] = etag(stored)
    response.headers["location"] = f"/api/v1/policies/{stored.id}"
    return {**described.policy(stored), "findings": findings}


@router.delete("/policies/{policy}", response_model=Policy, **needs("policy_manager"))
def remove_policy(policy: PolicyReference, request: Request, actor: Asker, here: Here) -> dict[str, Any]:
    """Remove a policy that no living grant is under; its revisions stay for the records."""
    with together(here.engine, actor.name, actor.organisation) as change:
        check_match(
            request,
            policies.current(change.connection, policy, organisation=actor.organisation),
            required=False,
        )
        removed = policies.remove(here.engine, actor.name, policy, organisation=actor.organisation)
    return described.policy(removed)


@router.get(
    "/policies/{policy}/document",
    response_class=Response,
    responses={
        200: {"description": "The text", "content": {"application/json": {"schema": {"type": "object"}}}},
        304: {"description": "The revision that If-None-Match names"},
    },
    **needs("viewer"),
)
def read_policy_document(
    policy: PolicyReference, request: Request, actor: Asker, here: Here, revision: RevisionQuery = None
) -> Response:
    """Read a policy's document byte for byte as it was given."""
    found = policies.get(here.engine, policy, revision, organisation=actor.organisation)
    headers = {"etag": etag(found)}
    if unchanged(request, found):
        return Response(status_code=304, headers=headers)
    return Response(found.document.encode(), headers=headers, media_type="application/json")


@router.get("/policies/{policy}/revisions", response_model=Page[Revision], **needs("viewer"))
def list_policy_revisions(policy: PolicyReference, actor: Asker, here: Here, pages: Pages) -> dict[str, object]:
    """List the revisions of a policy, the newest first."""
    before = pages.after[0] if pages.after else None
    found = policies.history(here.engine, policy, organisation=actor.organisation, before=before, limit=pages.one_more)
    return pages.page(found, described.revision, lambda row: (row.revision,))


@router.get("/policies/{policy}/revisions/{revision}", response_model=WrittenPolicy, **needs("viewer"))
def show_policy_revision(
    policy: PolicyReference, revision: RevisionPath, response: Response, actor: Asker, here: Here
) -> dict[str, Any]:
    """Show a policy as it was at one revision."""
    found = policies.get(here.engine, policy, revision, organisation=actor.organisation)
    response.headers["etag"] = etag(found)
    return _written(found)


@router.post("/policies/{policy}/rollback", response_model=CheckedPolicy, **needs("policy_manager"))
def roll_policy_back(
    policy: PolicyReference, body: Rollback, request: Request, response: Response, actor: Asker, here: Here
) -> dict[str, Any]:
    """Make the text of an older revision the newest revision. `If-Match` says which revision it replaces."""
    with together(here.engine, actor.name, actor.organisation) as change:
        current = policies.current(change.connection, policy, organisation=actor.organisation)
        past = _at(here, actor, policy, body.revision)
        check_match(request, current, required=True)
        stored = policies.put(here.engine, actor.name, past.name, past.document, organisation=actor.organisation)
    response.headers["etag"] = etag(stored)
    return {**described.policy(stored), "findings": findings_of(here, actor, stored.document, None)}


def _at(here: State, actor: Actor, reference: str, revision: int) -> policies.Policy:
    return policies.get(here.engine, reference, revision, organisation=actor.organisation)


def _written(found: policies.Policy) -> dict[str, Any]:
    return {**described.policy(found), "document": found.document}
