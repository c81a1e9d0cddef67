"""`/servers/{id}/change` and `/servers/{id}/remove`: another name, address or credentials; or the end of a server."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.routing import BaseRoute

from toolgate.control.asking import ask_server
from toolgate.control.pages import forms
from toolgate.control.pages.addresses import check_address
from toolgate.control.pages.credentials import header_inputs, variable_inputs
from toolgate.control.pages.rendering import Page
from toolgate.control.pages.routing import Answer, action, actor, page, see_other, state
from toolgate.control.pages.server_adding import FIELDS, HEADER_ROWS, words_of
from toolgate.errors import ToolgateError
from toolgate.store import described, headers, servers
from toolgate.store.database import writing
from toolgate.store.servers import Registration, Server


@dataclass(slots=True)
class Typed:
    """What stands in the form; never a value of a credential."""

    name: str
    url: str
    command: str
    allow_private: bool
    pin: bool
    dropped: tuple[str, ...] = ()
    header_names: tuple[str, ...] = ()

    @classmethod
    def beginning(cls, server: Server) -> Typed:
        """The server as it is."""
        return cls(server.name, server.url, shlex.join(server.command), server.reach.allow_private, server.pin)

    @classmethod
    def of(cls, form: FormData, server: Server) -> Typed:
        """What was sent; a field that the form did not have says what is stored."""
        return cls(
            forms.text(form, "name"),
            forms.text(form, "url") or server.url,
            forms.text(form, "command") or shlex.join(server.command),
            forms.ticked(form, "allow_private"),
            forms.ticked(form, "pin"),
            tuple(name for name in forms.texts(form, "drop") if name in server.headers),
            tuple(forms.texts(form, "header_name")),
        )


def _change(request: Request) -> Page:
    server = _asked_for(request)
    return _page(request, server, Typed.beginning(server), {})


def _asked_for(request: Request) -> Server:
    organisation = actor(request).organisation
    return servers.get(state(request).engine, request.path_params["id"], organisation=organisation)


def _page(request: Request, server: Server, typed: Typed, errors: dict[str, ToolgateError]) -> Page:
    here = state(request)
    data = {"server": described.server(server, here.proxy_url(server.id))}
    view = {
        "typed": typed,
        "errors": errors,
        "commands": here.settings.allow_command_servers,
        "header_rows": max(HEADER_ROWS, len(typed.header_names)),
    }
    return Page("server_change.html", f"Change {server.name}", data, view, status=422 if errors else 200)


async def _put(request: Request, form: FormData) -> Answer:
    """Store the change; where the server is reached otherwise now, ask it for its tools."""
    here, who = state(request), actor(request)
    server = await run_in_threadpool(_asked_for, request)
    typed = Typed.of(form, server)
    try:
        registration = await _registration(request, form, server, typed)
        await run_in_threadpool(_store, request, server, typed, registration)
    except ToolgateError as error:
        return await run_in_threadpool(_page, request, server, typed, forms.placed(error, FIELDS))
    await run_in_threadpool(here.changed)
    elsewhere = (registration.url, registration.command) != (server.url, server.command)
    if elsewhere or registration.credentials or typed.dropped:
        here.attempts.forget(server.id)
        await ask_server(here, who, server.id)
    return see_other(f"/servers/{server.id}", "changed")


async def _registration(request: Request, form: FormData, server: Server, typed: Typed) -> Registration:
    """The registration that the form asks for. Raises ToolgateError."""
    allowed = state(request).settings.allow_command_servers
    if server.command:
        words = words_of(typed.command) if allowed else server.command
        given = variable_inputs(forms.text(form, "variables")) if allowed else []
        return Registration(command=words, pin=typed.pin, credentials=tuple(given))
    if typed.url != server.url or typed.allow_private != server.reach.allow_private:
        await check_address(typed.url, allow_private=typed.allow_private)
    names, values = forms.texts(form, "header_name"), forms.texts(form, "header_value")
    given = header_inputs(names, values, environment=allowed)
    reach = replace(server.reach, allow_private=typed.allow_private)
    return Registration(typed.url, reach=reach, pin=typed.pin, credentials=tuple(given))


def _store(request: Request, server: Server, typed: Typed, registration: Registration) -> None:
    here, who = state(request), actor(request)
    sealer = here.master.sealer(headers.PURPOSE)
    kept = Registration(server.url, server.command, server.reach, server.pin)
    with writing(here.engine, who.name, who.organisation) as change:
        servers.rename(change, server.id, typed.name)
        if typed.dropped or registration != kept:
            servers.amend(change, server.id, registration, sealer, dropped=typed.dropped)


def _ask_removal(request: Request) -> Page:
    server = _asked_for(request)
    data: dict[str, Any] = {"server": described.server(server, state(request).proxy_url(server.id))}
    return Page("server_remove.html", f"Remove {server.name}?", data)


def _remove(request: Request, _form: FormData) -> Answer:
    """Take the server away, and its grants; the gateways act on it by the time this answers."""
    here, who = state(request), actor(request)
    server = _asked_for(request)
    servers.remove(here.engine, who.name, server.id, organisation=who.organisation)
    here.attempts.forget(server.id)
    here.changed()
    return see_other("/servers", "removed")


routes: list[BaseRoute] = [
    *page("/servers/{id}/change", _change, role="admin"),
    *action("/servers/{id}/change", _put, role="admin"),
    *page("/servers/{id}/remove", _ask_removal, role="admin"),
    *action("/servers/{id}/remove", _remove, role="admin"),
]
