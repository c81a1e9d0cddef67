"""`toolgate apply`: an installation described in a file."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from toolgate.cli import exits, printing
from toolgate.cli.groups import new_command
from toolgate.cli.installation import Installation
from toolgate.cli.options import WAIT, DataOption, JsonOption, WaitOption, actor, examples
from toolgate.configuration import nodes
from toolgate.configuration.apply import Options, apply, preview
from toolgate.configuration.document import Configuration
from toolgate.configuration.plan import Plan, Step
from toolgate.configuration.problems import ConfigurationError
from toolgate.configuration.reader import read_configuration, read_configuration_text
from toolgate.errors import ToolgateError
from toolgate.keys import MasterKey
from toolgate.store import headers, servers

app = new_command()


@app.command(
    "apply",
    epilog=examples(
        "toolgate apply -f toolgate.yaml --dry-run",
        "toolgate apply -f toolgate.yaml --prune --json",
        "toolgate apply -f - < toolgate.yaml",
    ),
)
def apply_file(
    file: Annotated[Path, typer.Option("--file", "-f", metavar="FILE", help="The configuration; - is standard input.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and change nothing.")] = False,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="With --dry-run: leave with 1 when something would change.")
    ] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Remove what this file made earlier and no longer names.")
    ] = False,
    rotate_missing: Annotated[
        bool, typer.Option("--rotate-missing", help="Make new tokens for grants whose token file is gone.")
    ] = False,
    data: DataOption = None,
    wait: WaitOption = WAIT,
    as_json: JsonOption = False,
) -> None:
    """Make servers, policies and grants what a file says.

    All of it happens or nothing; applied twice, it changes nothing the second time.
    """
    options = Options(prune=prune, rotate_missing=rotate_missing)
    try:
        configuration = _read(file)
        place = Installation.at(data)
        key = MasterKey.load(place.data)
        sealer = key.sealer(headers.PURPOSE)
        if dry_run:
            plan = preview(place.engine, configuration, sealer, options)
        else:
            plan = apply(place.data, place.engine, actor(), configuration, sealer, options)
    except ConfigurationError as error:
        for problem in error.problems:
            printing.complain(f"error: {problem.place}: {problem.cause}", problem.mend)
        raise typer.Exit(exits.BAD_INPUT) from None
    _print(plan, dry_run, as_json)
    if not dry_run:
        place.confirm(wait)
        if _ask_servers(place, plan, key):
            place.confirm(wait)
    elif exit_code and plan.changes:
        raise typer.Exit(exits.FINDINGS)


def _read(file: Path) -> Configuration:
    if str(file) != "-":
        return read_configuration(file, os.environ)
    body = sys.stdin.buffer.read(nodes.MAX_SIZE + 1)
    return read_configuration_text(body, "standard input", Path.cwd() / "-", os.environ)


def _print(plan: Plan, dry_run: bool, as_json: bool) -> None:
    for warning in plan.warnings:
        printing.warn(warning.place, warning.cause, warning.mend)
    if as_json:
        printing.emit_json(
            {
                "changes": plan.changes,
                "applied": not dry_run,
                "steps": [_described(step) for step in plan.steps],
                "warnings": [asdict(warning) for warning in plan.warnings],
            }
        )
        return
    for step in plan.steps:
        printing.say(f"{step.sign} {step.kind} {step.name}" + (f": {', '.join(step.details)}" if step.details else ""))
    printing.say(_sum(plan.changes, dry_run))


def _sum(changes: int, dry_run: bool) -> str:
    if not changes:
        return "nothing to change"
    noun = "1 change" if changes == 1 else f"{changes} changes"
    return f"{noun} to make" if dry_run else f"{noun} made"


def _described(step: Step) -> dict[str, object]:
    return {"sign": step.sign, "kind": step.kind, "name": step.name, "details": list(step.details)}


def _ask_servers(place: Installation, plan: Plan, key: MasterKey) -> bool:
    """Fetch the tools of servers that are new or elsewhere now, those of a new one as the operator's own word.

    Slow servers hold nobody up: what was applied is in force already. Returns whether any was asked.
    """
    reached = [step for step in plan.steps if step.reached]
    if not reached:
        return False
    # Imported here: the network side takes its time to load, and an apply that changes nothing needs none of it.
    from toolgate.control.discovering import fetch_tools

    for step in reached:
        server = servers.get(place.engine, step.name)
        try:
            asyncio.run(fetch_tools(place.data, place.engine, actor(), server.id, key, trusted=step.sign == "+"))
        except ToolgateError as error:
            mend = f"`toolgate server tools {server.name} --refresh` tries again"
            printing.warn(error.place, f"{error.cause}; the tools of {server.name} are not known yet", mend)
    return True
