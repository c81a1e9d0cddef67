"""`toolgate server`: which MCP servers stand behind the gateway."""

from __future__ import annotations

import asyncio
import json
import shlex
from typing import Annotated

import typer

from toolgate.cli import exits, printing
from toolgate.cli.groups import new_group
from toolgate.cli.installation import Installation
from toolgate.cli.options import WAIT, DataOption, JsonOption, WaitOption, actor, examples
from toolgate.cli.server_options import (
    CaOption,
    CertificateOption,
    CommandOption,
    EnvOption,
    HeaderOption,
    KeyOption,
    NameArgument,
    NewNameArgument,
    PinOption,
    PrivateOption,
    UrlOption,
    check_pair,
    credentials_of,
    file_of,
    words_of,
)
from toolgate.cli.server_set import set_server
from toolgate.errors import ToolgateError
from toolgate.keys import MasterKey
from toolgate.store import definitions, described, headers, servers

app = new_group("Register MCP servers and look at their tools.")


@app.command(
    epilog=examples(
        "toolgate server add cargo --url http://127.0.0.1:9000/mcp",
        "toolgate server add crm --url https://crm.example/mcp \\\n"
        '      --header "Authorization: env:CRM_TOKEN" --json',
        'toolgate server add notes --command "npx notes-server" --env "KEY=env:KEY"',
    )
)
def add(  # noqa: PLR0913, PLR0917 - typer declares options as parameters
    name: NewNameArgument,
    url: UrlOption = None,
    command: CommandOption = None,
    header: HeaderOption = None,
    env: EnvOption = None,
    allow_private: PrivateOption = False,
    pin: PinOption = False,
    ca_file: CaOption = None,
    client_certificate: CertificateOption = None,
    client_key: KeyOption = None,
    data: DataOption = None,
    wait: WaitOption = WAIT,
    as_json: JsonOption = False,
) -> None:
    """Register a server, by its URL or by the command that starts it, and fetch its tools.

    A server that cannot be reached now is registered all the same; its tools follow when it answers.
    """
    reach = servers.Reach(
        allow_private=allow_private,
        ca_file=file_of("--ca-file", ca_file),
        client_certificate=file_of("--client-certificate", client_certificate),
        client_key=file_of("--client-key", client_key),
    )
    check_pair(reach.client_certificate, reach.client_key)
    words = words_of(url, command)
    given = credentials_of(words, header, env)
    place = Installation.at(data)
    key = MasterKey.load(place.data)
    server = servers.add(
        place.engine,
        actor(),
        name,
        url or "",
        command=words,
        reach=reach,
        pin=pin,
        credentials=given,
        sealer=key.sealer(headers.PURPOSE),
    )
    reached = _first_tools(place, server, key)
    _print_added(place, servers.get(place.engine, server.id), reached, as_json)
    place.confirm(wait)


def _first_tools(place: Installation, server: servers.Server, key: MasterKey) -> bool:
    # Imported here: the network side takes its time to load, and most commands need none of it.
    from toolgate.control.discovering import fetch_tools

    try:
        asyncio.run(fetch_tools(place.data, place.engine, actor(), server.id, key, trusted=True))
    except ToolgateError as error:
        mend = f"`toolgate server tools {server.name} --refresh` tries again"
        printing.warn(error.place, f"{error.cause}; the server is registered without tools", error.mend or mend)
        return False
    return True


def _print_added(place: Installation, server: servers.Server, reached: bool, as_json: bool) -> None:
    shown = described.server(server, place.proxy_url(server.id))
    if as_json:
        printing.emit_json({**shown, "reachable": reached})
        return
    printing.say(f"registered {server.name} with {server.tools} tools")
    printing.fields({"id": server.id, "proxy url": shown["proxy_url"]})


app.command(
    "set",
    epilog=examples(
        "toolgate server set cargo --url https://cargo.example/mcp --pin",
        'toolgate server set crm --header "Authorization: env:CRM" --without X-Key',
    ),
)(set_server)


