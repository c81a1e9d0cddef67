"""`toolgate grant`: who may use which server under which policy."""

from __future__ import annotations

from typing import Annotated

import typer

from toolgate import clients
from toolgate.cli import printing
from toolgate.cli.administration import Described, GrantTerms
from toolgate.cli.chosen import administration
from toolgate.cli.groups import new_group
from toolgate.cli.options import WAIT, DataOption, JsonOption, WaitOption, examples, moment, pairs
from toolgate.cli.stopping import GrantArgument, resume_grant, stop_grant
from toolgate.store.errors import BadInput

app = new_group("Give agents access, and take it back.")

ClaimsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--claims", metavar="K=V", help="Access tokens with these claims lead to it, too: iss, sub. Repeatable."
    ),
]


@app.command(
    epilog=examples(
        "toolgate grant add --server cargo --policy careful --label ci",
        "toolgate grant add --server crm --policy sales --label bot \\\n"
        "      --principal ada --labels tenant=acme --expires 30d --json",
    )
)
def add(  # noqa: PLR0913, PLR0917 - typer declares options as parameters
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
    claims: ClaimsOption = None,
    data: DataOption = None,
    wait: WaitOption = WAIT,
    as_json: JsonOption = False,
) -> None:
    """Make a grant and show its token, this once.

    Only a digest of the token is stored.
    """
    until, kept = moment("--expires", expires), pairs("--labels", labels or [])
    place = administration(data)
    terms = GrantTerms(
        server=server,
        label=label,
        policy=policy,
        principal=principal,
        labels=kept,
        expires=until,
        claims=pairs("--claims", claims or []),
    )
    _print_minted(place.add_grant(terms), as_json)
    place.confirm(wait)


def _print_minted(minted: Described, as_json: bool) -> None:
    if as_json:
        printing.emit_json(minted)
        return
    policy = minted["policy"] or "no policy: every call is denied"
    printing.say(f"grant {minted['label']} for {minted['server']} under {policy}")
    token, url = minted["token"], minted["proxy_url"]
    printing.fields({"id": minted["id"], "token": token, "proxy url": url, "expires": minted["expires"] or "never"})
    printing.say("")
    printing.say("The token is not shown again. For the configuration of an MCP client:")
    printing.say("")
    _print_client(minted["server"], url, token)


def _print_client(server: str, url: str, token: str) -> None:
    for line in clients.generic(server, url, token).splitlines():
        printing.say(line)


@app.command("list", epilog=examples("toolgate grant list", "toolgate grant list --server cargo --json"))
def list_(
    server: Annotated[str | None, typer.Option("--server", metavar="SERVER", help="Only those of this server.")] = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the grants, also those that are stopped, expired or revoked."""
    found = administration(data).grants(server)
    if as_json:
        printing.emit_json(found)
        return
    rows = [(it["id"][:8], it["label"], it["server"], it["policy"], it["state"], it["expires"]) for it in found]
    empty = "no grants yet: `toolgate grant add` makes one"
    printing.table(("id", "label", "server", "policy", "state", "expires"), rows, empty)


@app.command(epilog=examples("toolgate grant rotate ci", "toolgate grant rotate ci --json"))
def rotate(grant: GrantArgument, data: DataOption = None, wait: WaitOption = WAIT, as_json: JsonOption = False) -> None:
    """Give a grant a new token; the old one is refused from now on."""
    place = administration(data)
    _print_minted(place.rotate_grant(grant), as_json)
    place.confirm(wait)


@app.command(epilog=examples("toolgate grant revoke ci"))
def revoke(grant: GrantArgument, data: DataOption = None, wait: WaitOption = WAIT, as_json: JsonOption = False) -> None:
    """Refuse a grant for good.

    Returns when every running gateway of this machine does.
    """
    place = administration(data)
    revoked = place.revoke_grant(grant)
    _print(revoked, f"revoked {revoked['label']}", as_json)
    place.confirm(wait)


app.command("stop", epilog=examples('toolgate grant stop ci --reason "It mails what it reads."'))(stop_grant)
app.command("resume", epilog=examples("toolgate grant resume ci"))(resume_grant)


@app.command(
    "set",
    epilog=examples(
        "toolgate grant set ci --claims iss=https://login.example --claims sub=ada", "toolgate grant set ci --no-claims"
    ),
)
def set_(
    grant: GrantArgument,
    claims: ClaimsOption = None,
    no_claims: Annotated[bool, typer.Option("--no-claims", help="No access token leads to it any more.")] = False,
    data: DataOption = None,
    wait: WaitOption = WAIT,
    as_json: JsonOption = False,
) -> None:
    """Say which access tokens lead to a grant beside its own token; what is open under it ends."""
    if bool(claims) == no_claims:
        raise BadInput("grant set", "needs either --claims or --no-claims", "say which access tokens lead to it")
    place = administration(data)
    changed = place.claim_grant(grant, pairs("--claims", claims or []))
    said = ", ".join(f"{name}={value}" for name, value in changed["claims"].items()) or "no access tokens"
    _print(changed, f"{changed['label']} is for {said} now", as_json)
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
    place = administration(data)
    attached = place.attach_grant(grant, policy)
    _print(attached, f"{attached['label']} is under {attached['policy']} now", as_json)
    place.confirm(wait)


def _print(grant: Described, line: str, as_json: bool) -> None:
    if as_json:
        printing.emit_json(grant)
    else:
        printing.say(line)
