"""One operation of the REST API: who may, then what was sent, then the work, then the gateways are told.

The role stands once, in the OpenAPI document, and is enforced from there.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from toolgate.control.api.problems import MEDIA_TYPE
from toolgate.control.api.requests import StrictRequest, strict
from toolgate.control.api.shapes.problem import Problem
from toolgate.control.identity.actor import Actor, Role
from toolgate.control.identity.csrf import SAFE
from toolgate.control.identity.needed import actor_of
from toolgate.control.state import State

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

_ROLE: Final = "x-role"
_PURE: Final = "x-changes-nothing"
UNCONFIRMED: Final = "toolgate-unconfirmed"
"""The header that counts gateways which did not say in time that they act on a change."""


class Operation(APIRoute):
    """A route whose `openapi_extra` was made by `needs`."""

    def get_route_handler(self) -> Handler:
        """The whole way of a request."""
        extra = self.openapi_extra or {}
        role: Role = extra[_ROLE]
        document = "requestBody" in extra
        changes = not (self.methods or set()) <= SAFE and not extra.get(_PURE, False)
        parameters = _query_parameters(self.dependant)
        handle = super().get_route_handler()

        async def whole(request: Request) -> Response:
            await actor_of(request, role)
            body = document or self.body_field is not None
            response = await handle(await strict(request, parameters, body=body, document=document))
            if changes and response.status_code < 300:
                await _tell_gateways(request, response)
            return response

        return whole


def _query_parameters(dependant: Dependant) -> set[str]:
    """What the handler, and all it depends on, read of the query."""
    found = {parameter.alias for parameter in dependant.query_params}
    return found.union(*map(_query_parameters, dependant.dependencies))


async def _tell_gateways(request: Request, response: Response) -> None:
    state: State = request.app.state.toolgate
    confirmed = await run_in_threadpool(state.changed)
    if not confirmed.complete:
        response.headers[UNCONFIRMED] = str(len(confirmed.silent))


def needs(role: Role, *, pure: bool = False, **extra: object) -> dict[str, Any]:
    """For the decorator of an operation: who may; `pure`: it changes nothing, whatever its method says."""
    marks = {_ROLE: role, **({_PURE: True} if pure else {}), **extra}
    return {"openapi_extra": marks}


def resource(tag: str) -> APIRouter:
    """The operations on one kind of thing."""
    refused = {"description": "Refused", "model": Problem, "content": {MEDIA_TYPE: {}}}
    failed = {"description": "Failed", "model": Problem, "content": {MEDIA_TYPE: {}}}
    return APIRouter(
        route_class=Operation,
        tags=[tag],
        responses={"4XX": refused, "5XX": failed},
        generate_unique_id_function=lambda route: route.name,
    )


async def _asker(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor


async def _here(request: Request) -> State:
    state: State = request.app.state.toolgate
    return state


async def _document(request: Request) -> bytes:
    assert isinstance(request, StrictRequest)
    return request.whole


Asker = Annotated[Actor, Depends(_asker)]
"""Who asks; their role is enough already."""

Here = Annotated[State, Depends(_here)]
"""The installation."""

Document = Annotated[bytes, Depends(_document)]
"""The body as it came, of an operation with a `requestBody` of its own."""
