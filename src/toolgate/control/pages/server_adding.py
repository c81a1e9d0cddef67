"""`/servers/new`: register a server, chosen from the known ones or by its address."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.routing import BaseRoute

from toolgate.catalogue.known import Known, known, search
from toolgate.control.asking import ask_server
from toolgate.control.pages import forms
from toolgate.control.pages.addresses import check_address
from toolgate.control.pages.credentials import header_inputs, variable_inputs
from toolgate.control.pages.rendering import Page
from toolgate.control.pages.routing import Answer, action, actor, page, see_other, state
from toolgate.errors import ToolgateError
from toolgate.store import headers, servers
from toolgate.store.commands import parse_command
from toolgate.store.errors import BadInput
from toolgate.store.headers import HeaderInput
from toolgate.store.servers import Reach, Server

HEADER_ROWS: Final = 2
FIELDS: Final = {
    "server name": "name",
    "url": "url",
    "--url": "url",
    "header": "header",
    "variable": "variables",
    "command": "command",
}


@dataclass(slots=True)
class Typed:
    """What stands in the form; never a value of a credential."""

    name: str = ""
    url: str = ""
    command: str = ""
    allow_private: bool = False
    pin: bool = True
    header_names: tuple[str, ...] = ()

    @classmethod
    def beginning(cls, chosen: Known | None) -> Typed:
        """An empty form, or one for a known server."""
        if chosen is None:
            return cls()
        names = (chosen.header.partition(":")[0],) if chosen.header else ()
        return cls(chosen.id, chosen.url, chosen.command, header_names=names)

    @classmethod
    def of(cls, form: FormData) -> Typed:
        """What was sent."""
        return cls(
            forms.text(form, "name"),
            forms.text(form, "url"),
            forms.text(form, "command"),
            forms.ticked(form, "allow_private"),
            forms.ticked(form, "pin"),
            tuple(forms.texts(form, "header_name")),
        )


def _new(request: Request) -> Page:
    """The known servers that hold `q`, and the form: for the one chosen (`known`), or any."""
    sought = request.query_params.get("q", "").strip()[:200]
    chosen = known(request.query_params.get("known", ""))
    data = {"known": [msgspec.to_builtins(server) for server in search(sought)]}
    return _page(request, Typed.beginning(chosen), chosen, data, {"sought": sought})


def _page(
    request: Request,
    typed: Typed,
    chosen: Known | None,
    data: dict[str, Any],
    view: dict[str, Any],
    errors: dict[str, ToolgateError] | None = None,
) -> Page:
    commands = state(request).settings.allow_command_servers
    shown = {
        "typed": typed,
        "chosen": chosen,
        "commands": commands,
        "command_line": "" if chosen is None or not chosen.command else command_line(chosen),
        "header_rows": max(HEADER_ROWS, len(typed.header_names)),
        "errors": errors or {},
        **view,
    }
    return Page("server_new.html", "Add a server", data, shown, status=422 if errors else 200)


def command_line(chosen: Known) -> str:
    """What registers a known command at a terminal."""
    words = ["toolgate", "server", "add", chosen.id, "--command", chosen.command]
    for variable in chosen.variables:
        words += ["--env", f"{variable}=env:{variable}"]
    return shlex.join(words)


async def _add(request: Request, form: FormData) -> Answer:
    """Register it and ask for its tools; what the server says is told on its page."""
    typed, who, here = Typed.of(form), actor(request), state(request)
    try:
        server = await _registered(request, form, typed)
    except ToolgateError as error:
        errors = forms.placed(error, FIELDS)
        chosen = known(forms.text(form, "known"))
        data = {"known": [msgspec.to_builtins(server) for server in search("")]}
        return await run_in_threadpool(_page, request, typed, chosen, data, {"sought": ""}, errors)
    await run_in_threadpool(here.changed)
    await ask_server(here, who, server.id, trusted=True)
    return see_other(f"/servers/{server.id}", "added")


async def _registered(request: Request, form: FormData, typed: Typed) -> Server:
    here, who = state(request), actor(request)
    words = words_of(typed.command) if here.settings.allow_command_servers and not typed.url else ()
    if not words:
        if not typed.url:
            raise BadInput("url", "is empty", "write it as https://host/path")
        await check_address(typed.url, allow_private=typed.allow_private)
    given = _credentials(form, bool(words), here.settings.allow_command_servers)
    return await run_in_threadpool(
        servers.add,
        here.engine,
        who.name,
        typed.name,
        "" if words else typed.url,
        command=words,
        reach=Reach(allow_private=typed.allow_private and not words),
        pin=typed.pin,
        credentials=given,
        sealer=here.master.sealer(headers.PURPOSE),
        organisation=who.organisation,
    )


def words_of(command: str) -> tuple[str, ...]:
    """The words of a command that was typed far from the machine that starts it: no path is relative there."""
    if not command:
        return ()
    program = command.split()[0]
    if "/" in program and not program.startswith(("/", "~")):
        raise BadInput("command", f"`{program}` is a relative path", "write the whole path, or a name to look for")
    return parse_command("command", command, Path("/"))


def _credentials(form: FormData, for_command: bool, environment: bool) -> list[HeaderInput]:
    if for_command:
        return variable_inputs(forms.text(form, "variables"))
    names, values = forms.texts(form, "header_name"), forms.texts(form, "header_value")
    return header_inputs(names, values, environment=environment)


routes: list[BaseRoute] = [*page("/servers/new", _new, role="admin"), *action("/servers/new", _add, role="admin")]
