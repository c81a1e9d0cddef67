"""Credentials of servers: what calls go out with, and the end of an OAuth connection."""

from __future__ import annotations

import time
from typing import Annotated, Any

from fastapi import Query
from starlette.concurrency import run_in_threadpool

from toolgate.control.api.operation import Asker, Here, needs, resource
from toolgate.control.api.servers import ServerReference
from toolgate.control.api.shapes.credentials import CredentialsShown, Disconnected
from toolgate.control.connecting.ending import disconnect
from toolgate.control.connecting.shown import credentials_of
from toolgate.control.identity.actor import Actor
from toolgate.control.state import State
from toolgate.store import grants, oauth, servers
from toolgate.store.errors import NotStored
from toolgate.store.servers import Server

router = resource("Credentials")


@router.get("/servers/{server}/credentials", response_model=CredentialsShown, **needs("admin"))
def show_credentials(server: ServerReference, actor: Asker, here: Here) -> dict[str, Any]:
    """Show what a server's calls go out with: names, states and scopes, never a value. PATCH sets headers."""
    found = servers.get(here.engine, server, organisation=actor.organisation)
    return {**credentials_of(here, found), "connect_url": f"{here.url}/connect/{found.id}"}


@router.delete("/servers/{server}/credentials/connection", response_model=Disconnected, **needs("admin"))
async def end_connection(
    server: ServerReference,
    actor: Asker,
    here: Here,
    grant: Annotated[str, Query(max_length=200, description="The grant whose own connection ends.")] = "",
) -> dict[str, Any]:
    """End the OAuth connection of a server, or of one of its grants, and revoke it where that is offered."""
    found, grant_id = await run_in_threadpool(_connection, here, actor, server, grant)
    return {"ended": await disconnect(here, actor, found, grant_id)}


def _connection(here: State, actor: Actor, server: str, grant: str) -> tuple[Server, str]:
    found = servers.get(here.engine, server, organisation=actor.organisation)
    grant_id = grants.get(here.engine, grant, time.time(), organisation=actor.organisation).id if grant else ""
    if all(it.grant_id != grant_id for it in oauth.connections(here.engine, found.id)):
        raise NotStored("connection", f"`{found.name}` is not connected so", "its credentials list all connections")
    return found, grant_id
