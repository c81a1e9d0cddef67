"""`toolgate server`: which MCP servers stand behind the gateway."""

from __future__ import annotations

import shlex

from toolgate.cli import printing
from toolgate.cli.administration import Described
from toolgate.cli.chosen import administration
from toolgate.cli.groups import new_group
from toolgate.cli.options import WAIT, DataOption, JsonOption, WaitOption, examples
from toolgate.cli.server_judge import judge_tools
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
from toolgate.cli.server_tools import list_tools
from toolgate.cli.stopping import resume_server, stop_line, stop_server
from toolgate.store.servers import Reach, Registration

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
    reach = Reach(
        allow_private=allow_private,
        ca_file=file_of("--ca-file", ca_file),
        client_certificate=file_of("--client-certificate", client_certificate),
        client_key=file_of("--client-key", client_key),
    )
    check_pair(reach.client_certificate, reach.client_key)
    words = words_of(url, command)
    given = tuple(credentials_of(words, header, env))
    place = administration(data)
    added = place.add_server(name, Registration(url or "", words, reach, pin, given))
    if as_json:
        printing.emit_json(added)
    else:
        printing.say(f"registered {added['name']} with {added['tools']} tools")
        printing.fields({"id": added["id"], "proxy url": added["proxy_url"]})
    place.confirm(wait)


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
    found = administration(data).servers()
    if as_json:
        printing.emit_json(found)
        return
    rows = [(it["name"], _way(it), it["tools"], it["grants"], it["pin"], bool(it["stopped"])) for it in found]
    empty = "no servers yet: `toolgate server add NAME --url URL` registers one"
    printing.table(("name", "reached by", "tools", "grants", "pinned", "stopped"), rows, empty)


def _way(server: Described) -> str:
    return server["url"] or shlex.join(server["command"])


@app.command(epilog=examples("toolgate server show cargo", "toolgate server show cargo --json"))
def show(server: NameArgument, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Show one server, and where agents connect to it."""
    found = administration(data).server(server)
    if as_json:
        printing.emit_json(found)
        return
    named = ", ".join(f"{name} ({source})" for name, source in found["headers"].items())
    rows = {key.replace("_", " "): value for key, value in found.items()}
    rows["stopped"] = stop_line(found["stopped"]) or False
    if found["command"]:
        printing.fields({**rows, "command": shlex.join(found["command"]), "headers": None, "variables": named})
    else:
        printing.fields({**rows, "headers": named})


app.command(
    "tools",
    epilog=examples(
        "toolgate server tools cargo",
        "toolgate server tools cargo --refresh --json",
        "toolgate server tools cargo --pin --changes",
        "toolgate server tools cargo --accept build",
    ),
)(list_tools)


app.command(
    "judge",
    epilog=examples(
        "toolgate server judge cargo",
        "toolgate server judge cargo run=Destructive",
        "toolgate server judge cargo --reclassify",
    ),
)(judge_tools)


app.command("stop", epilog=examples('toolgate server stop cargo --reason "Its tools changed overnight."'))(stop_server)
app.command("resume", epilog=examples("toolgate server resume cargo"))(resume_server)


@app.command(epilog=examples("toolgate server remove cargo"))
def remove(server: NameArgument, data: DataOption = None, wait: WaitOption = WAIT, as_json: JsonOption = False) -> None:
    """Remove a server, and revoke its grants.

    Its credentials are deleted; records stay.
    """
    place = administration(data)
    removed = place.remove_server(server)
    if as_json:
        printing.emit_json(removed)
    else:
        printing.say(f"removed {removed['name']} and revoked {len(removed['revoked'])} grants")
    place.confirm(wait)
