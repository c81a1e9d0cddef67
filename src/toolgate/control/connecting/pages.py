"""`/connect/{server_id}`: connect a server, or one grant of it, to its authorization server; and the way back."""

from __future__ import annotations

import time
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from toolgate.control.connecting import flow
from toolgate.control.connecting.clients import CALLBACK, DOCUMENT, Typed, document
from toolgate.control.connecting.ending import disconnect
from toolgate.control.connecting.shown import credentials_of
from toolgate.control.identity.needed import actor_of
from toolgate.control.pages.forms import placed, text, ticked
from toolgate.control.pages.problems import NOTHING, problem_page, status_of
from toolgate.control.pages.rendering import Page, render
from toolgate.control.pages.routing import Answer, action, actor, page, state
from toolgate.errors import ToolgateError
from toolgate.store import grants, servers
from toolgate.store.errors import NotStored
from toolgate.store.names import is_id
from toolgate.store.servers import Server

_PATH: Final = "/connect/{server_id}"
_DONE: Final = {
    "connected": "Connected. The gateway uses the access token from the next call on, and renews it by itself.",
    "revoked": "Disconnected: the tokens are revoked and deleted.",
    "ending": "Disconnected: nothing can be renewed any more. The last access token, forgotten here, holds to its end.",
    "forgotten": "Disconnected: the tokens are deleted here. They could not be revoked, so they hold until they end.",
}
_FIELDS: Final = {"client_id": "client_id", "client_secret": "client_secret", "issuer": "issuer"}
# The address of the answer holds a code: it is told to nobody, not even to our own pages.
_QUIET: Final = {"referrer-policy": "no-referrer"}


def _look(request: Request) -> Answer:
    return _page(request, request.query_params.get("grant", ""))


def _page(request: Request, grant_id: str, typed: Typed | None = None, error: ToolgateError | None = None) -> Page:
    here, server = state(request), _server(request)
    grant = _grant(request, server, grant_id)
    known = credentials_of(here, server)
    data: dict[str, Any] = {
        "server": {"id": server.id, "name": server.name, "url": server.url, "command": list(server.command)},
        "grant": grant,
        "credentials": known,
        "connection": next((it for it in known["connections"] if it["grant"] == grant), None),
        "redirect_uri": here.url + CALLBACK,
    }
    errors = placed(error, _FIELDS) if error is not None else {}
    view = {"typed": typed or Typed(), "errors": errors}
    title = f"Connect {server.name}" if grant is None else f"Connect {grant['label']}"
    return Page("connect.html", title, data, view, status_of(error) if error is not None else 200)


def _server(request: Request) -> Server:
    """The server of the path: by id alone, as every page has it."""
    server_id = request.path_params["server_id"]
    if not is_id(server_id):
        raise NotStored("server", "there is no such server", "the list of servers shows all")
    return servers.get(state(request).engine, server_id, organisation=actor(request).organisation)


def _grant(request: Request, server: Server, grant_id: str) -> dict[str, str] | None:
    """The living grant that a connection is for; None for the server's own."""
    if not grant_id:
        return None
    grant = grants.get(state(request).engine, grant_id, time.time(), organisation=actor(request).organisation)
    if grant.server_id != server.id or grant.revoked is not None or grant.id != grant_id:
        raise NotStored("grant", "there is no such grant of this server", "the list of grants shows all")
    return {"id": grant.id, "label": grant.label}


async def _connect(request: Request, form: FormData) -> Answer:
    grant_id = text(form, "grant")
    typed = Typed(text(form, "client_id"), text(form, "client_secret"), text(form, "issuer"), ticked(form, "anew"))
    server = await run_in_threadpool(_server, request)
    await run_in_threadpool(_grant, request, server, grant_id)
    try:
        begun = await flow.begin(state(request), actor(request), server, grant_id, typed)
    except ToolgateError as error:
        return await run_in_threadpool(_page, request, grant_id, typed, error)
    return Page(
        "connect_continue.html",
        f"Continue at {begun.host}",
        {},
        {"begun": begun, "server": server, "back": _back(server.id, grant_id)},
        headers=_QUIET,
    )


async def _disconnect(request: Request, form: FormData) -> Answer:
    grant_id = text(form, "grant")
    server = await run_in_threadpool(_server, request)
    return _to(server.id, grant_id, await disconnect(state(request), actor(request), server, grant_id))


def _ask(request: Request) -> Answer:
    """Before a connection is ended."""
    server = _server(request)
    grant = _grant(request, server, request.query_params.get("grant", ""))
    data = {"server": {"id": server.id, "name": server.name}, "grant": grant}
    title = "Disconnect this server?" if grant is None else "Disconnect this grant?"
    return Page("disconnect.html", title, data, {"back": _back(server.id, grant["id"] if grant else "")})


async def _callback(request: Request) -> Response:
    """Where the authorization server sends the browser back to: a GET that `state` makes good for one session, once."""
    who = await actor_of(request, "admin")
    answer = {name: request.query_params.getlist(name) for name in request.query_params}
    try:
        ended = await flow.finish(state(request), who, answer)
    except ToolgateError as error:
        failed = Page("connect_failed.html", "Not connected", {}, {"error": error}, status_of(error), _QUIET)
        return await run_in_threadpool(render, request, failed)
    return _to(ended.server_id, ended.grant_id, "connected")


def _document(request: Request) -> Response:
    """Our client metadata, for authorization servers that fetch them: public, and nothing where they could not be."""
    ours = document(state(request).url)
    if ours is None:
        return problem_page(request, NOTHING, 404)
    headers = {"cache-control": "public, max-age=3600", "cross-origin-resource-policy": "cross-origin"}
    return Response(msgspec.json.encode(ours), headers=headers, media_type="application/json")


def _back(server_id: str, grant_id: str) -> str:
    return f"/connect/{server_id}" + (f"?{urlencode({'grant': grant_id})}" if grant_id else "")


def _to(server_id: str, grant_id: str, done: str) -> Response:
    query = {"grant": grant_id, "done": done} if grant_id else {"done": done}
    return RedirectResponse(f"/connect/{server_id}?{urlencode(query)}", status_code=303, headers=_QUIET)


routes: list[BaseRoute] = [
    *page(f"{_PATH}/disconnect", _ask, role="admin"),
    *action(f"{_PATH}/disconnect", _disconnect, role="admin"),
    *page(_PATH, _look, role="admin", done=_DONE),
    *action(_PATH, _connect, role="admin"),
    Route(CALLBACK, _callback, methods=["GET"]),
    Route(DOCUMENT, _document, methods=["GET"]),
]
