"""`toolgate organisation`: separate sets of servers, policies, grants and members in one installation."""

from __future__ import annotations

from typing import Annotated

import typer

from toolgate.cli import printing
from toolgate.cli.chosen import people
from toolgate.cli.groups import new_group
from toolgate.cli.options import DataOption, JsonOption, examples

app = new_group("Keep several organisations apart.")


@app.command(epilog=examples("toolgate organisation add acme"))
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="How you will call it.")],
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make an organisation; invite its first admin with `toolgate member add --organisation`."""
    made = people(data).add_organisation(name)
    if as_json:
        printing.emit_json(made)
    else:
        printing.say(f"organisation {made['name']} has no member yet")


@app.command("list", epilog=examples("toolgate organisation list"))
def list_(data: DataOption = None, as_json: JsonOption = False) -> None:
    """List the organisations; the first is the operator's own."""
    rows = people(data).organisations()
    if as_json:
        printing.emit_json(rows)
        return
    printing.table(("name", "members", "created"), [(row["name"], row["members"], row["created"]) for row in rows], "")
