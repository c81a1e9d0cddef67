"""Tokens of this API, for programs."""

from __future__ import annotations

import time
from typing import Annotated, Any

from fastapi import Path
from starlette.requests import Request
from starlette.responses import Response

from toolgate.control.api.creating import Creation, Key, Made
from toolgate.control.api.operation import Asker, Here, needs, resource
from toolgate.control.api.paging import Pages
from toolgate.control.api.shapes.people import ApiToken, MintedToken, NewToken
from toolgate.control.api.shapes.words import Page
from toolgate.store import described, tokens
from toolgate.store.moments import to_come

router = resource("API tokens")

TokenReference = Annotated[str, Path(max_length=64, description="Name or id of the API token.", examples=["deploy"])]


@router.get("/tokens", response_model=Page[ApiToken], **needs("admin"))
def list_tokens(actor: Asker, here: Here, pages: Pages) -> dict[str, object]:
    """List the API tokens, the newest first, also those that are expired or revoked."""
    found = tokens.every(here.engine, time.time(), organisation=actor.organisation)
    if pages.after:
        created, token_id = pages.after
        found = [row for row in found if (-row.created, row.id) > (-created, token_id)]
    return pages.page(found[: pages.one_more], described.api_token, lambda row: (row.created, row.id))


@router.post("/tokens", status_code=201, response_model=MintedToken, **needs("admin"))
def create_token(body: NewToken, request: Request, actor: Asker, here: Here, _key: Key = None) -> Response:
    """Make an API token and show it, this once: only a digest is stored."""

    def make() -> Made:
        minted = tokens.add(
            here.engine,
            actor.name,
            body.name,
            body.role,
            approver=[body.approver] if isinstance(body.approver, str) else body.approver,
            expires=to_come("/expires", body.expires),
            organisation=actor.organisation,
        )
        told = {**described.api_token(minted.token), "token": minted.secret}
        return Made.of(MintedToken, told, f"/api/v1/tokens/{minted.token.id}")

    return Creation(request).once(make)


@router.get("/tokens/{token}", response_model=ApiToken, **needs("admin"))
def show_token(token: TokenReference, actor: Asker, here: Here) -> dict[str, Any]:
    """Show an API token; never its secret."""
    return described.api_token(tokens.get(here.engine, token, time.time(), organisation=actor.organisation))


@router.post("/tokens/{token}/revoke", response_model=ApiToken, **needs("admin"))
def revoke_token(token: TokenReference, actor: Asker, here: Here) -> dict[str, Any]:
    """Refuse an API token for good."""
    return described.api_token(tokens.revoke(here.engine, actor.name, token, organisation=actor.organisation))
