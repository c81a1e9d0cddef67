"""`/settings/tokens`: tokens of the REST API, for programs."""

from __future__ import annotations

import time
from typing import Any, Final

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.routing import BaseRoute

from toolgate.control.pages import approvers
from toolgate.control.pages.forms import placed, text
from toolgate.control.pages.rendering import Page
from toolgate.control.pages.routing import Answer, action, actor, page, see_other, state
from toolgate.errors import ToolgateError
from toolgate.store import described, tokens
from toolgate.store.errors import StoreError
from toolgate.store.moments import date, span

_FIELDS: Final = {"name": "name", "role": "role", "approver": "approves", "expires": "expires"}
_DONE: Final = {"revoked": "The token is revoked: the next request with it is refused."}


def _list(request: Request) -> Page:
    return _page(request, {"name": "", "role": "policy_manager", "expires": "90d", **approvers.stored()})


def _page(request: Request, typed: dict[str, Any], error: ToolgateError | None = None) -> Page:
    found = tokens.every(state(request).engine, time.time(), organisation=actor(request).organisation)
    choices = approvers.choices(request)
    view = {
        "typed": typed,
        "errors": placed(error, _FIELDS) if error else {},
        "roles": approvers.ROLES,
        "choices": choices,
        "names": dict(choices),
        "url": state(request).url,
    }
    data = {"tokens": [described.api_token(token) for token in found]}
    return Page("tokens.html", "API tokens", data, view, status=422 if error else 200)


def _mint(request: Request, form: FormData) -> Answer:
    asking, typed = actor(request), {name: text(form, name) for name in ("name", "role", "expires")}
    try:
        minted = tokens.add(
            state(request).engine,
            asking.name,
            typed["name"],
            typed["role"],
            approver=approvers.chosen(form),
            expires=_moment(typed["expires"]),
            organisation=asking.organisation,
        )
    except StoreError as error:
        return _page(request, {**typed, **approvers.typed(form)}, error)
    view = {"token": minted.token, "secret": minted.secret, "url": state(request).url}
    return Page("token_minted.html", "New API token", {}, view)


def _moment(typed: str) -> float | None:
    """`90d`, a date, or nothing for a token that does not expire. Raises BadInput."""
    if not typed or typed == "never":
        return None
    seconds = span(typed)
    return date("expires", typed) if seconds is None else time.time() + seconds


def _revoke(request: Request, _form: FormData) -> Answer:
    asking, wanted = actor(request), request.path_params["token"]
    tokens.revoke(state(request).engine, asking.name, wanted, organisation=asking.organisation)
    return see_other("/settings/tokens", "revoked")


routes: list[BaseRoute] = [
    *page("/settings/tokens", _list, role="admin", done=_DONE),
    *action("/settings/tokens", _mint, role="admin"),
    *action("/settings/tokens/{token}/revoke", _revoke, role="admin"),
]
