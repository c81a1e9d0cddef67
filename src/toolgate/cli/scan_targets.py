"""What the command line of `toolgate scan` asks to be scanned."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import typer

from toolgate.cli import printing
from toolgate.errors import ToolgateError
from toolgate.scanner import kept
from toolgate.scanner.configured import ConfigurationFile
from toolgate.scanner.machine import configurations, held_back, targets
from toolgate.scanner.targets import Missing, Reached, Started, Target, Way, name_of_command, name_of_url
from toolgate.store import headers, variables
from toolgate.store.commands import check_command
from toolgate.store.errors import BadInput
from toolgate.store.headers import HeaderInput
from toolgate.store.names import escaped, shown
from toolgate.upstream.address import parse_url
from toolgate.upstream.stdio_environment import inherited


@dataclass(slots=True, frozen=True)
class Asked:
    """The options that name servers."""

    command: tuple[str, ...]
    upstream: tuple[str, ...]
    header: tuple[str, ...]
    allow_private: bool
    env: tuple[str, ...]
    name: str
    clients: bool
    yes: bool
    catalogue: tuple[str, ...]


def targets_of(asked: Asked) -> list[Target]:
    """Every target, each under a name of its own. Raises BadInput, ToolgateError."""
    _check(asked)
    found = [*_commands(asked), *_addresses(asked)]
    for file in asked.catalogue:
        found += kept.read_file(file)
    if asked.clients:
        found += _of_clients(asked)
    return list(_under_own_names(found))


def _check(asked: Asked) -> None:
    if not (asked.command or asked.upstream or asked.clients or asked.catalogue):
        mend = "end it with `-- COMMAND ARG...`, or give --upstream, --clients or --catalogue"
        raise BadInput("command line", "nothing to scan is named", mend)
    if (asked.header or asked.allow_private) and not asked.upstream:
        raise BadInput("command line", "--header and --allow-private go with --upstream", "leave them out")
    if asked.header and len(asked.upstream) > 1:
        raise BadInput("--header", "would go to several servers", "scan one --upstream at a time")
    if asked.env and not asked.command:
        raise BadInput("--env", "goes with a command", "leave it out")
    if asked.yes and not asked.clients:
        raise BadInput("--yes", "goes with --clients", "leave it out")
    if asked.name and len(asked.command[:1]) + len(asked.upstream) != 1:
        raise BadInput("--name", "goes with one command or one --upstream", "leave it out")


def _commands(asked: Asked) -> Iterator[Target]:
    if not asked.command:
        return
    given = headers.unique([variables.parse_variable(text) for text in asked.env])
    environment = {**inherited(os.environ), **{each.name: _value(each) for each in given}}
    words = check_command("command line", asked.command, Path.cwd())
    yield Target(asked.name or name_of_command(words), Started(words, environment))


def _value(given: HeaderInput) -> str:
    if not given.variable:
        return given.value
    value = os.environ.get(given.variable)
    if value is None:
        raise BadInput(f"--env {given.name}", f"the variable `{given.variable}` is not set", "set it")
    return value


def _addresses(asked: Asked) -> Iterator[Target]:
    sent = tuple(headers.given(asked.header, os.environ))
    for url in asked.upstream:
        try:
            parse_url(url, allow_private=asked.allow_private)
        except ToolgateError as error:
            raise BadInput("--upstream", error.cause, error.mend) from None
        yield Target(asked.name or name_of_url(url), Reached(url, sent, asked.allow_private))


def _of_clients(asked: Asked) -> list[Target]:
    found = configurations(os.environ, Path.home(), Path.cwd())
    if not found:
        printing.complain(
            "no configuration of an MCP client was found", "`docs/scan.md` says where they are looked for"
        )
    _list(found)
    named = targets(found)
    if asked.yes or _agreed(named):
        return named
    return [held_back(target) for target in named]


def _list(found: Sequence[ConfigurationFile]) -> None:
    """On standard error, as standard output is for what was found. No argument, variable or path of a URL."""
    for file in found:
        typer.echo(escaped(f"{file.client}: {file.path}" + (f": {file.problem}" if file.problem else "")), err=True)
        for server in file.servers:
            off = " (switched off, not scanned)" if server.off else ""
            typer.echo(escaped(f"  {shown(server.name)}: {_told(server.way)}{off}"), err=True)


def _told(way: Way) -> str:
    if isinstance(way, Started):
        return f"starts {shown(way.shown)}"
    return way.cause if isinstance(way, Missing) else f"asks {shown(way.shown)}"


def _agreed(named: Sequence[Target]) -> bool:
    """Whether a person at a terminal lets the commands be started."""
    commands = [target.way.command for target in named if isinstance(target.way, Started)]
    if not commands or not sys.stdin.isatty():
        return not commands
    programs = ", ".join(dict.fromkeys(shlex.quote(shown(Path(words[0]).name)) for words in commands))
    return typer.confirm(escaped(f"Start {len(commands)} commands ({programs}), as the clients would?"), err=True)


def _under_own_names(found: Sequence[Target]) -> Iterator[Target]:
    taken: dict[str, int] = {}
    for target in found:
        taken[target.name] = taken.get(target.name, 0) + 1
        number = taken[target.name]
        yield target if number == 1 else replace(target, name=f"{target.name} {number}")
