"""The composition root of the web application: every route of the control plane, in one list."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount

from toolgate.control.api.building import PREFIX, build_api
from toolgate.control.connecting import pages as connecting
from toolgate.control.following import Live
from toolgate.control.identity.entry import Entry
from toolgate.control.identity.needed import recognised
from toolgate.control.identity.oidc import Flow
from toolgate.control.identity.provider import Provider
from toolgate.control.identity.throttle import Throttle
from toolgate.control.inbox import link_pages, rule_pages, webhook_pages
from toolgate.control.inbox import pages as inbox
from toolgate.control.pages import (
    account,
    catalogue,
    catalogue_applying,
    catalogue_attacks,
    catalogue_contact,
    catalogue_maps,
    catalogue_messages,
    entrance,
    events,
    grant,
    grant_adding,
    grants,
    live,
    members,
    overview,
    patterns,
    policies,
    policy,
    policy_builder,
    provider,
    record,
    records,
    server,
    server_adding,
    server_changing,
    servers,
    settings,
    static,
    stopping,
    tokens,
    trial,
    welcome,
)
from toolgate.control.pages.problems import NOTHING, problem_page
from toolgate.control.state import State
from toolgate.errors import ToolgateError


def build_application(state: State) -> Starlette:
    """The application over one installation. Handlers find `state` as `request.app.state.toolgate`."""
    routes: list[BaseRoute] = [
        Mount(PREFIX, build_api(state)),
        *static.routes,
        *overview.routes,
        *records.routes,
        *record.routes,
        *live.routes,
        *patterns.routes,
        *servers.routes,
        *server_adding.routes,
        *server.routes,
        *server_changing.routes,
        *grants.routes,
        *grant_adding.routes,
        *trial.routes,
        *stopping.routes,
        *grant.routes,
        *policies.routes,
        *policy_builder.routes,
        *policy.routes,
        *catalogue_applying.routes,
        *catalogue_attacks.routes,
        *catalogue_contact.routes,
        *catalogue_maps.routes,
        *catalogue_messages.routes,
        *catalogue.routes,
        *connecting.routes,
        *inbox.routes,
        *rule_pages.routes,
        *link_pages.routes,
        *webhook_pages.routes,
        *entrance.routes,
        *provider.routes,
        *welcome.routes,
        *account.routes,
        *members.routes,
        *events.routes,
        *settings.routes,
        *tokens.routes,
    ]
    application = Starlette(routes=routes, exception_handlers={ToolgateError: _failed, HTTPException: _refused})
    application.state.toolgate = state
    application.state.entry = Entry(state)
    application.state.live = Live(state)
    application.state.readers = Throttle()
    application.state.maps = catalogue_maps.Kept()
    application.state.flow = Flow(state, Provider(state.settings)) if state.settings.oidc_issuer else None
    return application


async def _failed(request: Request, error: Exception) -> Response:
    assert isinstance(error, ToolgateError)
    return problem_page(request, error)


async def _refused(request: Request, error: Exception) -> Response:
    """What the router itself refuses; whoever is signed in keeps the menu."""
    assert isinstance(error, HTTPException)
    await recognised(request)
    problem = NOTHING if error.status_code == 404 else ToolgateError("request", error.detail.lower())
    return problem_page(request, problem, error.status_code)
