"""`/grants/{id}`: one grant; another policy for it, a new token, its end."""

from __future__ import annotations

import time
from typing import Any, Final

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.routing import BaseRoute

from toolgate.control.pages import forms, once, stopping
from toolgate.control.pages.grant_adding import pasted, sent_already, token_page
from toolgate.control.pages.grants import seen_by
from toolgate.control.pages.lines import last_lines
from toolgate.control.pages.rendering import Page
from toolgate.control.pages.routing import Answer, action, actor, page, see_other, state
from toolgate.errors import ToolgateError
from toolgate.keys import mint_token
from toolgate.store import described, grants, idempotency, policies, servers
from toolgate.store.changes import Confirmed
from toolgate.store.database import writing
from toolgate.store.errors import BadInput, Conflict
from toolgate.store.grants import Grant

REVOKED_WITHIN: Final = 5.0
"""Seconds that a revocation waits for the gateways to confirm it."""

_DONE: Final = {
    "attached": "The grant is under another policy, from its next request on.",
    "claimed": "Who may sign in is changed, from the next request on.",
    "revoked": "The grant is revoked, and every running gateway has confirmed that it refuses the token.",
    "idle": "The grant is revoked. No gateway is running on this installation now.",
    "silent": (
        "The grant is revoked and stored, but a gateway process did not confirm it in time. It denies every call once"
        " it has not seen the database for a minute; restart it if it hangs."
    ),
    **stopping.DONE,
}


def _grant(request: Request) -> Page:
    here, who = state(request), actor(request)
    grant = _asked_for(request)
    url = here.proxy_url(grant.server_id)
    rows = last_lines(request, "grant", grant.id)
    data: dict[str, Any] = {
        "grant": {**seen_by(who, grant), "proxy_url": url},
        "server_stopped": _server_stopped(request, grant),
    }
    if who.may("admin"):
        data["grant"]["last_used"] = described.when(rows[0].time if rows else None)
    view = {
        "rows": rows,
        "names": {grant.server_id: grant.server},
        "policies": _choices(request, grant),
        "pasted": pasted(grant.server, url, "TOKEN") if who.may("admin") else [],
    }
    return Page("grant.html", grant.label, data, view)


def _server_stopped(request: Request, grant: Grant) -> dict[str, Any] | None:
    """Who stopped its server and why; a revoked grant may have none any more."""
    if grant.revoked is not None:
        return None
    here, organisation = state(request), actor(request).organisation
    server = servers.get(here.engine, grant.server_id, organisation=organisation)
    stopped: dict[str, Any] | None = described.server(server, "")["stopped"]
    return stopped


def _asked_for(request: Request) -> Grant:
    organisation = actor(request).organisation
    return grants.get(state(request).engine, request.path_params["id"], time.time(), organisation=organisation)


def _choices(request: Request, grant: Grant) -> list[tuple[str, str]]:
    """The policies that it may be put under, for those who may do that."""
    who = actor(request)
    if not who.may("policy_manager") or grant.revoked is not None:
        return []
    found = policies.every(state(request).engine, organisation=who.organisation)
    unset = [] if grant.policy_id else [("", "no policy: every call is denied")]
    return unset + [(policy.id, policy.name) for policy in found]


def _attach(request: Request, form: FormData) -> Answer:
    here, who, grant = state(request), actor(request), _asked_for(request)
    chosen = forms.text(form, "policy")
    if not chosen:
        raise BadInput("policy", "none is chosen", "choose the policy that the grant should be under")
    grants.attach(here.engine, who.name, grant.id, chosen, organisation=who.organisation)
    here.changed()
    return see_other(f"/grants/{grant.id}", "attached")


def _ask_claims(request: Request) -> Page:
    grant = _living(request)
    return _claims_page(request, grant, "\n".join(f"{name}={value}" for name, value in grant.claims.items()), {})


def _claims_page(request: Request, grant: Grant, typed: str, errors: dict[str, ToolgateError]) -> Page:
    view = {"typed": typed, "errors": errors}
    return Page("grant_claims.html", "Who may sign in", _told(request, grant), view, status=422 if errors else 200)


def _claim(request: Request, form: FormData) -> Answer:
    """Say which access tokens lead to it; none where nothing was typed."""
    here, who, grant = state(request), actor(request), _living(request)
    typed = forms.text(form, "claims")
    try:
        claims = _as_before(forms.pairs("claims", typed), grant)
        grants.claim(here.engine, who.name, grant.id, claims, organisation=who.organisation)
    except ToolgateError as error:
        return _claims_page(request, grant, typed, {"claims": error})
    here.changed()
    return see_other(f"/grants/{grant.id}", "claimed")


def _as_before(typed: dict[str, str], grant: Grant) -> dict[str, object]:
    """What was typed is text; a number or truth value that the grant has and that was left as it was stays one."""
    return {
        name: grant.claims[name] if value == str(grant.claims.get(name, "")) else value for name, value in typed.items()
    }


def _ask_rotation(request: Request) -> Page:
    grant = _living(request)
    return Page("grant_rotate.html", f"A new token for {grant.label}?", _told(request, grant), {"once": once.number()})


def _told(request: Request, grant: Grant) -> dict[str, Any]:
    return {"grant": seen_by(actor(request), grant)}


def _living(request: Request) -> Grant:
    grant = _asked_for(request)
    if grant.revoked is not None:
        raise Conflict("grant", f"`{grant.label}` is revoked", "make a new one")
    return grant


def _rotate(request: Request, form: FormData) -> Answer:
    """Give it a new token; by the time this answers the gateways refuse the old one."""
    here, who, grant, token = state(request), actor(request), _living(request), mint_token()
    try:
        with writing(here.engine, who.name, who.organisation) as change:
            sealer = here.master.sealer(idempotency.PURPOSE)
            once.use_up(change, forms.text(form, once.FIELD), grant.id, sealer)
            grants.renew(change, grant.id, token)
    except once.SentAlready as error:
        return sent_already(error)
    here.changed()
    return token_page(request, grant, token, f"A new token for {grant.label}", renewed=True)


def _ask_revocation(request: Request) -> Page:
    grant = _living(request)
    return Page("grant_revoke.html", f"Revoke {grant.label}?", _told(request, grant))


def _revoke(request: Request, _form: FormData) -> Answer:
    """Refuse it for good, and wait until the gateways do."""
    here, who, grant = state(request), actor(request), _asked_for(request)
    grants.revoke(here.engine, who.name, grant.id, organisation=who.organisation)
    return see_other(f"/grants/{grant.id}", _confirmation(here.changed(REVOKED_WITHIN)))


def _confirmation(confirmed: Confirmed) -> str:
    if not confirmed.complete:
        return "silent"
    return "revoked" if confirmed.processes else "idle"


routes: list[BaseRoute] = [
    *page("/grants/{id}", _grant, done=_DONE),
    *action("/grants/{id}/attach", _attach, role="policy_manager"),
    *page("/grants/{id}/claims", _ask_claims, role="admin"),
    *action("/grants/{id}/claims", _claim, role="admin"),
    *page("/grants/{id}/rotate", _ask_rotation, role="admin"),
    *action("/grants/{id}/rotate", _rotate, role="admin"),
    *page("/grants/{id}/revoke", _ask_revocation, role="admin"),
    *action("/grants/{id}/revoke", _revoke, role="admin"),
]
