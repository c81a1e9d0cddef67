"""`toolgate token`: tokens of the REST API, for programs that administer."""

from __future__ import annotations

from typing import Annotated

import typer

from toolgate.cli import printing
from toolgate.cli.chosen import people
from toolgate.cli.groups import new_group
from toolgate.cli.options import DataOption, JsonOption, examples, moment
from toolgate.cli.people import NewToken

app = new_group("Let programs administer over the REST API.")


@app.command(
    epilog=examples(
        "toolgate token add deploy --role policy_manager --expires 90d",
        "toolgate token add oncall-bot --role viewer --approver cargo --json",
    )
)
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Admin events will say token:NAME.")],
    role: Annotated[str, typer.Option("--role", metavar="ROLE", help="viewer, policy_manager or admin.")],
    approver: Annotated[
        list[str] | None,
        typer.Option("--approver", metavar="SERVER", help="A server whose waiting calls it may decide on, or *."),
    ] = None,
    expires: Annotated[str, typer.Option("--expires", metavar="WHEN", help="90d, 12h, 2027-01-31, never.")] = "never",
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make an API token and show it, this once.

    Only a digest of it is stored. Agents never need one: they have grants.
    """
    wanted = NewToken(name, role, approver or (), moment("--expires", expires))
    minted = people(data).add_token(wanted)
    if as_json:
        printing.emit_json(minted)
        return
    printing.say(f"token {minted['name']} is {minted['role']}. It is not shown again:")
    printing.say("")
    printing.say(minted["token"])


@app.command("list", epilog=examples("toolgate token list", "toolgate token list --json"))
def list_(data: DataOption = None, as_json: JsonOption = False) -> None:
    """List the API tokens, also those that are expired or revoked."""
    rows = people(data).tokens()
    if as_json:
        printing.emit_json(rows)
        return
    head = ("name", "role", "state", "expires", "last used")
    cells = [[row[column.replace(" ", "_")] for column in head] for row in rows]
    printing.table(head, cells, "no API tokens yet: `toolgate token add` makes one")


@app.command(epilog=examples("toolgate token revoke deploy"))
def revoke(
    token: Annotated[str, typer.Argument(metavar="TOKEN", help="Name or id of the token.")],
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Refuse an API token for good, from its next request on."""
    revoked = people(data).revoke_token(token)
    if as_json:
        printing.emit_json(revoked)
    else:
        printing.say(f"revoked {revoked['name']}")
