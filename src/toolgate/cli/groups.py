"""Command groups that are imported when they are used, so that `toolgate --help` answers at once."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, ClassVar

import typer
from typer.core import TyperGroup


class Group(TyperGroup):
    """A group that shows its help when it is called without a command."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Print the help to standard error and leave with 2: nothing was asked for."""
        if not args and not ctx.resilient_parsing:
            typer.echo(ctx.get_help(), err=True)
            ctx.exit(2)
        return super().parse_args(ctx, args)


class LazyGroup(Group):
    """The root: knows its commands by name, module and one line of help; each module has its own `app`."""

    modules: ClassVar[Mapping[str, tuple[str, str]]]

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the signature is typer's
        """The names in the order of the table."""
        return list(self.modules)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - the signature is typer's
        """Import the module of this command."""
        if cmd_name not in self.modules:
            return None
        if cmd_name not in self.commands:
            module = importlib.import_module(self.modules[cmd_name][0])
            command = typer.main.get_command(module.app)
            command.name = cmd_name
            self.commands[cmd_name] = command
        return self.commands[cmd_name]

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command; for a name that is close to one of ours, say so."""
        close = get_close_matches(args[0], self.modules)
        if args[0] not in self.modules and close:
            ctx.fail(f"no such command `{args[0]}`, did you mean `{close[0]}`?")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - the signature is typer's
        """Write the list without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in self.modules.items()])


class MixedGroup(LazyGroup):
    """A group whose light commands stand in its own module; those of the table are loaded when they are used."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Those of its own module first."""
        return [*(name for name in self.commands if name not in self.modules), *super().list_commands(ctx)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """One of its own module, or import the module of it."""
        return self.commands.get(cmd_name) or super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - the signature is typer's
        """Write the list without importing anything."""
        own = [(name, each.get_short_help_str(80)) for name, each in self.commands.items() if name not in self.modules]
        with formatter.section("Commands"):
            formatter.write_dl([*own, *((name, line) for name, (_, line) in self.modules.items())])


def new_group(help_line: str, cls: type[TyperGroup] = Group) -> typer.Typer:
    """A group of commands in our manner: plain help that fits 80 columns, errors left to the root."""
    return _new(help_line, cls)


def new_command() -> typer.Typer:
    """The same for a module that is one command."""
    return _new(None, None)


def _new(help_line: str | None, cls: type[TyperGroup] | None) -> typer.Typer:
    return typer.Typer(
        help=help_line,
        cls=cls,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
