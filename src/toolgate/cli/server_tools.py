"""`toolgate server tools`: what a server offers, what of it changed, and letting that in."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from toolgate.cli import exits, printing
from toolgate.cli.administration import Administration, Described
from toolgate.cli.chosen import administration
from toolgate.cli.options import WAIT, DataOption, JsonOption, WaitOption
from toolgate.cli.server_options import NameArgument
from toolgate.cli.server_set import registration_of
from toolgate.cli.tool_changes import accept_word, print_change
from toolgate.store.errors import Conflict, NotStored
from toolgate.store.names import escaped, shown

FINGERPRINT = 64
"""Digits of a fingerprint; all of them name a version: a server could make another one that begins alike."""


def list_tools(
    server: NameArgument,
    refresh: Annotated[bool, typer.Option("--refresh", help="Ask the server first.")] = False,
    changes: Annotated[bool, typer.Option("--changes", help="Show only what waits to be accepted.")] = False,
    accept: Annotated[
        list[str] | None,
        typer.Option(
            "--accept",
            metavar="TOOL[=VERSION]",
            help="Let in the withheld version of this tool, as it is shown. Repeatable.",
        ),
    ] = None,
    pin: Annotated[
        bool | None, typer.Option("--pin/--no-pin", help="Withhold new and changed tools from now on, or no more.")
    ] = None,
    data: DataOption = None,
    wait: WaitOption = WAIT,
    as_json: JsonOption = False,
) -> None:
    """List a server's tools as they were last seen, and what changed in those that are withheld.

    On a pinned server a new or changed tool is withheld, and its calls are denied, until it is accepted here. What is
    accepted is the version that this command shows; with a VERSION, the one that an earlier command showed.
    """
    place = administration(data)
    if pin is not None:
        found = place.server(server)
        place.change_server(found["id"], registration_of(found, pin=pin), [])
    reached = place.refresh_tools(server) if refresh else True
    if accept:
        _accept(place, server, accept, as_json)
    _show(place, server, changes, as_json)
    if accept or refresh or pin is not None:
        place.confirm(wait)
    if not reached:
        raise typer.Exit(exits.UNREACHED)


def _accept(place: Administration, server: str, words: Sequence[str], as_json: bool) -> None:
    """Let in what waits, exactly as it is shown: on a terminal a person reads it and is asked first."""
    waiting = place.tool_changes(server)
    chosen = [_chosen(word, waiting) for word in words]
    asks = sys.stdin.isatty() and sys.stdout.isatty() and not as_json
    for change, named in chosen:
        if not named and not as_json:
            print_change(change)
        if asks and not named and not typer.confirm(escaped(f"Let in this version of {shown(change['name'])}?")):
            raise typer.Exit(exits.FINDINGS)
    place.accept_versions(server, [change["after"] for change, _named in chosen])


def _chosen(word: str, waiting: Sequence[Described]) -> tuple[Described, bool]:
    """The change that is meant, and whether its version was named. A name of a tool may hold anything, `=` too."""
    for change in waiting:
        if word in {accept_word(change), f"={change['after']}"}:
            return change, True
        if word == change["name"]:
            return change, False
    name, _, version = word.rpartition("=")
    if any(change["name"] == name for change in waiting) or len(version) == FINGERPRINT:
        cause = f"this version of `{shown(name)}` waits no more" if name else "this version waits no more"
        raise Conflict("tool", cause, "look at the changes again: there may be newer ones")
    cause = f"no version of `{shown(word)}` is withheld"
    raise NotStored("tool", cause, "`toolgate server tools` shows what is")


def _show(place: Administration, server: str, changes: bool, as_json: bool) -> None:
    if changes:
        _show_changes(place.tool_changes(server), server, as_json)
        return
    found = place.tools(server)
    if as_json:
        printing.emit_json(found)
        return
    empty = f"no tools of {shown(server)} are known yet"
    columns = ("tool", "category", "risk", "status", "seen", "description")
    printing.table(columns, [_row(tool) for tool in found], empty)
    if any(tool["status"] == "withheld" for tool in found):
        printing.say("")
        _show_changes(place.tool_changes(server), server, as_json)


def _show_changes(waiting: Sequence[Described], server: str, as_json: bool) -> None:
    if as_json:
        printing.emit_json(waiting)
        return
    for change in waiting:
        print_change(change)
        printing.say(
            f"  to let it in: toolgate server tools {shown(server)} --accept {shlex.quote(accept_word(change))}"
        )
        printing.say("")
    if not waiting:
        printing.complain(f"nothing of {shown(server)} waits to be accepted")


def _row(tool: Described) -> tuple[object, ...]:
    definition = tool["definition"]
    described = definition.get("description") if isinstance(definition, dict) else None
    line = " ".join(described.split()) if isinstance(described, str) else ""
    cut = line if len(line) <= 60 else line[:57] + "..."
    return tool["name"], tool["category"], tool["risk"], tool["status"], tool["last_seen"], cut
