"""`/grants/new`: make a grant, and show its token, this once."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from typing import Any, Final

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.routing import BaseRoute

from toolgate import clients
from toolgate.control.pages import forms, once
from toolgate.control.pages.rendering import Page
from toolgate.control.pages.routing import Answer, action, actor, page, state
from toolgate.control.pages.trial import choices
from toolgate.errors import ToolgateError
from toolgate.keys import mint_token
from toolgate.store import described, grants, idempotency, policies
from toolgate.store.database import writing
from toolgate.store.errors import BadInput
from toolgate.store.grants import Grant
from toolgate.store.labels import living_servers
from toolgate.store.moments import date, span

FIELDS: Final = {
    "server": "server",
    "policy": "policy",
    "--label `": "labels",
    "--labels": "labels",
    "--label": "label",
    "--principal": "principal",
    "--expires": "expires",
    "--claims": "claims",
    "claims": "claims",
    "labels": "labels",
    "expires": "expires",
}


@dataclass(slots=True)
class Typed:
    """What stands in the form."""

    server: str = ""
    policy: str = ""
    label: str = ""
    principal: str = ""
    labels: str = ""
    expires: str = "90d"
    claims: str = ""

    @classmethod
    def of(cls, form: FormData) -> Typed:
        """What was sent."""
        names = ("server", "policy", "label", "principal", "labels", "expires", "claims")
        return cls(*(forms.text(form, name) for name in names))


def _new(request: Request) -> Page:
    asked = request.query_params
    return _page(request, Typed(server=asked.get("server", ""), policy=asked.get("policy", "")), {})


def _page(request: Request, typed: Typed, errors: dict[str, ToolgateError]) -> Page:
    here, organisation = state(request), actor(request).organisation
    known = living_servers(here.engine, organisation)
    written = policies.every(here.engine, organisation=organisation)
    data = {
        "servers": [{"id": id_, "name": name} for id_, name in known],
        "policies": [{"id": policy.id, "name": policy.name} for policy in written],
    }
    view = {"typed": typed, "errors": errors, "once": once.number()}
    return Page("grant_new.html", "Make a grant", data, view, status=422 if errors else 200)


def _make(request: Request, form: FormData) -> Answer:
    """Make it, wake the gateways, and answer with the token: to this request, never again."""
    here, typed = state(request), Typed.of(form)
    try:
        grant, token = _made(request, form, typed)
    except once.SentAlready as error:
        return sent_already(error)
    except ToolgateError as error:
        return _page(request, typed, forms.placed(error, FIELDS))
    here.changed()
    return token_page(request, grant, token, f"The grant {grant.label} is made")


def _made(request: Request, form: FormData, typed: Typed) -> tuple[Grant, str]:
    here, who = state(request), actor(request)
    if not typed.server:
        raise BadInput("server", "none is chosen", "choose the server that the grant opens")
    labels, until = forms.pairs("labels", typed.labels), expiry(typed.expires)
    claims = forms.pairs("claims", typed.claims)
    sealer = here.master.sealer(idempotency.PURPOSE)
    grant_id, token = str(uuid.uuid4()), mint_token()
    with writing(here.engine, who.name, who.organisation) as change:
        once.use_up(change, forms.text(form, once.FIELD), grant_id, sealer)
        terms = grants.terms_of(
            change,
            server=typed.server,
            policy=typed.policy or None,
            principal=typed.principal or typed.label,
            labels=labels,
            expires=until,
            claims=claims,
        )
        grants.insert(change, grant_id, typed.label, terms, token)
    return grants.get(here.engine, grant_id, time.time(), organisation=who.organisation), token


def expiry(text: str) -> float | None:
    """A moment to come as people write it, or None for `never`. Raises BadInput."""
    if text in ("", "never"):
        return None
    seconds = span(text)
    return date("expires", text) if seconds is None else time.time() + seconds


def token_page(request: Request, grant: Grant, token: str, title: str, *, renewed: bool = False) -> Page:
    """The only page that ever shows a token: with what each client needs, and kept by nobody."""
    url = state(request).proxy_url(grant.server_id)
    view = {"grant": described.grant(grant), "token": token, "url": url, "renewed": renewed}
    view["choices"] = choices(request, grant)
    headers = {"cache-control": "no-store"}
    return Page("grant_token.html", title, {}, {**view, "pasted": pasted(grant.server, url, token)}, headers=headers)


def pasted(server: str, url: str, token: str) -> list[dict[str, Any]]:
    """What to paste into each client, in the order of the documentation."""
    name = clients.alias(server)
    return [
        {"client": form.client, "place": form.place, "text": form.http(name, url, token)}
        for form in (*clients.FORMS, *clients.PROGRAMS)
    ]


def sent_already(error: once.SentAlready) -> Page:
    """The answer to a form that came twice: what it made is there, and its token was shown."""
    return Page("grant_sent.html", "This was done already", {"id": error.made}, status=409)


routes: list[BaseRoute] = [*page("/grants/new", _new, role="admin"), *action("/grants/new", _make, role="admin")]
