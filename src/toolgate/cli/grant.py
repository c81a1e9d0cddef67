"""`toolgate grant`: who may use which server under which policy."""

from __future__ import annotations

import json
import time
from typing import Annotated

import typer

from toolgate.cli import printing
from toolgate.cli.groups import new_group
from toolgate.cli.installation import Installation
from toolgate.cli.options import WAIT, DataOption, JsonOption, WaitOption, actor, examples, moment, pairs
from toolgate.store import described, grants

app = new_group("Give agents access, and take it back.")

GrantArgument = Annotated[str, typer.Argument(metavar="GRANT", help="Label or id of the grant, or how its id begins.")]


@app.command(
    epilog=examples(
        "toolgate grant add --server cargo --policy careful --label ci",
        "toolgate grant add --server crm --policy sales --label bot \\\n"
        "      --principal ada --labels tenant=acme --expires 30d --json",
    )
)
def add(
    server: Annotated[str, typer.Option("--server", metavar="SERVER", help="The server it opens (name or id).")],
    label: Annotated[str, typer.Option("--label", metavar="LABEL", help="How records and you will call it.")],
    policy: Annotated[
        str | None,
        typer.Option("--policy", metavar="POLICY", help="The policy it is under (name or id). Without: no call."),
    ] = None,
    principal: Annotated[
        str, typer.Option("--principal", metavar="P", help="Who holds it; by default the label.")
    ] = "",
    labels: Annotated[
        list[str] | None,
        typer.Option("--labels", metavar="K=V", help="What policies read as grant.labels.K. Repeatable."),
    ] = None,
    expires: Annotated[str, typer.Option("--expires", metavar="WHEN", help="30d, 12h, 2027-01-31, never.")] = "never",
    data: DataOption = None,
    wait: WaitOption = WAIT,
    as_json: JsonOption = False,
) -> None:
    """Make a grant and show its token, this once.

    Only a digest of the token is stored.
    """
    until, kept = moment("--expires", expires), pairs("--labels", labels or [])
    place = Installation.at(data)
    minted = grants.add(
        place.engine,
        actor(),
        server=server,
        policy=policy,
        label=label,
        principal=principal,
        labels=kept,
        expires=until,
    )
    _print_minted(place, minted, as_json)
    place.confirm(wait)


def _print_minted(place: Installation, minted: grants.Minted, as_json: bool) -> None:
    grant, url = minted.grant, place.proxy_url(minted.grant.server_id)
    if as_json:
        printing.emit_json({**described.grant(grant), "token": minted.token, "proxy_url": url})
        return
    printing.say(f"grant {grant.label} for {grant.server} under {grant.policy or 'no policy: every call is denied'}")
    expires = printing.when(grant.expires) or "never"
    printing.fields({"id": grant.id, "token": minted.token, "proxy url": url, "expires": expires})
    printing.say("")
    printing.say("The token is not shown again. For the configuration of an MCP client:")
    printing.say("")
    _print_client(grant.server, url, minted.token)


def _print_client(server: str, url: str, token: str) -> None:
    entry = {"type": "http", "url": url, "headers": {"Authorization": f"Bearer {token}"}}
    for line in json.dumps({"mcpServers": {server: entry}}, indent=2).splitlines():
        printing.say(line)


@app.command("list", epilog=examples("toolgate grant list", "toolgate grant list --server cargo --json"))
def list_(
    server: Annotated[str | None, typer.Option("--server", metavar="SERVER", help="Only those of this server.")] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the grants, also those that are expired or revoked."""
    found = grants.every(Installation.at(data).engine, time.time(), server)
    if as_json:
        printing.emit_json([described.grant(grant) for grant in found])
        return
    rows = [(g.id[:8], g.label, g.server, g.policy, g.state, printing.when(g.expires)) for g in found]
    empty = "no grants yet: `toolgate grant add` makes one"
    printing.table(("id", "label", "server", "policy", "state", "expires"), rows, empty)


@app.command(epilog=examples("toolgate grant rotate ci", "toolgate grant rotate ci --json"))
def rotate(grant: GrantArgument, data: DataOption = None, wait: WaitOption = WAIT, as_json: JsonOption = False) -> None:
    """Give a grant a new token; the old one is refused from now on."""
    place = Installation.at(data)
    _print_minted(place, grants.rotate(place.engine, actor(), grant), as_json)
    place.confirm(wait)


@app.command(epilog=examples("toolgate grant revoke ci"))
def revoke(grant: GrantArgument, data: DataOption = None, wait: WaitOption = WAIT, as_json: JsonOption = False) -> None:
    """Refuse a grant for good.

    Returns when every running gateway of this machine does.
    """
    place = Installation.at(data)
    revoked = grants.revoke(place.engine, actor(), grant)
    _print(revoked, f"revoked {revoked.label}", as_json)
    place.confirm(wait)


@app.command(epilog=examples("toolgate grant attach ci --policy strict"))
def attach(
    grant: GrantArgument,
    policy: Annotated[str, typer.Option("--policy", metavar="POLICY", help="Name or id of the policy.")],
    data: DataOption = None,
    wait: WaitOption = WAIT,
    as_json: JsonOption = False,
) -> None:
    """Put a grant under another policy, from its next request on."""
    place = Installation.at(data)
    attached = grants.attach(place.engine, actor(), grant, policy)
    _print(attached, f"{attached.label} is under {attached.policy} now", as_json)
    place.confirm(wait)


def _print(grant: grants.Grant, line: str, as_json: bool) -> None:
    if as_json:
        printing.emit_json(described.grant(grant))
    else:
        printing.say(line)
