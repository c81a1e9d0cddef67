"""`/settings`: what this process was started with, and the organisations of the installation."""

from __future__ import annotations

from typing import Any, Final

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.routing import BaseRoute

from toolgate import __version__
from toolgate.control.identity.refusals import NotAllowed
from toolgate.control.pages.forms import text
from toolgate.control.pages.rendering import Page
from toolgate.control.pages.routing import Answer, action, actor, page, state
from toolgate.control.state import State
from toolgate.errors import ToolgateError
from toolgate.store import described, members, organisations
from toolgate.store.errors import StoreError
from toolgate.store.gateway_file import gateway_url
from toolgate.store.members import Terms


def _look(request: Request) -> Page:
    return _page(request)


def _page(request: Request, error: ToolgateError | None = None, typed: dict[str, str] | None = None) -> Page:
    here, operates = state(request), actor(request).operates
    every = organisations.every(here.engine) if operates else []
    data = {
        "settings": _settings(here),
        "organisations": [described.organisation(organisation) for organisation in every],
    }
    view = {
        "shown": [(label, value) for label, value in _shown(here)],
        "operates": operates,
        "error": error,
        "typed": typed or {"name": "", "email": ""},
    }
    return Page("settings.html", "Settings", data, view, status=422 if error else 200)


def _settings(here: State) -> dict[str, Any]:
    """Process settings under the names of their options; none of them is a secret."""
    settings = here.settings
    return {
        "version": __version__,
        "data": settings.data,
        "gateway_url": gateway_url(here.data),
        "control_url": here.url,
        "config": settings.config,
        "prune": settings.prune,
        "tls_certificate": settings.tls_certificate,
        "allowed_hosts": list(settings.allowed_hosts),
        "allow_command_servers": settings.allow_command_servers,
        "allow_self_approval": settings.allow_self_approval,
        "public_catalogue": settings.public_catalogue,
        "oidc_issuer": settings.oidc_issuer or None,
        "oidc_client_id": settings.oidc_client_id or None,
        "oidc_roles": list(settings.oidc_roles),
        "master_key": here.master.id,
    }


_LABELS: Final = {
    "version": "Version",
    "data": "Data directory",
    "gateway_url": "Where agents connect",
    "control_url": "Where people administer",
    "config": "Configuration file",
    "prune": "Removes what the file no longer names",
    "tls_certificate": "TLS certificate",
    "allowed_hosts": "Other Host headers",
    "allow_command_servers": "Commands may be registered here",
    "allow_self_approval": "People may approve their own calls",
    "public_catalogue": "Strangers see the catalogue",
    "oidc_issuer": "Identity provider",
    "oidc_client_id": "Our client there",
    "oidc_roles": "Who enters from there as what",
    "master_key": "Master key (its id)",
}


def _shown(here: State) -> list[tuple[str, str]]:
    return [(_LABELS[name], _words(value)) for name, value in _settings(here).items()]


def _words(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(value) or "none"
    return "none" if value is None else str(value)


def _add_organisation(request: Request, form: FormData) -> Answer:
    """Make an organisation and invite its first admin, whose link is shown this once."""
    asking, engine = actor(request), state(request).engine
    if not asking.operates:
        raise NotAllowed("organisation", "is made by the operator's admins only", "ask one of them")
    typed = {name: text(form, name) for name in ("name", "email")}
    try:
        members.check_email("email", typed["email"])
        made = organisations.add(engine, asking.name, typed["name"])
        terms = Terms(typed["email"], "admin", ["*"])
        invited = members.invite(engine, asking.name, typed["email"], terms, organisation=made.id)
    except StoreError as error:
        return _page(request, error, typed)
    link = f"{state(request).url}/welcome/{invited.secret}"
    view = {"organisation": made.name, "email": invited.member.email, "link": link}
    return Page("organisation_made.html", "New organisation", {}, view)


routes: list[BaseRoute] = [
    *page("/settings", _look, role="admin"),
    *action("/settings/organisations", _add_organisation, role="admin"),
]
