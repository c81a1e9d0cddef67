"""The REST API as one application, mounted at `/api/v1`, and the document that describes it."""

from __future__ import annotations

import sqlite3
from functools import cache
from typing import Any, Final

import msgspec
from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError, ResponseValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route

from toolgate.control.api import (
    approvals,
    attacks,
    catalogue,
    credentials,
    documents,
    events,
    grants,
    members,
    policies,
    problems,
    recommending,
    records,
    servers,
    tokens,
    tools,
    trials,
    webhooks,
    whoami,
)
from toolgate.control.api.describing import describe
from toolgate.control.state import State
from toolgate.errors import ToolgateError

PREFIX: Final = "/api/v1"
DOCUMENT: Final = "/openapi.json"
_ROUTERS: Final[tuple[APIRouter, ...]] = (
    whoami.router,
    servers.router,
    tools.router,
    credentials.router,
    documents.router,
    trials.router,
    policies.router,
    grants.router,
    approvals.router,
    webhooks.router,
    records.router,
    catalogue.router,
    attacks.router,
    recommending.router,
    members.router,
    tokens.router,
    events.router,
)


def build_api(state: State) -> FastAPI:
    """The application. Its handlers find `state` as `request.app.state.toolgate`."""
    api = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    api.router.routes = [route for router in _ROUTERS for route in router.routes]
    api.router.routes.append(Route(DOCUMENT, _serve_document, methods=["GET"]))
    api.add_exception_handler(ToolgateError, problems.of_error)
    api.add_exception_handler(HTTPException, _of_routing)
    api.add_exception_handler(RequestValidationError, problems.of_request)
    api.add_exception_handler(ResponseValidationError, problems.of_answer)
    api.add_exception_handler(sqlite3.Error, problems.of_database)
    api.add_exception_handler(Exception, problems.of_fault)
    api.state.toolgate = state
    return api


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document: the same in every installation."""
    return describe([route for router in _ROUTERS for route in router.routes if isinstance(route, APIRoute)], PREFIX)


@cache
def _encoded() -> bytes:
    return msgspec.json.encode(document())


async def _serve_document(_request: Request) -> Response:
    return Response(_encoded(), media_type="application/json")


async def _of_routing(request: Request, error: Exception) -> Response:
    response = await problems.of_routing(request, error)
    if response.status_code == 405:
        response.headers["allow"] = ", ".join(sorted(_methods(request)))
    return response


def _methods(request: Request) -> set[str]:
    """What may be done at this path, by all of its operations."""
    found: set[str] = set()
    routes: list[BaseRoute] = request.app.router.routes
    for route in routes:
        if isinstance(route, Route | APIRoute) and route.matches(request.scope)[0] is not Match.NONE:
            found |= route.methods or set()
    return found
