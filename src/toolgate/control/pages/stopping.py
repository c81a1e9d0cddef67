"""`/grants/{id}/stop`, `/servers/{id}/stop` and their `resume`: the switch that can be taken back."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.routing import BaseRoute

from toolgate.control.pages import forms
from toolgate.control.pages.rendering import Page
from toolgate.control.pages.routing import Answer, action, actor, page, see_other, state
from toolgate.errors import ToolgateError
from toolgate.store import described, grants, servers, stopping
from toolgate.store.changes import Confirmed
from toolgate.store.errors import Conflict

STOPPED_WITHIN: Final = 5.0
"""Seconds that a stop waits for the gateways to confirm it."""

DONE: Final = {
    "stopped": "It is stopped, and every running gateway has confirmed that it denies each call.",
    "stopped-idle": "It is stopped. No gateway is running on this installation now.",
    "stopped-silent": (
        "It is stopped and that is stored, but a gateway process did not confirm it in time. It denies every call once"
        " it has not seen the database for a minute; restart it if it hangs."
    ),
    "resumed": "It goes on, from the next request.",
}
"""What the pages of a grant and of a server say afterwards."""


def _ask_grant(request: Request) -> Page:
    return _grant_page(request, "", {})


def _grant_page(request: Request, typed: str, errors: dict[str, ToolgateError]) -> Page:
    here, organisation = state(request), actor(request).organisation
    grant = grants.get(here.engine, request.path_params["id"], time.time(), organisation=organisation)
    if grant.revoked is not None:
        raise Conflict("grant", f"`{grant.label}` is revoked", "make a new one")
    return _page("grant", described.grant(grant), grant.label, typed, errors)


def _ask_server(request: Request) -> Page:
    return _server_page(request, "", {})


def _server_page(request: Request, typed: str, errors: dict[str, ToolgateError]) -> Page:
    here, organisation = state(request), actor(request).organisation
    server = servers.get(here.engine, request.path_params["id"], organisation=organisation)
    return _page("server", described.server(server, here.proxy_url(server.id)), server.name, typed, errors)


def _page(kind: str, told: dict[str, Any], name: str, typed: str, errors: dict[str, ToolgateError]) -> Page:
    view = {"kind": kind, "called": name, "back": f"/{kind}s/{told['id']}", "typed": typed, "errors": errors}
    return Page("stop.html", f"Stop {name}?", {kind: told}, view, status=422 if errors else 200)


def _stop_grant(request: Request, form: FormData) -> Answer:
    return _stop(request, form, stopping.stop_grant, _grant_page)


def _stop_server(request: Request, form: FormData) -> Answer:
    return _stop(request, form, stopping.stop_server, _server_page)


def _stop(
    request: Request,
    form: FormData,
    stop: Callable[..., object],
    again: Callable[[Request, str, dict[str, ToolgateError]], Page],
) -> Answer:
    """Stop it, and wait until the gateways deny its calls."""
    here, who, reason = state(request), actor(request), forms.text(form, "reason")
    try:
        stop(here.engine, here.data, who.name, request.path_params["id"], reason, organisation=who.organisation)
    except ToolgateError as error:
        if error.place != "--reason":
            raise
        return again(request, reason, {"reason": error})
    return _back(request, _confirmation(here.changed(STOPPED_WITHIN)))


def _confirmation(confirmed: Confirmed) -> str:
    if not confirmed.complete:
        return "stopped-silent"
    return "stopped" if confirmed.processes else "stopped-idle"


def _resume_grant(request: Request, _form: FormData) -> Answer:
    return _resume(request, stopping.resume_grant)


def _resume_server(request: Request, _form: FormData) -> Answer:
    return _resume(request, stopping.resume_server)


def _resume(request: Request, resume: Callable[..., object]) -> Answer:
    here, who = state(request), actor(request)
    resume(here.engine, who.name, request.path_params["id"], organisation=who.organisation)
    here.changed()
    return _back(request, "resumed")


def _back(request: Request, done: str) -> Answer:
    """To the page of what was stopped or resumed."""
    return see_other(request.url.path.rpartition("/")[0], done)


routes: list[BaseRoute] = [
    *page("/grants/{id}/stop", _ask_grant, role="admin"),
    *action("/grants/{id}/stop", _stop_grant, role="admin"),
    *action("/grants/{id}/resume", _resume_grant, role="admin"),
    *page("/servers/{id}/stop", _ask_server, role="admin"),
    *action("/servers/{id}/stop", _stop_server, role="admin"),
    *action("/servers/{id}/resume", _resume_server, role="admin"),
]