@app.command("list", epilog=examples("toolgate server list", "toolgate server list --json"))
def list_(data: DataOption = None, as_json: JsonOption = False) -> None:
    """List the servers."""
    place = Installation.at(data)
    found = servers.every(place.engine)
    if as_json:
        printing.emit_json([described.server(server, place.proxy_url(server.id)) for server in found])
        return
    rows = [(server.name, _way(server), server.tools, server.grants, server.pin) for server in found]
    empty = "no servers yet: `toolgate server add NAME --url URL` registers one"
    printing.table(("name", "reached by", "tools", "grants", "pinned"), rows, empty)


def _way(server: servers.Server) -> str:
    return server.url or shlex.join(server.command)


@app.command(epilog=examples("toolgate server show cargo", "toolgate server show cargo --json"))
def show(server: NameArgument, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Show one server, and where agents connect to it."""
    place = Installation.at(data)
    found = servers.get(place.engine, server)
    facts = described.server(found, place.proxy_url(found.id))
    if as_json:
        printing.emit_json(facts)
        return
    named = ", ".join(f"{name} ({source})" for name, source in facts["headers"].items())
    rows = {key.replace("_", " "): value for key, value in facts.items()}
    if facts["command"]:
        printing.fields({**rows, "command": shlex.join(facts["command"]), "headers": None, "variables": named})
    else:
        printing.fields({**rows, "headers": named})


@app.command(
    epilog=examples(
        "toolgate server tools cargo",
        "toolgate server tools cargo --refresh --json",
        "toolgate server tools cargo --accept build",
    )
)
def tools(
    server: NameArgument,
    refresh: Annotated[bool, typer.Option("--refresh", help="Ask the server first.")] = False,
    accept: Annotated[
        list[str] | None,
        typer.Option("--accept", metavar="TOOL", help="Let in the withheld version of this tool. Repeatable."),
    ] = None,
    data: DataOption = None,
    wait: WaitOption = WAIT,
    as_json: JsonOption = False,
) -> None:
    """List a server's tools as they were last seen.

    On a pinned server a new or changed tool is withheld, and its calls are denied, until it is accepted here.
    """
    place = Installation.at(data)
    found = servers.get(place.engine, server)
    if accept:
        definitions.accept(place.engine, actor(), found.id, accept)
    reached = _refreshed(place, found) if refresh else True
    versions = definitions.of_server(place.engine, found.id)
    if as_json:
        printing.emit_json([described.tool(version) for version in versions])
    else:
        rows = [_tool_row(version) for version in versions]
        printing.table(("tool", "status", "seen", "description"), rows, f"no tools of {found.name} are known yet")
    if accept or refresh:
        place.confirm(wait)
    if not reached:
        raise typer.Exit(exits.UNREACHED)


def _refreshed(place: Installation, server: servers.Server) -> bool:
    from toolgate.control.discovering import fetch_tools

    try:
        asyncio.run(fetch_tools(place.data, place.engine, actor(), server.id, MasterKey.load(place.data)))
    except ToolgateError as error:
        printing.warn(error.place, f"{error.cause}; these are the tools as last seen", error.mend)
        return False
    return True


def _tool_row(version: definitions.Version) -> tuple[object, ...]:
    definition = json.loads(version.definition)
    described = definition.get("description") if isinstance(definition, dict) else None
    line = " ".join(described.split()) if isinstance(described, str) else ""
    cut = line if len(line) <= 60 else line[:57] + "..."
    return version.name, version.status, printing.when(version.last_seen), cut


@app.command(epilog=examples("toolgate server remove cargo"))
def remove(server: NameArgument, data: DataOption = None, wait: WaitOption = WAIT, as_json: JsonOption = False) -> None:
    """Remove a server, and revoke its grants.

    Its credentials are deleted; records stay.
    """
    place = Installation.at(data)
    found = servers.get(place.engine, server)
    revoked = servers.remove(place.engine, actor(), found.id)
    if as_json:
        printing.emit_json({"id": found.id, "name": found.name, "revoked": revoked})
    else:
        printing.say(f"removed {found.name} and revoked {len(revoked)} grants")
    place.confirm(wait)
