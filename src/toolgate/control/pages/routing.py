"""Routes of pages: who asks is known first, then a plain function answers with a page, its twin or a redirect."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import TypeAlias, cast
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from toolgate.control.identity.actor import Actor
from toolgate.control.identity.csrf import MAX_FIELDS
from toolgate.control.identity.needed import actor_of
from toolgate.control.pages.rendering import TWIN, Page, render
from toolgate.control.state import State
from toolgate.store.roles import Role

Answer: TypeAlias = Page | Response
Look: TypeAlias = Callable[[Request], Answer | Awaitable[Answer]]
Act: TypeAlias = Callable[[Request, FormData], Answer | Awaitable[Answer]]


def page(
    path: str, look: Look, *, role: Role = "viewer", twin: str = "", done: Mapping[str, str] | None = None
) -> list[BaseRoute]:
    """The routes of a page and of its twin (`path` and `.json`, or `twin`).

    `look` runs in a thread unless it is a coroutine function. `done` holds the words for the codes that `see_other`
    sends people here with.
    """
    words = dict(done or {})

    async def endpoint(request: Request) -> Response:
        await actor_of(request, role)
        answer = await _called(look, request)
        if isinstance(answer, Page) and not answer.done:
            answer = replace(answer, done=words.get(request.query_params.get("done", ""), ""))
        return await _finished(request, answer)

    # The twin first: an id in the path of a page would take its ending for a part of itself.
    return [Route(twin or path + TWIN, endpoint, methods=["GET"]), Route(path, endpoint, methods=["GET"])]


def action(path: str, act: Act, *, role: Role) -> list[BaseRoute]:
    """The route that a form is sent to. `act` answers with `see_other`, or with the page that says what is wrong."""

    async def endpoint(request: Request) -> Response:
        await actor_of(request, role)
        form = await request.form(max_files=0, max_fields=MAX_FIELDS)
        return await _finished(request, await _called(act, request, form))

    return [Route(path, endpoint, methods=["POST"])]


def actor(request: Request) -> Actor:
    """Who asks: known in every handler of a route of this module."""
    return cast("Actor", request.state.actor)


def state(request: Request) -> State:
    """The installation."""
    return cast("State", request.app.state.toolgate)


def see_other(path: str, done: str = "") -> Response:
    """After a form has done its work: go there, and say there what the code `done` means."""
    return RedirectResponse(f"{path}?{urlencode({'done': done})}" if done else path, status_code=303)


async def _called(function: Callable[..., Answer | Awaitable[Answer]], *arguments: object) -> Answer:
    if inspect.iscoroutinefunction(function):
        return cast("Answer", await function(*arguments))
    return cast("Answer", await run_in_threadpool(function, *arguments))


async def _finished(request: Request, answer: Answer) -> Response:
    """Templates are rendered in a thread: a page of 2,000 tools must not hold up the others."""
    return await run_in_threadpool(render, request, answer) if isinstance(answer, Page) else answer
