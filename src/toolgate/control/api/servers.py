"""Servers: registered, changed, stopped, removed."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from toolgate.control.api.creating import Creation, Key, Made
from toolgate.control.api.operation import Asker, Here, needs, resource
from toolgate.control.api.paging import Pages
from toolgate.control.api.registering import amended, registration
from toolgate.control.api.shapes.servers import NewServer, ReachedServer, RemovedServer, Server, ServerChange
from toolgate.control.api.shapes.stopping import StopOrder
from toolgate.control.api.shapes.words import Page
from toolgate.control.discovering import fetch_tools
from toolgate.control.identity.actor import Actor
from toolgate.control.state import State
from toolgate.errors import ToolgateError
from toolgate.store import described, headers, servers, stopping
from toolgate.store.database import together
from toolgate.store.gateway_file import gateway_url

router = resource("Servers")

ServerReference = Annotated[str, Path(max_length=64, description="Name or id of the server.", examples=["crm"])]


@router.get("/servers", response_model=Page[Server], **needs("viewer"))
def list_servers(actor: Asker, here: Here, pages: Pages) -> dict[str, object]:
    """List the servers by name."""
    after = pages.after[0] if pages.after else ""
    found = servers.every(here.engine, organisation=actor.organisation, after=after, limit=pages.one_more)
    url = gateway_url(here.data)
    return pages.page(found, lambda row: described.server(row, f"{url}/mcp/{row.id}/"), lambda row: (row.name,))


@router.post("/servers", status_code=201, response_model=ReachedServer, **needs("admin"))
async def register_server(body: NewServer, request: Request, actor: Asker, here: Here, _key: Key = None) -> Response:
    """Register a server and ask it for its tools.

    One that cannot be reached now is registered all the same (`reachable` is false, `warning` says why); its tools
    follow when it answers. Credentials are stored sealed. A `command` needs the operator's leave.
    """
    made: list[str] = []

    def begin() -> Made:
        given = registration(here, body)
        with together(here.engine, actor.name, actor.organisation) as change:
            made.append(servers.insert(change, body.name, given, here.master.sealer(headers.PURPOSE)))
        waiting = ToolgateError("server", "was registered and is not asked for its tools yet")
        return _made(here, actor, made[0], waiting)

    async def finish() -> Made:
        failure = await _asked(here, actor, made[0], trusted=True)
        return await run_in_threadpool(_made, here, actor, made[0], failure)

    return await Creation(request).in_two_steps(begin, finish)


@router.get("/servers/{server}", response_model=Server, **needs("viewer"))
def show_server(server: ServerReference, actor: Asker, here: Here) -> dict[str, Any]:
    """Show one server, and where agents connect to it."""
    return _shown(here, actor, server)


@router.patch("/servers/{server}", response_model=ReachedServer, **needs("admin"))
async def change_server(server: ServerReference, body: ServerChange, actor: Asker, here: Here) -> dict[str, Any]:
    """Change how a server is reached, and ask it for its tools. What is not named stays, as do its id and its grants.

    Tools that differ are withheld where it is pinned.
    """
    changed = await run_in_threadpool(_change, here, actor, server, body)
    failure = await _asked(here, actor, changed)
    return await run_in_threadpool(_reached, here, actor, changed, failure)


@router.delete("/servers/{server}", response_model=RemovedServer, **needs("admin"))
def remove_server(server: ServerReference, actor: Asker, here: Here) -> dict[str, Any]:
    """Remove a server with its credentials, and revoke its grants. Records stay."""
    with together(here.engine, actor.name, actor.organisation):
        found = servers.get(here.engine, server, organisation=actor.organisation)
        revoked = servers.remove(here.engine, actor.name, found.id, organisation=actor.organisation)
    return {"id": found.id, "name": found.name, "revoked": revoked}


@router.post("/servers/{server}/stop", response_model=Server, **needs("admin"))
def stop_server(server: ServerReference, body: StopOrder, actor: Asker, here: Here) -> dict[str, Any]:
    """Deny every call of a server, of all grants, until it is resumed, and end what is under way.

    The answer comes when every running gateway of this machine does. Calls that wait for a person are refused.
    """
    stopped = stopping.stop_server(
        here.engine, here.data, actor.name, server, body.reason, organisation=actor.organisation
    )
    return described.server(stopped, here.proxy_url(stopped.id))


@router.post("/servers/{server}/resume", response_model=Server, **needs("admin"))
def resume_server(server: ServerReference, actor: Asker, here: Here) -> dict[str, Any]:
    """Let a stopped server go on. One that runs stays as it is, and so does a grant that was stopped by itself."""
    resumed = stopping.resume_server(here.engine, actor.name, server, organisation=actor.organisation)
    return described.server(resumed, here.proxy_url(resumed.id))


def _change(here: State, actor: Actor, reference: str, body: ServerChange) -> str:
    """Change it, and let the gateways know before the server is asked, which may take its time; returns its id."""
    with together(here.engine, actor.name, actor.organisation) as change:
        found = servers.get(here.engine, reference, organisation=actor.organisation)
        given, dropped = amended(here, found, body)
        servers.amend(change, found.id, given, here.master.sealer(headers.PURPOSE), dropped=dropped)
    here.changed()
    return found.id


async def _asked(here: State, actor: Actor, server_id: str, *, trusted: bool = False) -> ToolgateError | None:
    """Fetch the tools of a server; what hindered it, if anything did."""
    try:
        await fetch_tools(
            here.data,
            here.engine,
            actor.name,
            server_id,
            here.master,
            trusted=trusted,
            organisation=actor.organisation,
        )
    except ToolgateError as error:
        return error
    return None


def _made(here: State, actor: Actor, server_id: str, failure: ToolgateError | None) -> Made:
    return Made.of(ReachedServer, _reached(here, actor, server_id, failure), f"/api/v1/servers/{server_id}")


def _reached(here: State, actor: Actor, server_id: str, failure: ToolgateError | None) -> dict[str, Any]:
    warning = failure and {"place": failure.place, "cause": failure.cause, "mend": failure.mend}
    return {**_shown(here, actor, server_id), "reachable": failure is None, "warning": warning}


def _shown(here: State, actor: Actor, reference: str) -> dict[str, Any]:
    found = servers.get(here.engine, reference, organisation=actor.organisation)
    return described.server(found, here.proxy_url(found.id))
